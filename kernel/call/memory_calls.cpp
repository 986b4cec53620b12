#include "kernel/call/handlers.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mem/space.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr VmFlags known_options = K_WRITABLE | K_EXECUTABLE | K_FILLZERO | K_ANYWHERE;

[[nodiscard]] Protection protection_of(VmFlags options) {
    Protection protection = Protection::read | Protection::user;
    if ((options & K_WRITABLE) != 0) protection = protection | Protection::write;
    if ((options & K_EXECUTABLE) != 0) protection = protection | Protection::execute;
    return protection;
}

// The actor may be gone by the time that every CPU has flushed; then so are its pages.
void reap(Thread& self, long) {
    const Result<Actor*> actor = find_actor(self.range_actor);
    if (actor.ok()) {
        while (!actor.value()->space.reap_step(self.range_work)) machine::interrupt_window();
    }
    wake(self, K_OK);
}

void flush_visit(Thread& self) { self.range_flush.apply(this_cpu().space_root); }

}  // namespace

namespace calls {

long vmPageSize() { return page_size; }

long rgnAllocate(Thread& self, Cap capability, UserInOut<KnRgnDesc> region_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnRgnDesc> read = region_at.read();
    if (!read.ok()) return K_EFAULT;
    KnRgnDesc region = read.value();
    if ((region.options & ~known_options) != 0) return K_EINVAL;
    if ((region.options & K_WRITABLE) != 0 && (region.options & K_EXECUTABLE) != 0) return K_EINVAL;
    const bool anywhere = (region.options & K_ANYWHERE) != 0;
    const VirtAddr at = anywhere ? Space::anywhere : VirtAddr{region.startAddr};
    if (!anywhere && !at.page_aligned()) return K_EROUND;
    if (region.size == 0) return K_ESIZE;
    if (region_at.write(region) != Status::ok) return K_EFAULT;
    const Result<VirtAddr> start = actor.value()->space.allocate(region.size, protection_of(region.options), at);
    if (!start.ok()) return static_cast<long>(start.status());
    region.startAddr = start.value().raw();
    return static_cast<long>(region_at.write(region));
}

long rgnFree(Thread& self, Cap capability, UserIn<KnRgnDesc> region_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<KnRgnDesc> read = region_at.read();
    if (!read.ok()) return K_EFAULT;
    const KnRgnDesc& region = read.value();
    if ((region.options & ~static_cast<VmFlags>(K_FREEALL)) != 0) return K_EINVAL;
    VirtRange range{Space::user_begin, Space::user_end};
    if ((region.options & K_FREEALL) == 0) {
        const VirtAddr start{region.startAddr};
        if (!start.page_aligned()) return K_EROUND;
        if (region.size == 0 || region.size > Space::user_end.raw()) return K_ESIZE;
        range = {start, start + round_up(region.size, page_size)};
        if (range.begin < Space::user_begin || range.end > Space::user_end) return K_EADDR;
    }
    Space& space = actor.value()->space;
    if (const Status status = space.begin_free(range, self.range_work); status != Status::ok) {
        return static_cast<long>(status);
    }
    while (!space.hide_step(self.range_work)) machine::interrupt_window();
    self.range_actor = actor.value()->capability;
    self.range_flush = space.flush_for(self.range_work);
    tour(self, flush_visit, reap);
    return no_result;
}

long vmCopy(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
            VmFlags flags) {
    const Result<Actor*> from = actor_of(self, source_actor);
    if (!from.ok()) return static_cast<long>(from.status());
    const Result<Actor*> to = actor_of(self, target_actor);
    if (!to.ok()) return static_cast<long>(to.status());
    if (flags != 0) return K_EINVAL;
    if (!machine::user_range(VirtAddr{source}, size) || !machine::user_range(VirtAddr{target}, size)) return K_EADDR;
    std::byte piece[512];
    for (VmSize done = 0; done < size; done += sizeof piece) {
        const std::size_t count = size - done < sizeof piece ? size - done : sizeof piece;
        if (from.value()->space.copy_from({piece, count}, VirtAddr{source + done}) != Status::ok ||
            to.value()->space.copy_to(VirtAddr{target + done}, {piece, count}) != Status::ok) {
            return K_EADDR;
        }
        machine::interrupt_window();
    }
    return K_OK;
}

}  // namespace calls
}  // namespace chorale
