// Pages go out, change their rights, and are used.
#include "fuzz/space_run.hpp"

#include <machine/user_access.hpp>

#include <vector>

namespace chorale::fuzz {

void Run::begin(bool freeing) {
    const int slot = static_cast<int>(input_.below(pending_.size()));
    Pending& pending = pending_[static_cast<unsigned>(slot)];
    if (pending.active) return step(slot, 1 + input_.byte() % 8);
    const auto [at, size] = place();
    const Protection protection = rights();
    const u64 end = at + size;
    Status expected = Status::ok;
    if (at % page_size != 0 || end % page_size != 0)
        expected = Status::round;
    else if (end <= at)
        expected = Status::size;
    else if (at < Space::user_begin.raw() || end > Space::user_end().raw())
        expected = Status::address;
    else
        expected = model_.change_status(at, end);
    const VirtRange range{VirtAddr{at}, VirtAddr{end}};
    if (expected == Status::ok) access_ends(range); // so that a TLB knows them
    const Status seen = attempt([&] {
        return freeing ? space_.begin_free(range, pending.work)
                       : space_.begin_protect(range, protection, pending.work);
    });
    if (expected == Status::ok && seen == Status::no_memory && starved_) {
        // At most it has cut regions in two.
        for (const u64 boundary : {at, end}) {
            const auto region = space_.region_at(VirtAddr{boundary});
            if (region.ok() && region.value().range.begin.raw() == boundary) model_.split(boundary);
        }
        return;
    }
    must(seen == expected, "an operation's status is the model's");
    if (seen != Status::ok) return;
    model_.split(at);
    model_.split(end);
    model_.take(at, end, slot, freeing);
    pending.active = true;
    pending.freeing = freeing;
    pending.hidden = false;
    pending.protection = with_user(protection);
}

void Run::access_ends(VirtRange range) {
    const u64 last = range.end.raw() - page_size;
    for (const u64 page : {range.begin.raw(), round_down((range.begin.raw() + last) / 2, page_size), last})
        access_page(page, static_cast<u8>(page / page_size));
}

void Run::step(int slot, unsigned times) {
    Pending& pending = pending_[static_cast<unsigned>(slot)];
    const auto flush = [&] {
        if (pending.work.flush_needed) space_.flush_for(pending.work).apply(space_.root());
    };
    for (unsigned i = 0; i < times && pending.active; ++i) {
        if (pending.freeing && !pending.hidden) {
            pending.hidden = space_.hide_step(pending.work);
            if (pending.hidden) flush();
            if (pending.hidden) access_ends(pending.work.range);
        } else if (pending.freeing) {
            pending.active = !space_.reap_step(pending.work);
            model_.finish_free(slot, pending.work.at.raw());
        } else {
            pending.active = !space_.protect_step(pending.work);
            model_.finish_protect(slot, pending.work.at.raw(), pending.protection);
            if (pending.active) continue;
            flush();
            access_ends(pending.work.range);
        }
    }
}

void Run::change_at_once(bool freeing) {
    begin(freeing);
    for (int slot = 0; slot < static_cast<int>(pending_.size()); ++slot)
        if (pending_[static_cast<unsigned>(slot)].active && input_.byte() % 4 != 0) step(slot, 10'000);
}

// By the user and by the nucleus: both see what the model says.
void Run::access_page(u64 page, u8 mark) {
    const VirtAddr at{mark_place(page)};
    if (const ModelRegion* const touched = model_.find(page); touched != nullptr && may_starve(*touched))
        return;
    std::byte seen{}, copied{};
    const bool readable = machine::copy_in(&seen, at, 1);
    for (const Pending& pending : pending_) {
        const bool flushed = pending.freeing && pending.hidden;
        if (pending.covers(page) && !flushed) return; // TLBs may hold what was and what will be
    }
    const ModelRegion* const region = model_.find(page);
    if (region != nullptr && region->owner == entering) return;
    const bool there = region != nullptr && !region->dying;
    const Protection rights = there ? region->protection : Protection::none;
    must(readable == allows(rights, Protection::read), "the user reads what he may");
    const bool device = allows(rights, Protection::device);
    const bool by_nucleus = space_.copy_from({&copied, 1}, at) == Status::ok;
    must(by_nucleus == (readable && !device), "the nucleus reads what the user may");
    if (device) return;
    if (readable) must(seen == copied, "both see the same");
    const bool owned = there && region->backing == Backing::frames;
    if (readable && owned) must(static_cast<u8>(seen) == model_.mark(page), "a page keeps its contents");
    const std::byte fresh{mark};
    const bool written = machine::copy_out(at, &fresh, 1);
    must(written == allows(rights, Protection::write), "the user writes where he may");
    must((space_.copy_to(at, {&fresh, 1}) == Status::ok) == written, "so does the nucleus");
    if (written && owned) model_.set_mark(page, mark);
}

void Run::access() {
    const u64 count = 1 + input_.below(8);
    const u8 mark = input_.byte();
    const u64 page = page_somewhere();
    for (u64 i = 0; i < count; ++i) access_page(page + i * page_size, static_cast<u8>(mark + i));
}

// Over page boundaries: as far as the pages allow, and not at all beyond the user's part.
void Run::copy_across() {
    const u64 at = page_somewhere() + input_.byte() * u64{16};
    std::vector<std::byte> bytes(input_.number(2) % (4 * page_size));
    bool allowed = true;
    for (u64 page = round_down(at, page_size); page < at + bytes.size(); page += page_size) {
        const ModelRegion* const region = model_.find(page);
        if (region != nullptr && (region->owner != nobody || may_starve(*region))) return;
        allowed = allowed && region != nullptr && allows(region->protection, Protection::read) &&
                  !allows(region->protection, Protection::device);
    }
    if (bytes.empty()) allowed = true;
    must((space_.copy_from(bytes, VirtAddr{at}) == Status::ok) == allowed,
         "a copy ends at the first bad page");
    const u64 wild = input_.number(8);
    if (wild >= Space::user_end().raw())
        must(space_.copy_from({bytes.data(), bytes.size()}, VirtAddr{wild}) == Status::fault || bytes.empty(),
             "nothing is copied from outside the user's part");
}

} // namespace chorale::fuzz
