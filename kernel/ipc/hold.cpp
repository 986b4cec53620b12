#include "kernel/ipc/hold.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/mem/frame.hpp"

#include <machine/cpu.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

// Below, a copy costs no more than this.
constexpr u32 fewest_pages = 2;

// The part of a page behind the last whole one.
[[nodiscard]] Status copy_rest(Message& message, VirtAddr rest, u32 size) {
    const Result<PhysAddr> page = allocate_frame();
    if (!page.ok()) return page.status();
    message.pages[message.page_count++] = page.value();
    return machine::copy_in(machine::direct<void>(page.value()), rest, size) ? Status::ok : Status::fault;
}

} // namespace

Status hold_body(Message& message, const KnMsgDesc& body) {
    const VirtAddr begin{body.bodyAddr};
    const u32 whole = body.bodySize / page_size, rest = body.bodySize % page_size;
    if (!begin.page_aligned() || whole < fewest_pages || body.bodySize > K_CMSGSIZEMAX) return Status::busy;
    if (const Status status = compose_head(message, body); status != Status::ok) return status;
    const VirtAddr end = begin + whole * page_size;
    if (!this_cpu().current->space->share_pages({begin, end}, message.pages)) return Status::busy;
    machine::interrupt_window();
    message.page_count = whole;
    message.stored = 0;
    return rest == 0 ? Status::ok : copy_rest(message, end, rest);
}

} // namespace chorale
