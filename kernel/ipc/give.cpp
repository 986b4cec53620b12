#include "kernel/ipc/give.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/sync/sync.hpp"

#include <machine/cpu.hpp>
#include <machine/user_access.hpp>

#include <algorithm>

namespace chorale {

namespace {

static_assert(Message::page_limit <= Space::most_moved_pages);

[[nodiscard]] VirtRange pages_at(VirtAddr body, u32 count) { return {body, body + count * page_size}; }

// A synchronisation object is known by its physical address.
[[nodiscard]] bool waited_for(VirtRange range) { return waited_in(*this_cpu().current->actor, range); }

} // namespace

bool take_given(Message& message, VirtAddr body) {
    const u32 whole = message.size / page_size, rest = message.size % page_size;
    if (rest != 0) {
        auto* const last = machine::direct<std::byte>(message.pages[whole]);
        if (!machine::copy_in(last, body + whole * page_size, rest)) return false;
        machine::interrupt_window();
    }
    PhysAddr frames[Message::page_limit];
    if (!this_cpu().current->space->give_pages(pages_at(body, whole), frames, waited_for)) return false;
    machine::interrupt_window();
    for (u32 i = 0; i < whole; ++i) {
        release_frame(message.pages[i]);
        message.pages[i] = frames[i];
    }
    machine::interrupt_window();
    message.given = whole;
    message.stored = 0;
    return true;
}

void hand_over_given(Message& message, VirtAddr body, u32 size) {
    // Otherwise it ends with K_EFAULT in the middle, and what is kept must be whole then.
    if (this_cpu().current->space->writable({body, body + size}))
        hand_given(message, body, size);
    else
        message.given = 0; // copied, like any other
}

void hand_given(Message& message, VirtAddr body, u32 size) {
    const u32 count = std::min(message.given, static_cast<u32>(size / page_size));
    message.given = 0;
    if (count == 0 || !body.page_aligned()) return;
    const std::span<const PhysAddr> frames{message.pages, count};
    const u32 accepted = this_cpu().current->space->accept_pages(pages_at(body, count), frames, waited_for);
    for (u32 i = 0; i < count; ++i)
        if ((accepted >> i & 1) != 0) message.pages[i] = PhysAddr{};
    machine::interrupt_window();
}

} // namespace chorale
