// Segments: memory that mappers serve (<mem/chMapper.h>). A segment that somebody maps has one cache here:
// the pages that its mapper has sent, each a frame that the cache and all who map the page own together.
//
// A page is in the cache as long as somebody maps it, waits for it, or its mapper has not got it back. So
// everybody who has a page pays for it, and what nobody has costs nothing but the way to the mapper.
//
//   coming ──the mapper's reply──► there ──the last mapping goes──► leaving ──it has been pushed out──► gone
//                                       └─ never written: gone at once
//
// Here are the tables only; kernel/mapper/ talks to the mappers. Locks: the store is locked with a space
// locked, never the other way.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

#include <chorus.h>

#include <array>

namespace chorale {

struct Message;
struct Segment;

struct InSegment;

enum class PageState : u8 { coming, there, leaving };

struct SegmentPage : ListNode<InSegment> { // of Segment::pages, or of Segment::outgoing
    SegmentPage* next{};                   // of the same bucket
    Segment* segment{};
    u64 offset{};
    u64 key{}; // of those who wait for it in the wait table: no object's address is odd
    PhysAddr frame{};
    VmFlags access{}; // granted by the mapper
    PageState state{PageState::coming};
    bool dirty{};  // may have been written since it came
    bool asking{}; // for the right to write it
    bool queued{}; // to be pushed out, or on the way

    [[nodiscard]] u64 flush_key() const { return key + 2; } // of those who wait for the push
};

struct Segment {
    Segment* next{};    // of the same name bucket
    KnCap capability{}; // the mapper's port and its key for the segment
    KnCap cache{};      // what the mapper knows the cache by
    u64 holders{};      // regions, and requests under way
    List<SegmentPage, InSegment> pages, outgoing;
    // A message of its own, so that pushing out never fails for want of memory: one page at a time.
    Message* carrier{};
    SegmentPage* carried{};
    bool carrying{};
    bool wants_release{}; // the mapper asked to be told of the end
    bool wanting{};       // in SegmentStore::wanting
    Segment* next_wanting{};
};

// A page that has to come from its mapper, or the right to write it. Holds the segment.
struct WantedPage {
    Segment* segment{};
    u64 offset{};
    VmFlags access{};
    VirtAddr at{};
};

struct SegmentStore {
    static constexpr unsigned bucket_count = 4096, name_count = 64;

    std::array<Segment*, name_count> names{};
    std::array<SegmentPage*, bucket_count> buckets{};
    Segment* wanting{}; // those for which somebody has to do something
    u64 serial{};

    [[nodiscard]] Segment** place_of(const KnCap& capability);
    [[nodiscard]] SegmentPage** place_of(const Segment& segment, u64 offset);
    [[nodiscard]] SegmentPage* find(const Segment& segment, u64 offset) { return *place_of(segment, offset); }
    // A page that is coming. No memory: nullptr.
    [[nodiscard]] SegmentPage* add(Segment& segment, u64 offset);
    void forget(SegmentPage& page); // with its frame
    void want(Segment& segment);
    void push_out(SegmentPage& page);
    void leave(SegmentPage& page); // it goes, unless somebody has it or is about to
};
[[nodiscard]] Guarded<Rank::segments, SegmentStore>& segment_store();

// Caches that an actor keeps without a region (lcOpen). The local id of one is its place, from 1 on.
struct LocalCaches {
    static constexpr unsigned limit = 16;
    std::array<Segment*, limit> held{}; // under the lock of the store

    [[nodiscard]] Segment** place(long id) {
        return id < 1 || id > limit ? nullptr : &held[static_cast<unsigned long>(id) - 1];
    }
};
// The caller's hold goes into the table. 0: it is full.
[[nodiscard]] int keep_segment(LocalCaches& caches, Segment& segment);
// With a hold for the caller; null: no such id.
[[nodiscard]] Segment* kept_segment(LocalCaches& caches, long id);
// False: there is none, with that id or, 0, at all. Then, with nothing locked: attend_segments().
[[nodiscard]] bool drop_kept_segment(LocalCaches& caches, long id);

// How a region shows a segment: from this offset on, the pages of the cache or copies of them.
struct SegmentView {
    Segment* segment{};
    u64 offset{};
    bool copies{};

    [[nodiscard]] bool maps() const { return segment != nullptr && !copies; }
};

void hold_segment(Segment& segment);
void let_go_of_segment(Segment& segment); // then, with nothing locked: attend_segments()

// The frame of a page, with a reference for the caller. Status::busy: it has to be asked for.
[[nodiscard]] Result<PhysAddr> take_segment_page(Segment& segment, u64 offset, bool write);
// A page that is mapped is to be written. Status::busy: the right to do so has to be asked for.
[[nodiscard]] Status write_segment_page(Segment& segment, u64 offset);
// The reference is gone. Then, with nothing locked: attend_segments().
void leave_segment_page(Segment& segment, u64 offset, PhysAddr frame);
// The same for a page that was asked for, and has perhaps come, but was not taken.
void leave_segment_page(Segment& segment, u64 offset);

[[nodiscard]] Result<Segment*> make_segment(); // for the store
void free_segment(Segment& segment);
[[nodiscard]] u64 live_segments();
[[nodiscard]] u64 live_segment_pages();

} // namespace chorale
