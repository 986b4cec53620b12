// Names: made, removed, changed.
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

[[nodiscard]] bool is_dot(const Place& place) {
    return place.name().empty() || place.name() == "." || place.name() == "..";
}

[[nodiscard]] Done make(FileContext& context, int directory, u64 path, NewNode wanted) {
    Place place;
    if (const Done done = resolve_user_place(context, directory, path, place); !done) return done;
    if (is_dot(place)) return failed(Error::eexist);
    const Caller caller = context.caller();
    if (place.slash && wanted.kind != NodeKind::directory) {
        const auto there = place.directory->lookup(caller.credentials, place.name());
        return failed(there ? Error::eexist : there.error());
    }
    if (wanted.kind != NodeKind::link) wanted.mode &= ~caller.umask;
    const auto made = place.directory->create(caller.credentials, place.name(), wanted);
    return made ? Done{} : failed(made.error());
}

[[nodiscard]] Result<u64> make_directory(FileContext& context, int directory, u64 path, u32 mode) {
    constexpr u32 allowed = 0777 | mode_sticky;
    return no_value(make(context, directory, path, {.kind = NodeKind::directory, .mode = mode & allowed}));
}

[[nodiscard]] Result<u64> make_node(FileContext& context, int directory, u64 path, u32 mode, u64 device) {
    const u32 kind = mode >> 12 & 017;
    NewNode wanted{.mode = mode & mode_mask};
    switch (kind) {
    case 0:
        break;
    case static_cast<u32>(NodeKind::regular):
    case static_cast<u32>(NodeKind::fifo):
    case static_cast<u32>(NodeKind::socket):
        wanted.kind = static_cast<NodeKind>(kind);
        break;
    case static_cast<u32>(NodeKind::character):
    case static_cast<u32>(NodeKind::block):
        if (!context.credentials().root()) return failed(Error::eperm);
        wanted.kind = static_cast<NodeKind>(kind);
        wanted.special = device;
        break;
    case static_cast<u32>(NodeKind::directory):
        return failed(Error::eperm);
    default:
        return failed(Error::einval);
    }
    return no_value(make(context, directory, path, wanted));
}

[[nodiscard]] Result<u64> remove_file(FileContext& context, int directory, u64 path) {
    Place place;
    if (const Done done = resolve_user_place(context, directory, path, place); !done)
        return failed(done.error());
    if (is_dot(place)) return failed(Error::eisdir);
    const Credentials caller = context.credentials();
    if (place.slash) {
        const Result<Ref<Node>> there = place.directory->lookup(caller, place.name());
        if (!there) return failed(there.error());
        return failed((*there)->directory() ? Error::eisdir : Error::enotdir);
    }
    return no_value(place.directory->unlink(caller, place.name()));
}

[[nodiscard]] Result<u64> remove_directory(FileContext& context, int directory, u64 path) {
    Place place;
    if (const Done done = resolve_user_place(context, directory, path, place); !done)
        return failed(done.error());
    if (place.name().empty()) return failed(Error::ebusy);
    if (place.name() == ".") return failed(Error::einval);
    if (place.name() == "..") return failed(Error::enotempty);
    return no_value(place.directory->remove_directory(context.credentials(), place.name()));
}

struct TwoPaths {
    int from_directory;
    u64 from;
    int to_directory;
    u64 to;
};

[[nodiscard]] Result<u64> move(FileContext& context, const TwoPaths& paths, u32 flags) {
    if ((flags & ~(rename_no_replace | rename_exchange)) != 0 ||
        flags == (rename_no_replace | rename_exchange))
        return failed(Error::einval);
    Place from, to;
    if (const Done done = resolve_user_place(context, paths.from_directory, paths.from, from); !done)
        return failed(done.error());
    if (const Done done = resolve_user_place(context, paths.to_directory, paths.to, to); !done)
        return failed(done.error());
    if (&from.directory->file_system() != &to.directory->file_system()) return failed(Error::exdev);
    if (is_dot(from) || is_dot(to)) return failed(Error::ebusy);
    const Credentials caller = context.credentials();
    if (from.slash || to.slash) {
        const Result<Ref<Node>> node = from.directory->lookup(caller, from.name());
        if (!node) return failed(node.error());
        if (!(*node)->directory()) return failed(Error::enotdir);
    }
    return no_value(from.directory->rename(caller, from.name(), *to.directory, to.name(), flags));
}

[[nodiscard]] Result<u64> add_name(FileContext& context, const TwoPaths& paths, u32 at_flags) {
    if ((at_flags & ~(at_symlink_follow | at_empty_path)) != 0) return failed(Error::einval);
    u32 flags = (at_flags & at_symlink_follow) == 0 ? resolve_no_follow : 0;
    if ((at_flags & at_empty_path) != 0) flags |= resolve_empty_path;
    const Result<Ref<Node>> node = resolve_user(context, paths.from_directory, paths.from, flags);
    if (!node) return failed(node.error());
    Place place;
    if (const Done done = resolve_user_place(context, paths.to_directory, paths.to, place); !done)
        return failed(done.error());
    if (is_dot(place)) return failed(Error::eexist);
    if (place.slash) return failed(Error::enoent);
    return no_value(place.directory->link(context.credentials(), place.name(), **node));
}

