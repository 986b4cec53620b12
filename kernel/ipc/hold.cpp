#include "kernel/ipc/hold.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/sync/sync.hpp"

#include <machine/cpu.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

constexpr u32 fewest_frozen = 4; // below, a copy costs no more

// A synchronisation object is known by its physical address, which a copy would change behind who waits: so
// nobody may, and nobody may begin to before the pages are common, when his own write makes the copy.
[[nodiscard]] bool freeze(VirtRange pages, PhysAddr* frames) {
    Thread& self = *this_cpu().current;
    Actor& actor = *self.actor;
    // acquire: pairs with queue_up(): whose wait is counted here is found by waited_in()
    const u64 waits = actor.sync_waits.load(std::memory_order_acquire);
    if (waited_in(actor, pages)) return false;
    return self.space->freeze_pages(pages, {frames, Message::page_limit}, actor.sync_waits, waits);
}

// The part of a page behind the last whole one.
[[nodiscard]] Status copy_rest(Message& message, VirtAddr rest, u32 size) {
    const Result<PhysAddr> page = allocate_frame();
    if (!page.ok()) return page.status();
    message.pages[message.page_count++] = page.value();
    return machine::copy_in(machine::direct<void>(page.value()), rest, size) ? Status::ok : Status::fault;
}

} // namespace

Status hold_body(Message& message, const KnMsgDesc& body, HeldBody how) {
    const VirtAddr begin{body.bodyAddr};
    const u32 whole = body.bodySize / page_size, rest = body.bodySize % page_size;
    if (how == HeldBody::frozen && whole < fewest_frozen) return Status::busy;
    if (const Status status = compose_head(message, body); status != Status::ok) return status;
    const VirtRange pages{begin, begin + whole * page_size};
    Space& space = *this_cpu().current->space;
    const bool held =
        how == HeldBody::live ? space.share_pages(pages, message.pages) : freeze(pages, message.pages);
    if (!held) return Status::busy;
    machine::interrupt_window();
    message.page_count = whole;
    message.stored = 0;
    return rest == 0 ? Status::ok : copy_rest(message, pages.end, rest);
}

} // namespace chorale
