#include "kernel/supervisor/system_stack.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

#include <array>
#include <bit>

namespace chorale {

namespace {

constinit Cache<SystemStack> descriptions{"stacks"};

using Unused = std::array<List<SystemStack, UnusedStacks>, SystemStack::orders>;
Guarded<Rank::stacks, Unused> unused;

} // namespace

Result<SystemStack*> take_system_stack(uword size) {
    if (size == 0) size = SystemStack::default_size;
    if (size > SystemStack::largest_size) return Status::size;
    const auto wanted = static_cast<unsigned>(std::bit_width(size - 1));
    const unsigned order = wanted < SystemStack::smallest_order ? SystemStack::smallest_order : wanted;
    SystemStack* const old =
        unused.with([&](Unused& all) { return all[order - SystemStack::smallest_order].pop_front(); });
    if (old != nullptr) return old;
    const Result<SystemStack*> made = descriptions.make();
    if (!made.ok()) return made;
    const Result<VirtAddr> top = supervisor_space().allocate_stack(uword{1} << order);
    if (!top.ok()) {
        descriptions.destroy(made.value());
        return top.status();
    }
    made.value()->top = top.value();
    made.value()->order = order;
    return made;
}

void give_back_system_stack(SystemStack* stack) {
    if (stack == nullptr) return;
    unused.with([&](Unused& all) { all[stack->order - SystemStack::smallest_order].push_front(*stack); });
}

u64 live_system_stacks() { return descriptions.statistics().live; }

} // namespace chorale
