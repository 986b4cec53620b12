// rename() of the RAM file system: everything is checked and made first, then the change happens, and nothing
// can fail any more. The order of the locks: ram_node.hpp.
#include "c_os/file/ram/ram_node.hpp"

namespace chorale::c_os {

// Both directories, by rule 2; `renaming_` first. How they lie to each other is found out before they are
// locked: the way up from a directory must not be gone with its lock held.
class RenameLocks {
  public:
    RenameLocks(RamDirectory& from, RamDirectory& to) : renaming_{from.ram().renaming_} {
        first_ = &from;
        if (&from != &to) {
            above_target_ = below(from, to);
            above_source_ = above_target_ ? nullptr : below(to, from);
            second_ = &to;
            if (above_source_ || (!above_target_ && &to < &from)) std::swap(first_, second_);
        }
        first_->mutex_.lock();
        if (second_ != nullptr) second_->mutex_.lock();
    }
    ~RenameLocks() {
        if (second_ != nullptr) second_->mutex_.unlock();
        first_->mutex_.unlock();
    }
    RenameLocks(const RenameLocks&) = delete;
    RenameLocks& operator=(const RenameLocks&) = delete;

    // Of a node in `from`, in `to`: whether the other directory is it or lies in it.
    [[nodiscard]] bool holds_target(const RamNode& in_from) const { return above_target_.get() == &in_from; }
    [[nodiscard]] bool holds_source(const RamNode& in_to) const { return above_source_.get() == &in_to; }

  private:
    // The directory in `outer` that `inner` is or lies in; null: `inner` lies elsewhere. While nobody renames
    // only rmdir() cuts the way up, at a directory that is empty; so each step needs the lock of one
    // directory, for as long as it takes to hold the next.
    [[nodiscard]] static Ref<RamDirectory> below(const RamDirectory& outer, RamDirectory& inner) {
        Ref<RamDirectory> at{inner};
        for (;;) {
            Ref<RamDirectory> above = parent_of(*at);
            if (!above || above == at) return nullptr;
            if (above.get() == &outer) return at;
            at = std::move(above);
        }
    }
    [[nodiscard]] static Ref<RamDirectory> parent_of(RamDirectory& directory) {
        const Lock lock{directory.mutex_};
        return directory.parent_ != nullptr ? Ref<RamDirectory>{*directory.parent_} : nullptr;
    }

    Lock renaming_;
    Ref<RamDirectory> above_target_, above_source_;
    RamDirectory* first_{};
    RamDirectory* second_{};
};

struct RamDirectory::Renaming {
    const RenameLocks& locks;
    const Credentials& caller;
    RamDirectory& from;
    RamDirectory& to;
    RamName* name;   // what moves
    RamName* target; // what is there already, or null
    std::string_view target_name;
    u32 flags;

    [[nodiscard]] RamNode& node() const { return *name->node; }
    [[nodiscard]] RamNode& replaced() const { return *target->node; }
    [[nodiscard]] bool exchanges() const { return (flags & rename_exchange) != 0; }
};

// The locks of one or two nodes, by rule 3.
class NodeLocks {
  public:
    NodeLocks(Mutex& a, Mutex* b) : first_{&a}, second_{b} {
        if (second_ != nullptr && second_ < first_) std::swap(first_, second_);
        first_->lock();
        if (second_ != nullptr) second_->lock();
    }
    ~NodeLocks() {
        if (second_ != nullptr) second_->unlock();
        first_->unlock();
    }
    NodeLocks(const NodeLocks&) = delete;
    NodeLocks& operator=(const NodeLocks&) = delete;

