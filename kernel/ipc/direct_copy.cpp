#include "kernel/ipc/direct_copy.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/transfer.hpp"

#include <machine/cpu.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

// Where the receiver wants the body: all of it, and not where the sender has it.
[[nodiscard]] bool find_room(const Thread& receiver, VirtAddr descriptor, const KnMsgDesc& body,
                             VirtAddr& room) {
    Space& space = *receiver.space;
    const uword offset = descriptor.page_offset();
    PhysAddr frame;
    if (descriptor.raw() == 0 || offset > page_size - sizeof(KnMsgDesc) || receiver.frame.supervisor() ||
        space.shared() || !space.reach(descriptor, sizeof(KnMsgDesc), Space::Reach::read, &frame)) {
        return false;
    }
    KnMsgDesc wanted;
    __builtin_memcpy(&wanted, machine::direct<std::byte>(frame) + offset, offsetof(KnMsgDesc, annexAddr));
    const u64 size = body.bodySize, begin = wanted.bodyAddr, other = body.bodyAddr;
    if (begin == 0 || wanted.bodySize < size) return false;
    room = VirtAddr{begin};
    const bool apart = begin - other >= size && other - begin >= size;
    return apart || &space != this_cpu().current->space;
}

// A piece into a frame, from memory that is known to be the sender's own half. Then interrupts have their
// turn.
[[nodiscard, gnu::always_inline]] inline Status copy_one(PhysAddr frame, u64 offset, VirtAddr& from,
                                                         u64 count) {
    if (!machine::user_range(from, count)) __builtin_unreachable();
    if (!machine::copy_in(machine::direct<std::byte>(frame) + offset, from, count)) return Status::busy;
    machine::interrupt_window();
    from = from + count;
    return Status::ok;
}

class Reaching {
  public:
    Reaching() { this_cpu().reaching = Reach::direct; }
    Reaching(const Reaching&) = delete;
    Reaching& operator=(const Reaching&) = delete;
    ~Reaching() { this_cpu().reaching = Reach::none; }
};

} // namespace

Status place(Message& message, const KnMsgDesc& body, const Thread& receiver, VirtAddr descriptor) {
    PhysAddr frames[Space::most_reached_pages];
    VirtAddr to;
    if (!find_room(receiver, descriptor, body, to)) return Status::busy;
    if (const Status status = compose_head(message, body); status != Status::ok) return status;
    machine::interrupt_window();
    if (this_cpu().pending != 0) return Status::aborted;
    const u64 size = body.bodySize;
    VirtAddr from{body.bodyAddr};
    if (!machine::user_range(from, size)) return Status::busy;
    const bool reached = receiver.space->reach(to, size, Space::Reach::write, frames);
    machine::interrupt_window();
    if (this_cpu().pending != 0) return Status::aborted;
    if (!reached) return Status::busy;
    const Reaching reaching;
    const u64 piece = copy_piece(from.raw() | to.raw());
    const PhysAddr* frame = frames;
    u64 left = size, offset = to.page_offset();
    // Whole pages, most of a large body: the same with constants.
    for (; offset == 0 && piece == page_size && left > page_size; left -= page_size, ++frame) {
        if (const Status status = copy_one(*frame, 0, from, page_size); status != Status::ok) return status;
        if (this_cpu().pending != 0) return Status::aborted;
    }
    for (;;) {
        const u64 most = piece - (offset & (piece - 1)), count = left < most ? left : most;
        if (const Status status = copy_one(*frame, offset, from, count); status != Status::ok) return status;
        left -= count;
        if (left == 0) return Status::ok;
        if (this_cpu().pending != 0) return Status::aborted;
        offset += count;
        frame += offset / page_size;
        offset %= page_size;
    }
}

} // namespace chorale
