// The model's arithmetic, and the audit that walks the real page tables.
#include "fuzz/space_model.hpp"

#include "fuzz/target.hpp"

#include <algorithm>
#include <vector>

namespace chorale::fuzz {

const ModelRegion* SpaceModel::find(u64 address) const {
    const auto above = regions_.upper_bound(address);
    if (above == regions_.begin()) return nullptr;
    const ModelRegion& region = std::prev(above)->second;
    return region.end > address ? &region : nullptr;
}

bool SpaceModel::occupied(u64 begin, u64 end) const {
    const auto after = regions_.lower_bound(end);
    return after != regions_.begin() && std::prev(after)->second.end > begin;
}

std::optional<u64> SpaceModel::gap(u64 size) const {
    const u64 alignment = size >= large_page_size ? large_page_size : page_size;
    u64 at = Space::anywhere_begin.raw();
    for (const auto& [begin, region] : regions_) {
        if (region.end <= at) continue;
        if (begin >= at && begin - at >= size) return at;
        at = round_up(region.end, alignment);
    }
    if (at > Space::user_end().raw() || Space::user_end().raw() - at < size) return std::nullopt;
    return at;
}

u64 SpaceModel::pages() const {
    u64 pages = 0;
    for (const auto& [begin, region] : regions_) pages += (region.end - begin) / page_size;
    return pages;
}

void SpaceModel::split(u64 at) {
    const auto above = regions_.lower_bound(at);
    if (above == regions_.begin()) return;
    const auto below = std::prev(above);
    if (below->second.end <= at) return;
    ModelRegion upper = below->second;
    if (upper.backing == Backing::borrowed) upper.frame += at - below->first;
    below->second.end = at;
    regions_[at] = upper;
}

Status SpaceModel::change_status(u64 begin, u64 end) const {
    bool found = false;
    for (const auto& [from, region] : regions_) {
        if (region.end <= begin || from >= end) continue;
        if (region.owner != nobody) return Status::busy;
        found = true;
    }
    return found ? Status::ok : Status::address;
}

void SpaceModel::take(u64 begin, u64 end, int owner, bool dying) {
    for (auto& [from, region] : regions_) {
        if (from < begin || from >= end) continue;
        region.owner = owner;
        region.dying = dying;
    }
}

void SpaceModel::finish_protect(int owner, u64 until, Protection protection) {
    for (auto& [begin, region] : regions_) {
        if (region.owner != owner || region.end > until) continue;
        region.owner = nobody;
        // A guard keeps what it is.
        if (region.backing != Backing::nothing)
            region.protection = protection | (region.protection & Protection::device);
    }
}

void SpaceModel::finish_free(int owner, u64 until) {
    std::erase_if(regions_, [&](const auto& each) {
        const auto& [begin, region] = each;
        if (region.owner != owner || region.end > until) return false;
        marks_.erase(marks_.lower_bound(begin), marks_.lower_bound(region.end));
        return true;
    });
}

u8 SpaceModel::mark(u64 page) const {
    const auto found = marks_.find(page);
    return found == marks_.end() ? 0 : found->second;
}

namespace {

using Geometry = machine::PageTableGeometry;

// What the walk over a space's page tables finds.
struct Found {
    const SpaceModel& model;
    u64 tables = 0;
    std::vector<u64> owned{};    // frames
    std::map<u64, u64> mapped{}; // bytes, by the region's begin
};

// The part of a leaf that lies in one region. Returns where the region ends.
u64 check_part(Found& found, u64 at, u64 end, u64 frame) {
    const auto above = found.model.regions().upper_bound(at);
    must(above != found.model.regions().begin(), "a page belongs to a region");
    const auto& [begin, region] = *std::prev(above);
    must(at < region.end, "a page belongs to a region");
    must(region.backing != Backing::nothing, "a guard has no page");
    const u64 until = std::min(end, region.end);
    found.mapped[begin] += until - at;
    if (region.backing == Backing::borrowed)
        must(frame == region.frame + (at - begin), "a borrowed page is the one that was lent");
    else
        for (u64 page = at; page < until; page += page_size) found.owned.push_back(frame + (page - at));
    return until;
}

// A large leaf may lie in several regions: an operation that failed has cut one in two that are alike.
void check_leaf(Found& found, u64 at, u64 entry, unsigned level) {
    const u64 end = at + PageTable::span(level), frame = Geometry::address(entry).raw();
    bool at_rest = true;
    for (u64 part = at; part < end;) {
        const ModelRegion* const region = found.model.find(part);
        at_rest = at_rest && region != nullptr && region->owner == nobody;
        part = check_part(found, part, end, frame + (part - at));
    }
    if (!at_rest) return;
    for (u64 part = at; part < end; part = found.model.find(part)->end) {
        const Protection rights = found.model.find(part)->protection;
        const bool readable = allows(rights, Protection::read);
        must(Geometry::present(entry) == readable, "a page is there for whom may read it");
        if (readable) must(Geometry::protection(entry) == rights, "its rights are the region's");
    }
}

// Whether there is a present leaf.
bool walk(Found& found, PhysAddr table, u64 at, unsigned level) {
    const u64* const entries = machine::direct<const u64>(table);
    const u64 span = PageTable::span(level);
    ++found.tables;
    bool any = false;
    for (unsigned i = 0; i < Geometry::entries; ++i) {
        const u64 entry = entries[i];
        if (entry == 0) continue;
        bool present = Geometry::present(entry);
        if (Geometry::leaf(entry, level)) {
            check_leaf(found, at + i * span, entry, level);
        } else {
            const bool below = walk(found, Geometry::address(entry), at + i * span, level - 1);
            must(present || !below, "a page that is there hangs from tables that are there");
            present = below;
        }
        any = any || present;
    }
    return any;
}

} // namespace

void audit(Space& space, const SpaceModel& model) {
    must(space.regions() == model.regions().size(), "the number of regions");
    // Each lookup walks the list: of many regions only some are looked up.
    const std::size_t step = 1 + model.regions().size() / 32;
    std::size_t count = 0;
    for (const auto& [begin, region] : model.regions()) {
        if (count++ % step != 0) continue;
        const auto seen = space.region_at(VirtAddr{begin});
        must(seen.ok(), "a region is there");
        must(seen.value().range == VirtRange{VirtAddr{begin}, VirtAddr{region.end}},
             "a region has its place");
        must(seen.value().backing == region.backing, "a region has its kind");
        if (region.owner == nobody)
            must(seen.value().protection == region.protection, "a region has its rights");
    }
    Found found{model};
    const PhysAddr root{space.root() & Geometry::address_mask};
    static_cast<void>(walk(found, root, 0, Geometry::levels() - 1));
    for (const auto& [begin, region] : model.regions())
        if (!region.dying && region.backing != Backing::nothing && !region.demand)
            must(found.mapped[begin] == region.end - begin, "a region has all its pages");
    must(space.pages() == found.tables + found.owned.size(), "the account of pages");
    std::ranges::sort(found.owned);
    must(std::ranges::adjacent_find(found.owned) == found.owned.end(), "no frame is in two places");
}

} // namespace chorale::fuzz