  private:
    Mutex* first_;
    Mutex* second_;
};

// What can be told from the places in the tree, before the nodes themselves are locked.
Done RamDirectory::check_rename(const Renaming& renaming) {
    const auto& [locks, caller, from, to, name, target, target_name, flags] = renaming;
    if (const Done done = from.may_change(caller); !done) return done;
    if (const Done done = to.may_change(caller); !done) return done;
    if (target == nullptr && renaming.exchanges()) return failed(Error::enoent);
    if (target != nullptr && (flags & rename_no_replace) != 0) return failed(Error::eexist);
    RamNode& node = renaming.node();
    if (node.directory()) {
        auto& moved = static_cast<RamDirectory&>(node);
        if (locks.holds_target(moved)) return failed(Error::einval);
        if (from.in_use(moved)) return failed(Error::ebusy);
    }
    if (target == nullptr) return {};
    RamNode& replaced = renaming.replaced();
    if (replaced.directory()) {
        auto& other = static_cast<RamDirectory&>(replaced);
        // What is moved lies below it: it is not empty.
        if (locks.holds_source(other)) return failed(renaming.exchanges() ? Error::einval : Error::enotempty);
        if (to.in_use(other)) return failed(Error::ebusy);
    }
    if (renaming.exchanges()) return {};
    if (replaced.directory() && !node.directory()) return failed(Error::eisdir);
    if (!replaced.directory() && node.directory()) return failed(Error::enotdir);
    return {};
}

// What the nodes themselves say, with their locks.
Done RamDirectory::check_nodes(const Renaming& renaming) {
    const auto& [locks, caller, from, to, name, target, target_name, flags] = renaming;
    RamNode& node = renaming.node();
    if (const Done done = removal_permitted(from.attributes_, node.attributes_, caller); !done) return done;
    const bool elsewhere = &from != &to;
    // Its ".." changes.
    if (elsewhere && node.directory())
        if (const Done done = permitted(node.attributes_, caller, access_write); !done) return done;
    const bool one_more =
        elsewhere && node.directory() && (target == nullptr || !renaming.replaced().directory());
    if (one_more && to.attributes_.links >= link_count_limit) return failed(Error::emlink);
    if (target == nullptr) return {};
    RamNode& replaced = renaming.replaced();
    if (const Done done = removal_permitted(to.attributes_, replaced.attributes_, caller); !done) return done;
    if (!renaming.exchanges()) {
        const bool full = replaced.directory() && static_cast<RamDirectory&>(replaced).names_.count() != 0;
        if (full) return failed(Error::enotempty);
        return {};
    }
    if (elsewhere && replaced.directory()) {
        if (const Done done = permitted(replaced.attributes_, caller, access_write); !done) return done;
        if (!node.directory() && from.attributes_.links >= link_count_limit) return failed(Error::emlink);
    }
    return {};
}

void RamDirectory::set_parent(RamNode& node, RamDirectory& parent) {
    if (!node.directory()) return;
    auto& moved = static_cast<RamDirectory&>(node);
    --moved.parent_->attributes_.links;
    moved.parent_ = &parent;
    ++parent.attributes_.links;
}

Done RamDirectory::exchange(const Renaming& renaming) {
    RamNode& node = renaming.node();
    RamNode& other = renaming.replaced();
    const NodeLocks locks{node.mutex_, &other.mutex_};
    if (const Done done = check_nodes(renaming); !done) return done;
    set_parent(node, renaming.to);
    set_parent(other, renaming.from);
    std::swap(renaming.name->node, renaming.target->node);
    node.touch_changed();
    other.touch_changed();
    renaming.from.touch_modified();
    renaming.to.touch_modified();
    return {};
}

Done RamDirectory::move(const Renaming& renaming, Ref<RamNode>& replaced) {
    const auto& [locks, caller, from, to, name, target, target_name, flags] = renaming;
    const Ref<RamNode> node = name->node;
    RamName* entry = nullptr;
    if (target == nullptr) {
        const Result<RamName*> prepared = to.prepare(target_name, node);
        if (!prepared) return failed(prepared.error());
        entry = *prepared;
    }
    const NodeLocks node_locks{node->mutex_, target == nullptr ? nullptr : &target->node->mutex_};
    if (const Done done = check_nodes(renaming); !done) {
        if (entry != nullptr) NameTable::discard(entry);
        to.settle();
        return done;
    }
    set_parent(*node, to);
    if (entry != nullptr) {
        to.names_.insert(*entry);
        to.settle();
    } else {
        replaced = std::exchange(target->node, node);
        if (replaced->directory()) {
            static_cast<RamDirectory&>(*replaced).parent_ = nullptr;
            replaced->attributes_.links = 0;
            --to.attributes_.links;
        } else {
            --replaced->attributes_.links;
        }
        replaced->touch_changed();
    }
    const Ref<RamNode> moved = from.take_out(*name);
    to.touch_modified();
    node->touch_changed();
    return {};
}

Done RamDirectory::rename(const Credentials& caller, std::string_view name, Node& target,
                          std::string_view target_name, u32 flags) {
    if (&target.file_system() != &file_system()) return failed(Error::exdev);
    if (!target.directory()) return failed(Error::enotdir);
    auto& to = static_cast<RamDirectory&>(target);
    Ref<RamNode> replaced; // destroyed when the locks are free again
    const RenameLocks locks{*this, to};
    const Result<RamName*> source = find(caller, name);
    if (!source) return failed(source.error());
    const Result<RamName*> found = to.find(caller, target_name);
    if (!found && found.error() != Error::enoent) return failed(found.error());
    const Renaming renaming{.locks = locks,
                            .caller = caller,
                            .from = *this,
                            .to = to,
                            .name = *source,
                            .target = found ? *found : nullptr,
                            .target_name = target_name,
                            .flags = flags};
    if (const Done done = check_rename(renaming); !done) return done;
    // Two names of one node: nothing happens, says POSIX.
    if (renaming.target != nullptr && &renaming.node() == &renaming.replaced()) return {};
    return renaming.exchanges() ? exchange(renaming) : move(renaming, replaced);
}

} // namespace chorale::c_os
