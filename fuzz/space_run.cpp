// The life of a run: its places, what comes next, and what comes in between.
#include "fuzz/space_run.hpp"
#include "tests/host/mem/memory_machine.hpp"

namespace chorale::fuzz {

namespace {

constexpr u64 page_limit = 2600; // of all regions, so that a run stays short

} // namespace

u64 lent_frames() {
    static const u64 block = [] {
        const auto made = allocate_frames(largest_order);
        must(made.ok(), "there is a block to lend");
        return u64{made.value().raw()};
    }();
    return block;
}

Protection with_user(Protection wanted) {
    const Protection accesses = wanted & (Protection::read | Protection::write | Protection::execute);
    const Protection read = accesses == Protection::none ? Protection::none : Protection::read;
    return wanted | read | Protection::user;
}

Run::Run(Input input) : input_{input} {
    host::use_engine(this);
    test::use_space(&space_);
    create();
}

Run::~Run() {
    fail_allocation_after(0);
    finish_all();
    audit(space_, model_);
    destroy();
    test::use_space(nullptr);
    host::use_engine(nullptr);
}

void Run::all() {
    for (unsigned count = 0; !input_.empty() && count < 200; ++count) {
        one();
        if (starved_ || count % 16 == 0) audit(space_, model_);
    }
}

void Run::create() {
    constexpr unsigned limits[] = {4096, 2, 1};
    machine::set_asid_limit(limits[input_.below(3)]);
    must(space_.create(no_limit) == Status::ok, "a space is made");
    space_.enter_cpu(0);
    machine::load_root(space_.root());
}

void Run::destroy() {
    machine::load_root(0);
    space_.whole_flush().apply(0);
    for (unsigned steps = 0; !space_.destroy_step(); ++steps) must(steps < 100'000, "a space's end comes");
    model_.clear();
}

void Run::finish_all() {
    for (int slot = 0; slot < static_cast<int>(pending_.size()); ++slot)
        while (pending_[static_cast<unsigned>(slot)].active) step(slot, 100);
}

// In the window, or where the nucleus chooses places.
u64 Run::page_somewhere() {
    const u64 page = input_.number(2);
    const u64 begin = (page & 0x8000) != 0 ? Space::anywhere_begin.raw() : window_begin;
    return begin + page % 0x8000 % window_pages * page_size;
}

Run::Place Run::place() {
    const u8 kind = input_.byte();
    u64 at = page_somewhere();
    u64 size = (1 + input_.below(16)) * page_size;
    if ((kind & 3) == 1) size = input_.below(80) * page_size;
    if ((kind & 0x87) == 0x81) size *= 16; // each page costs time
    if ((kind & 3) == 2) at = round_down(at, large_page_size);
    if ((kind & 7) == 2) size += large_page_size;
    if ((kind & 0x78) == 0x78) size -= input_.number(2);
    if ((kind & 0x78) == 0x70) at += input_.number(2);
    if ((kind & 0x78) == 0x68) at = input_.number(8);
    if ((kind & 0x78) == 0x60) size = input_.number(8);
    if ((kind & 0x78) == 0x58) at = Space::user_end().raw() - (at - window_begin);
    return {at, size};
}

bool Run::room(u64 size) const {
    return model_.pages() + round_up(size, page_size) / page_size <= page_limit;
}

// Another thread of the actor runs for a moment.
void Run::interrupt_window() {
    if (!interruptible_) return;
    const u8 choice = input_.byte();
    if (choice % 4 != 3) return;
    interruptible_ = false; // one deep is enough
    switch (choice / 4 % 4) {
    case 0:
        begin(true);
        break;
    case 1:
        begin(false);
        break;
    case 2:
        step(static_cast<int>(input_.below(pending_.size())), 1 + input_.byte() % 32);
        break;
    default:
        access();
    }
    interruptible_ = interrupted_ = true;
}

void Run::one() {
    switch (input_.byte() % 16) {
    case 0:
    case 1:
        return allocate();
    case 2:
        return allocate_anywhere();
    case 3:
        return allocate_stack();
    case 4:
        return map_physical();
    case 5:
        return map_segment();
    case 6:
        return change_at_once(true);
    case 7:
        return change_at_once(false);
    case 8:
        return begin(true);
    case 9:
        return begin(false);
    case 10:
        return step(static_cast<int>(input_.below(pending_.size())), 1 + input_.byte() % 32);
    case 11:
        return access();
    case 12:
        return copy_across();
    case 13:
        return comb();
    case 14: {
        const u8 pages = input_.byte();
        limited_ = pages < 100;
        return space_.set_page_limit(limited_ ? space_.pages() + pages : no_limit);
    }
    default: {
        const u8 countdown = input_.byte();
        if ((countdown & 0x80) == 0) return fail_allocation_after(countdown);
        fail_allocation_after(0);
        finish_all();
        destroy();
        limited_ = false;
        return create();
    }
    }
}

} // namespace chorale::fuzz
