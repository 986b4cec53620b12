// What an address space should hold, kept in the simplest way: a map of regions and a map of bytes.
#pragma once

#include "kernel/mem/space.hpp"

#include <map>
#include <optional>

namespace chorale::fuzz {

inline constexpr int nobody = -1;

// The byte of a page that is looked at: each page has another.
[[nodiscard]] constexpr u64 mark_place(u64 page) { return page + page / page_size * 67 % page_size; }

struct ModelRegion {
    u64 end = 0;
    Protection protection{};
    Backing backing{};
    u64 frame = 0;      // of its first page, when borrowed
    int owner = nobody; // the operation under way that has it
    bool dying = false;
    bool demand = false; // its pages come when they are touched
};

class SpaceModel {
  public:
    using Regions = std::map<u64, ModelRegion>; // by their begin

    [[nodiscard]] const Regions& regions() const { return regions_; }
    [[nodiscard]] const ModelRegion* find(u64 address) const;
    [[nodiscard]] bool occupied(u64 begin, u64 end) const;
    // As Space::allocate() chooses: the lowest.
    [[nodiscard]] std::optional<u64> gap(u64 size) const;
    [[nodiscard]] u64 pages() const;

    void insert(u64 begin, const ModelRegion& region) { regions_[begin] = region; }
    void erase(u64 begin) { regions_.erase(begin); }
    // Makes `at` a boundary, if it is inside a region.
    void split(u64 at);
    // What the first region of the range that is in somebody's hands says, or that there is none.
    [[nodiscard]] Status change_status(u64 begin, u64 end) const;
    // All regions of the range, which begins and ends at boundaries, get an owner.
    void take(u64 begin, u64 end, int owner, bool dying);
    // The owner is done with its regions that end at or below `until`.
    void finish_protect(int owner, u64 until, Protection protection);
    void finish_free(int owner, u64 until);

    // The byte at a page's place for one; a page that has none written holds 0.
    [[nodiscard]] u8 mark(u64 page) const;
    void set_mark(u64 page, u8 mark) { marks_[page] = mark; }

    void clear() {
        regions_.clear();
        marks_.clear();
    }

  private:
    Regions regions_;
    std::map<u64, u8> marks_;
};

// Compares a space with its model: regions, page tables, frames and the account of pages.
void audit(Space& space, const SpaceModel& model);

} // namespace chorale::fuzz
