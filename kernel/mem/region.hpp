// What an address space consists of: regions, sorted by address, disjoint, page-aligned. No page tables here.
// Context: under the lock of the space.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"
#include "kernel/mem/segment.hpp"

namespace chorale {

struct VirtRange {
    VirtAddr begin, end;

    [[nodiscard]] constexpr uword size() const { return end - begin; }
    [[nodiscard]] constexpr bool empty() const { return begin >= end; }
    [[nodiscard]] constexpr bool contains(VirtAddr address) const {
        return begin <= address && address < end;
    }
    [[nodiscard]] constexpr bool overlaps(VirtRange other) const {
        return begin < other.end && other.begin < end;
    }
    friend constexpr bool operator==(VirtRange, VirtRange) = default;
};

enum class Backing : u8 {
    frames,   // pages that the space owns, alone or with others
    borrowed, // frames of somebody else: device registers, memory shared by another owner
    nothing,  // no pages: a guard
    lent,     // frames that somebody has put in, and may take out: the space owns them together with him
};

// Whether the space has a reference to each frame.
[[nodiscard]] constexpr bool owns(Backing backing) {
    return backing == Backing::frames || backing == Backing::lent;
}

enum class RegionState : u8 {
    ready,
    changing, // pages are being put in or their protection changed: the range is taken, others keep out
    dying,    // pages are being taken out; the addresses stay taken until no TLB knows them
};

struct InSpace;
struct RangeWork;

// Whose a region of the supervisor space is, which many have together; other spaces have one owner and do not
// say. Any other value is the address of the Actor, with whom the region goes.
enum class RegionOwner : uword {
    nobody,  // K_SVACTOR: it stays until it is freed
    nucleus, // system stacks: nobody else changes them
    anyone,  // to look at, whosever it is
};

// What its owner says of a region: kept for him and for calls that look at it.
struct RegionAttributes {
    VmFlags options{};
    VmFlags opaque2{};
    void* opaque1{};
};

struct Region : ListNode<InSpace> {
    VirtRange range;
    Protection protection{};
    Backing backing{};
    RegionState state{};
    RegionOwner owner{};
    bool demand{};           // of backing `frames`: a page comes when it is first touched
    bool sparse{};           // of backing `frames`: pages come in parts of it only; between them are guards
    u32 locks{};             // vmLock: while any, the region is neither freed nor protected
    const RangeWork* work{}; // the operation that is changing or ending it; others leave it alone
    RegionAttributes attributes{};
    SegmentView view{}; // with a segment: where the pages of backing `frames` come from; it is held
};

class RegionList {
  public:
    static constexpr unsigned limit = 512; // bounds every walk

    [[nodiscard]] unsigned count() const { return count_; }

    [[nodiscard]] Region* first() const { return regions_.front(); }
    [[nodiscard]] Region* next(const Region& region) const { return regions_.next(region); }

    // The first region that ends after `address`: the one that holds it, or else the next above; nullptr:
    // none.
    [[nodiscard]] Region* at_or_after(VirtAddr address) const;
    [[nodiscard]] bool occupied(VirtRange range) const;

    // The lowest free range in `window`; begin is a multiple of `alignment`. Empty when there is none.
    [[nodiscard]] VirtRange find_gap(VirtRange window, uword size, uword alignment) const;

    // Status::no_memory (also above `limit`); the caller knows that the range is free.
    [[nodiscard]] Result<Region*> insert(VirtRange range, Protection protection, Backing backing,
                                         RegionState state);

    // Makes `begin` and `end` boundaries, so that regions lie wholly inside or outside. On failure nothing
    // changed in meaning: at most one region has become two with equal properties.
    [[nodiscard]] Status isolate(VirtRange range);

    void erase(Region& region);

  private:
    [[nodiscard]] Status split(VirtAddr at);

    List<Region, InSpace> regions_;
    mutable Region* last_{}; // what at_or_after() found: faults come in rows
    unsigned count_{};
};

[[nodiscard]] u64 live_regions(); // of all spaces: for tests of leaks

} // namespace chorale
