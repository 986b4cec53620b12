// The RAM file system as a whole.
#include "c_os/base/memory.hpp"
#include "c_os/file/ram/ram_node.hpp"

namespace chorale::c_os {

namespace {

constexpr u32 type_of_ram = 0x858458f6; // what ramfs of Linux says

template <class Kind>
[[nodiscard]] Result<Ref<RamNode>> make(RamFileSystem& file_system, Owner& owner, const NewNode& wanted,
                                        u32 uid, u32 gid) {
    auto* const node = new (std::nothrow) Kind{file_system, owner, wanted, uid, gid};
    if (node != nullptr) return Ref<RamNode>{Ref<Kind>::adopt(node)};
    file_system.account().remove_node(owner, 0);
    return failed(Error::enomem);
}

} // namespace

Result<Ref<RamNode>> RamFileSystem::make_node(const NewNode& wanted, u32 uid, u32 gid) {
    const Result<Owner*> owner = account_.add_node(uid);
    if (!owner) return failed(owner.error());
    switch (wanted.kind) {
    case NodeKind::regular:
        return make<RamFile>(*this, **owner, wanted, uid, gid);
    case NodeKind::directory:
        return make<RamDirectory>(*this, **owner, wanted, uid, gid);
    case NodeKind::fifo:
        return make<RamFifo>(*this, **owner, wanted, uid, gid);
    case NodeKind::link: {
        Result<Ref<RamNode>> link = make<RamLink>(*this, **owner, wanted, uid, gid);
        if (link)
            if (const Done done = static_cast<RamLink&>(**link).begin(wanted.target); !done)
                return failed(done.error());
        return link;
    }
    default:
        return make<RamSpecial>(*this, **owner, wanted, uid, gid);
    }
}

Done RamFileSystem::begin(u32 mode) {
    Result<Ref<RamNode>> root = make_node({.kind = NodeKind::directory, .mode = mode}, 0, 0);
    if (!root) return failed(root.error());
    root_ = Ref<RamDirectory>::adopt(static_cast<RamDirectory*>(root->give_up()));
    root_->parent_ = root_.get();
    root_->attributes_.links = 2;
    return {};
}

// Not by recursion: users make trees as deep as they like. An emptied directory is destroyed when the name
// under which it lay goes; so each goes down to where there is nothing below, and up again.
void RamFileSystem::end() {
    RamDirectory* at = root_.get();
    while (at != nullptr) {
        RamName* const name = at->names_.last();
        if (name == nullptr) {
            at = at == root_.get() ? nullptr : at->parent_;
        } else if (auto& node = *name->node;
                   node.directory() && static_cast<RamDirectory&>(node).names_.count() != 0) {
            at = static_cast<RamDirectory*>(&node);
        } else {
            const Ref<RamNode> gone = at->take_out(*name);
        }
    }
    root_ = nullptr;
}

FileSystemStatistics RamFileSystem::statistics() {
    const Account::Used used = account_.used();
    const RamLimits& limits = account_.limits();
    return {.type = type_of_ram,
            .pages = limits.pages,
            .free_pages = limits.pages - used.pages,
            .nodes = limits.nodes,
            .free_nodes = limits.nodes - used.nodes,
            .device = device()};
}

} // namespace chorale::c_os
