// Directories of the RAM file system: all but rename().
#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"
#include "c_os/file/ram/name_hash.hpp"
#include "c_os/file/ram/ram_node.hpp"

namespace chorale::c_os {

namespace {

class RamOpenDirectory final : public RamOpenFile<RamDirectory> {
  public:
    using RamOpenFile::RamOpenFile;
    Done list(DirectorySink& to) override { return ram().list(place_, to); }
};

} // namespace

RamDirectory::~RamDirectory() = default;

u64 RamDirectory::hash_of(std::string_view name) const { return name_hash(ram().secret_, name); }

Result<RamName*> RamDirectory::find(const Credentials& caller, std::string_view name) const {
    if (const Done done = permitted(attributes_, caller, access_execute); !done) return failed(done.error());
    if (name.size() > name_limit) return failed(Error::enametoolong);
    RamName* const found = names_.find(name, hash_of(name));
    if (found == nullptr) return failed(Error::enoent);
    return found;
}

Done RamDirectory::may_change(const Credentials& caller) const {
    if (parent_ == nullptr) return failed(Error::enoent);
    return permitted(attributes_, caller, access_write | access_execute);
}

Result<Ref<Node>> RamDirectory::lookup(const Credentials& caller, std::string_view name) {
    const Lock lock{mutex_};
    const Result<RamName*> found = find(caller, name);
    if (!found) return failed(found.error());
    return Ref<Node>{(*found)->node};
}

Result<Ref<Node>> RamDirectory::parent(const Credentials& caller) {
    const Lock lock{mutex_};
    if (const Done done = permitted(attributes_, caller, access_execute); !done) return failed(done.error());
    if (parent_ == nullptr) return failed(Error::enoent);
    return Ref<Node>{*parent_};
}

Result<std::size_t> RamDirectory::name_of(const Node& directory, char* name, std::size_t size) {
    const Lock lock{mutex_};
    u64 cookie = 0;
    while (RamName* const at = names_.at_or_behind(cookie)) {
        cookie = at->cookie + 1;
        if (at->node.get() != &directory) continue;
        if (at->length > size) return failed(Error::erange);
        copy_bytes(name, at->text(), at->length);
        return at->length;
    }
    return failed(Error::enoent);
}

Result<RamName*> RamDirectory::prepare(std::string_view name, Ref<RamNode> node) {
    RamName* const prepared = names_.prepare(name, hash_of(name), std::move(node));
    if (prepared == nullptr) return failed(Error::enomem);
    // A directory of few names is paid for with its node.
    const u64 pages = (names_.bytes() + sizeof(RamName) + name.size()) >> page_bits;
    if (pages > charge_.pages())
        if (const Done done = charge_.take(pages - charge_.pages()); !done) {
            NameTable::discard(prepared);
            return failed(done.error());
        }
    return prepared;
}

// Gives back what it need not pay for any more.
void RamDirectory::settle() {
    const u64 pages = names_.bytes() >> page_bits;
    if (pages < charge_.pages()) charge_.give_back(charge_.pages() - pages);
    attributes_.size = names_.bytes();
}

Ref<RamNode> RamDirectory::take_out(RamName& name) {
    Ref<RamNode> node = names_.remove(name);
    settle();
    touch_modified();
    return node;
}

Result<Ref<Node>> RamDirectory::create(const Credentials& caller, std::string_view name,
                                       const NewNode& wanted) {
    const Lock lock{mutex_};
    const Result<RamName*> found = find(caller, name);
    if (found) return failed(Error::eexist);
    if (found.error() != Error::enoent) return failed(found.error());
    if (const Done done = may_change(caller); !done) return failed(done.error());
    const bool folder = wanted.kind == NodeKind::directory;
    if (folder && attributes_.links >= link_count_limit) return failed(Error::emlink);

    NewNode made = wanted;
    u32 gid = caller.gid;
    if ((attributes_.mode & mode_set_gid) != 0) {
        gid = attributes_.gid;
        if (folder) made.mode |= mode_set_gid;
    }
    if (!folder && !caller.root() && !caller.in_group(gid)) made.mode &= ~mode_set_gid;
    Result<Ref<RamNode>> node = ram().make_node(made, caller.uid, gid);
    if (!node) return failed(node.error());
    const Result<RamName*> entry = prepare(name, *node);
    if (!entry) return failed(entry.error());
    if (folder) {
        // Nobody else knows it yet.
        static_cast<RamDirectory&>(**node).parent_ = this;
        (*node)->attributes_.links = 2;
        ++attributes_.links;
    }
    names_.insert(**entry);
    settle();
    touch_modified();
    return Ref<Node>{*node};
}

Done RamDirectory::link(const Credentials& caller, std::string_view name, Node& node) {
    if (&node.file_system() != &file_system()) return failed(Error::exdev);
    const Lock lock{mutex_};
    const Result<RamName*> found = find(caller, name);
    if (found) return failed(Error::eexist);
    if (found.error() != Error::enoent) return failed(found.error());
    if (node.directory()) return failed(Error::eperm);
    if (const Done done = may_change(caller); !done) return done;
    auto& linked = static_cast<RamNode&>(node);
    const Result<RamName*> entry = prepare(name, Ref<RamNode>{linked});
    if (!entry) return failed(entry.error());
    const Lock lock_node{linked.mutex_};
    const u32 links = linked.attributes_.links;
    if (links == 0 || links >= link_count_limit) {
        NameTable::discard(*entry);
        settle();
        return failed(links == 0 ? Error::enoent : Error::emlink);
    }
    ++linked.attributes_.links;
    linked.touch_changed();
    names_.insert(**entry);
    settle();
    touch_modified();
    return {};
}

Done RamDirectory::unlink(const Credentials& caller, std::string_view name) {
    Ref<RamNode> gone; // destroyed, with all its pages, when the locks are free again
    const Lock lock{mutex_};
    const Result<RamName*> found = find(caller, name);
    if (!found) return failed(found.error());
    RamNode& node = *(*found)->node;
    if (const Done done = may_change(caller); !done) return done;
    const Lock lock_node{node.mutex_};
    if (const Done done = removal_permitted(attributes_, node.attributes_, caller); !done) return done;
    if (node.directory()) return failed(Error::eisdir);
    --node.attributes_.links;
    node.touch_changed();
    gone = take_out(**found);
    return {};
}

Done RamDirectory::remove_directory(const Credentials& caller, std::string_view name) {
    Ref<RamNode> gone;
    const Lock lock{mutex_};
    const Result<RamName*> found = find(caller, name);
    if (!found) return failed(found.error());
    RamNode& node = *(*found)->node;
    if (const Done done = may_change(caller); !done) return done;
    const Lock lock_node{node.mutex_};
    if (const Done done = removal_permitted(attributes_, node.attributes_, caller); !done) return done;
    if (!node.directory()) return failed(Error::enotdir);
    auto& removed = static_cast<RamDirectory&>(node);
    if (in_use(removed)) return failed(Error::ebusy);
    if (removed.names_.count() != 0) return failed(Error::enotempty);
    removed.parent_ = nullptr;
    removed.attributes_.links = 0;
    removed.touch_changed();
    --attributes_.links;
    gone = take_out(**found);
    return {};
}

Done RamDirectory::list(u64& place, DirectorySink& to) {
    const Lock lock{mutex_};
    const auto add = [&](std::string_view name, const RamDirectory& directory, u64 next) -> Result<bool> {
        // The number of a node never changes: its lock is not needed.
        const Result<bool> added = to.add(name, directory.attributes_.number, NodeKind::directory, next);
        if (added && *added) place = next;
        return added;
    };
    touch_accessed();
    if (place == 0)
        if (const Result<bool> added = add(".", *this, 1); !added || !*added)
            return added ? Done{} : failed(added.error());
    if (place == 1)
        if (const Result<bool> added =
                add("..", parent_ != nullptr ? *parent_ : *this, NameTable::first_cookie);
            !added || !*added)
            return added ? Done{} : failed(added.error());
    if (parent_ == nullptr) return {};
    while (RamName* const name = names_.at_or_behind(place)) {
        const u64 next = name->cookie + 1;
        const Result<bool> added =
            to.add(name->view(), name->node->attributes_.number, name->node->kind(), next);
        if (!added) return failed(added.error());
        if (!*added) break;
        place = next;
    }
    return {};
}

Result<u64> RamDirectory::seek(u64& place, std::int64_t offset, Whence whence) {
    const Lock lock{mutex_};
    if (whence != Whence::start && whence != Whence::current) return failed(Error::einval);
    const Result<u64> moved = moved_place(whence == Whence::start ? 0 : place, offset);
    if (moved) place = *moved;
    return moved;
}

Result<Ref<OpenFile>> RamDirectory::open(FileContext&, u32 flags) {
    auto* const file = new (std::nothrow) RamOpenDirectory{*this, flags};
    if (file == nullptr) return failed(Error::enomem);
    return Ref<OpenFile>::adopt(file);
}

} // namespace chorale::c_os
