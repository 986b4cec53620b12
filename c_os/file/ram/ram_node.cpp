// What all nodes of the RAM file system have: attributes.
#include "c_os/file/ram/ram_node.hpp"
#include "c_os/base/bytes.hpp"

#include "c_os/file/device.hpp"
#include "c_os/file/pipe.hpp"

namespace chorale::c_os {

RamNode::RamNode(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
    : Node{file_system, wanted.kind}, charge_{file_system.account(), owner} {
    const TimeStamp time = file_system.time();
    attributes_ = {.kind = wanted.kind,
                   .mode = wanted.mode & mode_mask,
                   .links = 1,
                   .uid = uid,
                   .gid = gid,
                   // Relaxed: only that no other node gets it.
                   .number = file_system.next_number_.fetch_add(1, std::memory_order_relaxed),
                   .device = file_system.device(),
                   .special = wanted.special,
                   .accessed = time,
                   .modified = time,
                   .changed = time,
                   .created = time};
}

RamFileSystem& RamNode::ram() const { return static_cast<RamFileSystem&>(file_system()); }

Attributes RamNode::snapshot() const {
    Attributes attributes = attributes_;
    attributes.pages = charge_.pages();
    return attributes;
}

Attributes RamNode::attributes() {
    const Lock lock{mutex_};
    return snapshot();
}

Done RamNode::check_access(const Credentials& caller, unsigned access) {
    const Lock lock{mutex_};
    return permitted(attributes_, caller, access);
}

void RamNode::touch_modified() { attributes_.modified = attributes_.changed = ram().time(); }

void RamNode::touch_changed() { attributes_.changed = ram().time(); }

void RamNode::touch_accessed() {
    if (attributes_.accessed > attributes_.modified && attributes_.accessed > attributes_.changed) return;
    attributes_.accessed = ram().time();
}

Done RamNode::change(const Credentials& caller, const AttributeChange& change) {
    const Lock lock{mutex_};
    if (change.set_mode)
        if (const Done done = change_mode(caller, change.mode); !done) return done;
    if (change.set_uid || change.set_gid)
        if (const Done done = change_owner(caller, change); !done) return done;
    if (change.set_accessed != AttributeChange::Time::keep ||
        change.set_modified != AttributeChange::Time::keep)
        return change_times(caller, change);
    return {};
}

Done RamNode::change_mode(const Credentials& caller, u32 mode) {
    if (!caller.root() && caller.uid != attributes_.uid) return failed(Error::eperm);
    // Who could not make a program of that group cannot have one.
    if (!caller.root() && !caller.in_group(attributes_.gid)) mode &= ~mode_set_gid;
    attributes_.mode = mode & mode_mask;
    touch_changed();
    return {};
}

Done RamNode::change_owner(const Credentials& caller, const AttributeChange& change) {
    if (!caller.root()) {
        const bool gives_away = change.set_uid && change.uid != attributes_.uid;
        const bool foreign = change.set_gid && change.gid != attributes_.gid && !caller.in_group(change.gid);
        if (caller.uid != attributes_.uid || gives_away || foreign) return failed(Error::eperm);
    }
    if (change.set_uid) {
        if (const Done done = charge_.move_to(change.uid); !done) return done;
        attributes_.uid = change.uid;
    }
    if (change.set_gid) attributes_.gid = change.gid;
    if (!directory()) {
        attributes_.mode &= ~mode_set_uid;
        if ((attributes_.mode & mode_group_execute) != 0) attributes_.mode &= ~mode_set_gid;
    }
    touch_changed();
    return {};
}

Done RamNode::change_times(const Credentials& caller, const AttributeChange& change) {
    using enum AttributeChange::Time;
    if (!caller.root() && caller.uid != attributes_.uid) {
        if (change.set_accessed != now || change.set_modified != now) return failed(Error::eperm);
        if (const Done done = permitted(attributes_, caller, access_write); !done) return done;
    }
    touch_changed();
    if (change.set_accessed != keep)
        attributes_.accessed = change.set_accessed == now ? attributes_.changed : change.accessed;
    if (change.set_modified != keep)
        attributes_.modified = change.set_modified == now ? attributes_.changed : change.modified;
    return {};
}

Done RamLink::begin(std::string_view target) {
    target_.reset(new (std::nothrow) char[target.size()]);
    if (target_ == nullptr) return failed(Error::enomem);
    // Short ones are paid for with the node.
    if (target.size() > name_limit)
        if (const Done done = charge_.take(1); !done) return done;
    copy_bytes(target_.get(), target.data(), target.size());
    length_ = target.size();
    attributes_.size = length_;
    return {};
}

Done RamLink::read_link(Buffer& to) {
    {
        const Lock lock{mutex_};
        touch_accessed();
    }
    return to.put(target_.get(), to.left() < length_ ? to.left() : length_);
}

Result<Ref<OpenFile>> RamSpecial::open(FileContext& context, u32 flags) {
    if (kind() != NodeKind::character) return failed(Error::enxio);
    return open_device(context, Ref<Node>{*this}, attributes().special, flags);
}

RamFifo::RamFifo(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
    : RamNode{file_system, owner, wanted, uid, gid} {}

RamFifo::~RamFifo() = default;

Result<Ref<OpenFile>> RamFifo::open(FileContext&, u32 flags) {
    Ref<Pipe> pipe;
    {
        const Lock lock{mutex_};
        if (!pipe_) pipe_ = Pipe::make();
        if (!pipe_) return failed(Error::enomem);
        pipe = pipe_;
    }
    return open_fifo(Ref<Node>{*this}, std::move(pipe), flags);
}

} // namespace chorale::c_os
