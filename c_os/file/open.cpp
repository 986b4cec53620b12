// open_file(): from a path to an open file.
#include "c_os/base/memory.hpp"
#include "c_os/file/path.hpp"

namespace chorale::c_os {

namespace {

[[nodiscard]] unsigned wanted_access(u32 flags) {
    const u32 mode = flags & open_access_mode;
    unsigned access = mode == open_read_only ? access_read : mode == open_write_only ? access_write : 0;
    if (mode == open_read_write) access = access_read | access_write;
    if ((flags & open_truncate) != 0) access |= access_write;
    return access;
}

struct Found {
    Ref<Node> node;
    bool made{}; // by this call: its mode does not count for this call's access
};

[[nodiscard]] Done may_make(const Walk& walk) {
    const std::string_view name = walk.last();
    if (walk.slash() || name.empty() || name == "." || name == "..") return failed(Error::eisdir);
    return {};
}

// The node at the walk's last name, through links, or a new one. Who comes between the look and the making
// makes this look again.
[[nodiscard]] Result<Found> find_or_make(Walk& walk, u32 flags, u32 mode) {
    const bool exclusive = (flags & open_exclusive) != 0;
    const bool follows = (flags & open_no_follow) == 0 && !exclusive;
    if (const Done done = walk.to_last(); !done) return failed(done.error());
    for (;;) {
        Result<Ref<Node>> node = walk.child();
        if (node && exclusive) return failed(Error::eexist);
        if (!node && node.error() != Error::enoent) return failed(node.error());
        if (!node) {
            if (const Done done = may_make(walk); !done) return failed(done.error());
            const NewNode wanted{.kind = NodeKind::regular, .mode = mode & mode_mask & ~walk.caller().umask};
            Result<Ref<Node>> made = walk.directory()->create(walk.caller().credentials, walk.last(), wanted);
            if (made) return Found{std::move(*made), true};
            if (made.error() != Error::eexist || exclusive) return failed(made.error());
            continue;
        }
        if ((*node)->kind() != NodeKind::link || !follows) return Found{std::move(*node)};
        if (const Done done = walk.follow(**node); !done) return failed(done.error());
        if (const Done done = walk.to_last(); !done) return failed(done.error());
    }
}

[[nodiscard]] Done check(const Walk& walk, Node& node, u32 flags) {
    if (node.kind() == NodeKind::link) return failed(Error::eloop);
    if (!node.directory()) {
        if ((flags & open_directory) != 0 || walk.slash()) return failed(Error::enotdir);
    } else if ((flags & (open_create | open_truncate)) != 0 || (flags & open_access_mode) != open_read_only) {
        return failed(Error::eisdir);
    }
    if (const Done done = node.check_access(walk.caller().credentials, wanted_access(flags)); !done)
        return done;
    // It would tell whether somebody else reads the file.
    if ((flags & open_no_access_time) != 0 && !walk.caller().credentials.root() &&
        walk.caller().credentials.uid != node.attributes().uid)
        return failed(Error::eperm);
    return {};
}

[[nodiscard]] Result<Ref<OpenFile>> open_place(Walk& walk, u32 flags) {
    Result<Ref<Node>> node = walk.to_node((flags & open_no_follow) == 0);
    if (!node) return failed(node.error());
    if ((flags & open_directory) != 0 && !(*node)->directory()) return failed(Error::enotdir);
    constexpr u32 kept = open_path | open_directory | open_no_follow | open_close_on_exec;
    auto* const file = new (std::nothrow) PathFile{std::move(*node), flags & kept};
    if (file == nullptr) return failed(Error::enomem);
    return Ref<OpenFile>::adopt(file);
}

} // namespace

Result<Ref<OpenFile>> open_file(FileContext& context, int directory, std::string_view path, u32 flags,
                                u32 mode) {
    if ((flags & open_path) != 0) flags &= ~(open_create | open_exclusive | open_truncate | open_temporary);
    if ((flags & open_temporary) != 0) return failed(Error::eopnotsupp);
    if ((flags & open_access_mode) == open_access_mode) return failed(Error::einval);
    if ((flags & (open_create | open_directory)) == (open_create | open_directory))
        return failed(Error::einval);
    Walk walk{context};
    if (const Done done = walk.begin(directory, path); !done) return failed(done.error());
    if ((flags & open_path) != 0) return open_place(walk, flags);
    Found found;
    if ((flags & open_create) != 0) {
        Result<Found> result = find_or_make(walk, flags, mode);
        if (!result) return failed(result.error());
        found = std::move(*result);
    } else {
        Result<Ref<Node>> node = walk.to_node((flags & open_no_follow) == 0);
        if (!node) return failed(node.error());
        found.node = std::move(*node);
    }
    if (!found.made)
        if (const Done done = check(walk, *found.node, flags); !done) return failed(done.error());
    // Of other kinds O_TRUNC means nothing.
    if ((flags & open_truncate) != 0 && found.node->kind() == NodeKind::regular && !found.made)
        if (const Done done = found.node->truncate(0); !done) return failed(done.error());
    // A file that was made stays, also when there is no memory to open it.
    return found.node->open(context, flags);
}

} // namespace chorale::c_os
