// The stacks of threads in supervisor mode, in the supervisor space, each above an unmapped guard page. A
// stack that is no longer used stays mapped and serves the next thread that wants its size: so no thread has
// to wait for TLB flushes to end, and creating one costs no page-table work.
//
// Every process of C_OS has one, so there are many; the regions of a space are few. So stacks of a size lie
// in rows, each of them one sparse region.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

namespace chorale {

struct UnusedStacks;

struct SystemStack : ListNode<UnusedStacks> {
    VirtAddr top; // 16-aligned
    unsigned order{};

    static constexpr unsigned smallest_order = 12, orders = 9; // 4 KiB to 1 MiB
    static constexpr uword default_size = 16 * 1024;
    static constexpr uword largest_size = uword{1} << (smallest_order + orders - 1);

    [[nodiscard]] uword size() const { return uword{1} << order; }
};

// At least `size` bytes (0: the default). Errors: size, no_memory.
[[nodiscard]] Result<SystemStack*> take_system_stack(uword size);
void give_back_system_stack(SystemStack* stack); // null: nothing

// The regions that they lie in: none ever goes.
[[nodiscard]] u64 system_stack_regions();

} // namespace chorale
