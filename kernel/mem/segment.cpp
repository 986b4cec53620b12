// The caches of segments.
#include "kernel/mem/segment.hpp"

#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"

#include <bit>

namespace chorale {

namespace {

constinit Cache<Segment> segments{"segments"};
constinit Cache<SegmentPage> page_cache{"segment pages"};
constinit Guarded<Rank::segments, SegmentStore> store;

} // namespace

Guarded<Rank::segments, SegmentStore>& segment_store() { return store; }
Result<Segment*> make_segment() { return segments.make(); }
void free_segment(Segment& segment) { segments.destroy(&segment); }
u64 live_segments() { return segments.statistics().live; }
u64 live_segment_pages() { return page_cache.statistics().live; }

Segment** SegmentStore::place_of(const KnCap& capability) {
    const auto is = [&](const Segment& segment) {
        const KnCap& other = segment.capability;
        return other.key == capability.key && other.ui.uiHead == capability.ui.uiHead &&
               other.ui.uiTail == capability.ui.uiTail;
    };
    Segment** place = &names[(capability.ui.uiTail ^ capability.key) % name_count];
    while (*place != nullptr && !is(**place)) place = &(*place)->next;
    return place;
}

// Multiplied by a number without pattern; what a chain can hold is bounded by the memory that its pages take.
SegmentPage** SegmentStore::place_of(const Segment& segment, u64 offset) {
    const u64 name = (offset / page_size) ^ segment.cache.key;
    SegmentPage** place = &buckets[name * 0x9e3779b97f4a7c15 >> (64 - std::countr_zero(bucket_count))];
    while (*place != nullptr && ((*place)->segment != &segment || (*place)->offset != offset))
        place = &(*place)->next;
    return place;
}

SegmentPage* SegmentStore::add(Segment& segment, u64 offset) {
    const Result<SegmentPage*> made = page_cache.make();
    if (!made.ok()) return nullptr;
    SegmentPage& page = *made.value();
    page.segment = &segment;
    page.offset = offset;
    page.key = (serial += 4) | 1;
    *place_of(segment, offset) = &page;
    segment.pages.push_back(page);
    return &page;
}

void SegmentStore::forget(SegmentPage& page) {
    *place_of(*page.segment, page.offset) = page.next;
    List<SegmentPage, InSegment>::remove(page);
    if (page.frame != PhysAddr{}) release_frame(page.frame);
    page_cache.destroy(&page);
}

void SegmentStore::want(Segment& segment) {
    if (segment.wanting) return;
    segment.wanting = true;
    segment.next_wanting = wanting;
    wanting = &segment;
}

void SegmentStore::push_out(SegmentPage& page) {
    if (page.queued) return;
    page.queued = true;
    List<SegmentPage, InSegment>::remove(page);
    page.segment->outgoing.push_back(page);
    want(*page.segment);
}

void hold_segment(Segment& segment) {
    store.with([&](SegmentStore&) { ++segment.holders; });
}

void let_go_of_segment(Segment& segment) {
    store.with([&](SegmentStore& all) {
        if (--segment.holders == 0) all.want(segment);
    });
}

int keep_segment(LocalCaches& caches, Segment& segment) {
    return store.with([&](SegmentStore&) {
        for (int id = 1; Segment** const place = caches.place(id); ++id) {
            if (*place != nullptr) continue;
            *place = &segment;
            return id;
        }
        return 0;
    });
}

Segment* kept_segment(LocalCaches& caches, long id) {
    return store.with([&](SegmentStore&) {
        Segment** const place = caches.place(id);
        if (place == nullptr || *place == nullptr) return static_cast<Segment*>(nullptr);
        ++(*place)->holders;
        return *place;
    });
}

bool drop_kept_segment(LocalCaches& caches, long id) {
    return store.with([&](SegmentStore& all) {
        long which = id == 0 ? 1 : id;
        Segment** place = caches.place(which);
        while (id == 0 && place != nullptr && *place == nullptr) place = caches.place(++which);
        if (place == nullptr || *place == nullptr) return false;
        if (--(*place)->holders == 0) all.want(**place);
        *place = nullptr;
        return true;
    });
}

Status write_segment_page(Segment& segment, u64 offset) {
    return store.with([&](SegmentStore& all) {
        SegmentPage* const page = all.find(segment, offset);
        if (page == nullptr || page->state != PageState::there) return Status::busy;
        if ((page->access & K_WRITEACCESS) == 0) return Status::busy;
        page->dirty = true;
        return Status::ok;
    });
}

Result<PhysAddr> take_segment_page(Segment& segment, u64 offset, bool write) {
    return store.with([&](SegmentStore& all) -> Result<PhysAddr> {
        SegmentPage* const page = all.find(segment, offset);
        if (page == nullptr || page->state != PageState::there) return Status::busy;
        if (write && (page->access & K_WRITEACCESS) == 0) return Status::busy;
        if (!share_frame(page->frame)) return Status::no_memory;
        page->dirty = page->dirty || write;
        return page->frame;
    });
}

void SegmentStore::leave(SegmentPage& page) {
    if (page.state != PageState::there || frame_shared(page.frame) || page.asking || page.queued) return;
    if (!page.dirty) return forget(page);
    page.state = PageState::leaving;
    push_out(page);
}

// Who comes last drops the page. Another one with the same frame may be there by now: it comes again when it
// is wanted.
void leave_segment_page(Segment& segment, u64 offset, PhysAddr frame) {
    store.with([&](SegmentStore& all) {
        SegmentPage* const page = all.find(segment, offset);
        if (page != nullptr && page->frame == frame) all.leave(*page);
    });
}

void leave_segment_page(Segment& segment, u64 offset) {
    store.with([&](SegmentStore& all) {
        if (SegmentPage* const page = all.find(segment, offset)) all.leave(*page);
    });
}

} // namespace chorale
