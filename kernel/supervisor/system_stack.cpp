#include "kernel/supervisor/system_stack.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/relaxed.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

#include <array>
#include <bit>

namespace chorale {

namespace {

// Places for stacks of one size, each with its guard below it.
struct StackRow : ListNode<StackRow> {
    VirtAddr next, end;

    [[nodiscard]] static uword pitch(unsigned order) { return (uword{1} << order) + page_size; }
    [[nodiscard]] static uword size(unsigned order) {
        constexpr unsigned most_stacks = 64;
        const uword stacks = SystemStack::largest_size >> order;
        return (stacks < most_stacks ? stacks : most_stacks) * pitch(order);
    }
};

constinit Cache<SystemStack> descriptions{"stacks"};
constinit Cache<StackRow> rows{"stack rows"};

struct OfSize {
    List<SystemStack, UnusedStacks> unused; // mapped
    List<SystemStack, UnusedStacks> bare;   // have their place, and no memory: there was none
    List<StackRow, StackRow> rows;          // with places left
};
Guarded<Rank::stacks, std::array<OfSize, SystemStack::orders>> stacks;
constinit Relaxed<u64> regions;
constinit Relaxed<u64> frames; // of all stacks that are mapped

template <class Use>
auto with_order(unsigned order, Use&& use) {
    return stacks.with([&](auto& all) { return use(all[order - SystemStack::smallest_order]); });
}

[[nodiscard]] Status make_row(unsigned order) {
    const Result<StackRow*> made = rows.make();
    if (!made.ok()) return made.status();
    const uword size = StackRow::size(order);
    const Result<VirtAddr> begin = supervisor_space().reserve_sparse(size);
    if (!begin.ok()) {
        rows.destroy(made.value());
        return begin.status();
    }
    regions.add(1);
    made.value()->next = begin.value();
    made.value()->end = begin.value() + size;
    with_order(order, [&](OfSize& its) { its.rows.push_back(*made.value()); });
    return Status::ok;
}

// The lowest address of the place, its guard's; null: no row has one left.
[[nodiscard]] VirtAddr take_place(unsigned order) {
    StackRow* full = nullptr;
    const VirtAddr place = with_order(order, [&](OfSize& its) {
        StackRow* const row = its.rows.front();
        if (row == nullptr) return VirtAddr{};
        const VirtAddr at = row->next;
        row->next = at + StackRow::pitch(order);
        if (row->next == row->end) full = its.rows.pop_front();
        return at;
    });
    if (full != nullptr) rows.destroy(full);
    return place;
}

// Somebody else may take all of a new row's places first.
[[nodiscard]] Status give_place(SystemStack& stack) {
    VirtAddr place;
    while ((place = take_place(stack.order)) == VirtAddr{}) {
        if (const Status status = make_row(stack.order); status != Status::ok) return status;
    }
    stack.top = place + StackRow::pitch(stack.order);
    return Status::ok;
}

[[nodiscard]] Result<SystemStack*> make_stack(unsigned order) {
    const Result<SystemStack*> made = descriptions.make();
    if (!made.ok()) return made;
    made.value()->order = order;
    if (const Status status = give_place(*made.value()); status != Status::ok) {
        descriptions.destroy(made.value());
        return status;
    }
    return made;
}

// Memory never comes back from stacks, and is in nobody's quota: they may have so much of it.
[[nodiscard]] bool charge(unsigned order) {
    constexpr u64 share = 8;
    const u64 wanted = u64{1} << (order - page_bits);
    if (frames.add(wanted) + wanted <= frame_statistics().total / share) return true;
    frames.subtract(wanted);
    return false;
}

[[nodiscard]] SystemStack* take_larger(unsigned order) {
    SystemStack* found = nullptr;
    while (found == nullptr && ++order < SystemStack::smallest_order + SystemStack::orders)
        found = with_order(order, [](OfSize& its) { return its.unused.pop_front(); });
    return found;
}

[[nodiscard]] Result<SystemStack*> map_stack(unsigned order) {
    SystemStack* stack = with_order(order, [](OfSize& its) { return its.bare.pop_front(); });
    if (stack == nullptr) {
        const Result<SystemStack*> made = make_stack(order);
        if (!made.ok()) return made;
        stack = made.value();
    }
    const VirtRange pages{stack->top - stack->size(), stack->top};
    if (const Status status = supervisor_space().fill_part(pages); status != Status::ok) {
        with_order(order, [&](OfSize& its) { its.bare.push_front(*stack); });
        return status;
    }
    return stack;
}

} // namespace

Result<SystemStack*> take_system_stack(uword size) {
    if (size == 0) size = SystemStack::default_size;
    if (size > SystemStack::largest_size) return Status::size;
    const auto wanted = static_cast<unsigned>(std::bit_width(size - 1));
    const unsigned order = wanted < SystemStack::smallest_order ? SystemStack::smallest_order : wanted;
    SystemStack* const old = with_order(order, [](OfSize& its) { return its.unused.pop_front(); });
    if (old != nullptr) return old;
    if (!charge(order)) {
        SystemStack* const larger = take_larger(order);
        if (larger == nullptr) return Status::no_memory;
        return larger;
    }
    const Result<SystemStack*> stack = map_stack(order);
    if (!stack.ok()) frames.subtract(u64{1} << (order - page_bits));
    return stack;
}

void give_back_system_stack(SystemStack* stack) {
    if (stack == nullptr) return;
    with_order(stack->order, [&](OfSize& its) { its.unused.push_front(*stack); });
}

u64 system_stack_regions() { return regions.load(); }

} // namespace chorale