// Its stack is free again before the other path needs as much.
[[nodiscard, gnu::noinline]] Result<u64> make_link_at(FileContext& context, const Place& place, u64 target) {
    UserPath text;
    if (const Done done = text.read(target, Error::enametoolong); !done) return failed(done.error());
    if (text.view().empty()) return failed(Error::enoent);
    if (is_dot(place)) return failed(Error::eexist);
    if (place.slash) return failed(Error::enoent);
    const NewNode wanted{.kind = NodeKind::link, .mode = 0777, .target = text.view()};
    const auto made = place.directory->create(context.credentials(), place.name(), wanted);
    return made ? Result<u64>{0} : failed(made.error());
}

[[nodiscard]] Result<u64> make_link(FileContext& context, u64 target, int directory, u64 path) {
    Place place;
    if (const Done done = resolve_user_place(context, directory, path, place); !done)
        return failed(done.error());
    return make_link_at(context, place, target);
}

[[nodiscard]] Result<u64> tell_target(FileContext& context, int directory, u64 path, u64 to, u64 size) {
    if (static_cast<std::int64_t>(size) <= 0) return failed(Error::einval);
    const Result<Ref<Node>> node =
        resolve_user(context, directory, path, resolve_no_follow | resolve_empty_path);
    if (!node) return failed(node.error());
    Buffer buffer = Buffer::of_user(to, transfer_size(size));
    if (const Done done = (*node)->read_link(buffer); !done) return failed(done.error());
    return u64{buffer.done()};
}

} // namespace

namespace file_calls {

Result<u64> mkdir(FileContext& context, const CallArguments& arguments) {
    return make_directory(context, at_current_directory, arguments[0], arguments.word(1));
}
Result<u64> mkdirat(FileContext& context, const CallArguments& arguments) {
    return make_directory(context, arguments.integer(0), arguments[1], arguments.word(2));
}
Result<u64> mknod(FileContext& context, const CallArguments& arguments) {
    return make_node(context, at_current_directory, arguments[0], arguments.word(1), arguments.word(2));
}
Result<u64> mknodat(FileContext& context, const CallArguments& arguments) {
    return make_node(context, arguments.integer(0), arguments[1], arguments.word(2), arguments.word(3));
}
Result<u64> rmdir(FileContext& context, const CallArguments& arguments) {
    return c_os::remove_directory(context, at_current_directory, arguments[0]);
}
Result<u64> unlink(FileContext& context, const CallArguments& arguments) {
    return remove_file(context, at_current_directory, arguments[0]);
}
Result<u64> unlinkat(FileContext& context, const CallArguments& arguments) {
    const u32 flags = arguments.word(2);
    if ((flags & ~at_remove_directory) != 0) return failed(Error::einval);
    if (flags != 0) return c_os::remove_directory(context, arguments.integer(0), arguments[1]);
    return remove_file(context, arguments.integer(0), arguments[1]);
}
Result<u64> rename(FileContext& context, const CallArguments& arguments) {
    return move(context, {at_current_directory, arguments[0], at_current_directory, arguments[1]}, 0);
}
Result<u64> renameat(FileContext& context, const CallArguments& arguments) {
    return move(context, {arguments.integer(0), arguments[1], arguments.integer(2), arguments[3]}, 0);
}
Result<u64> renameat2(FileContext& context, const CallArguments& arguments) {
    return move(context, {arguments.integer(0), arguments[1], arguments.integer(2), arguments[3]},
                arguments.word(4));
}
Result<u64> link(FileContext& context, const CallArguments& arguments) {
    return add_name(context, {at_current_directory, arguments[0], at_current_directory, arguments[1]}, 0);
}
Result<u64> linkat(FileContext& context, const CallArguments& arguments) {
    return add_name(context, {arguments.integer(0), arguments[1], arguments.integer(2), arguments[3]},
                    arguments.word(4));
}
Result<u64> symlink(FileContext& context, const CallArguments& arguments) {
    return make_link(context, arguments[0], at_current_directory, arguments[1]);
}
Result<u64> symlinkat(FileContext& context, const CallArguments& arguments) {
    return make_link(context, arguments[0], arguments.integer(1), arguments[2]);
}
Result<u64> readlink(FileContext& context, const CallArguments& arguments) {
    return tell_target(context, at_current_directory, arguments[0], arguments[1],
                       static_cast<u64>(std::int64_t{arguments.integer(2)}));
}
Result<u64> readlinkat(FileContext& context, const CallArguments& arguments) {
    return tell_target(context, arguments.integer(0), arguments[1], arguments[2],
                       static_cast<u64>(std::int64_t{arguments.integer(3)}));
}

} // namespace file_calls

} // namespace chorale::c_os
