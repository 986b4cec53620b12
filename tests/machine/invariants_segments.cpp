// Segments: who holds them, which pages they have, and why.
#include "kernel/mem/segment.hpp"
#include "tests/machine/inspection.hpp"

namespace chorale::test {

namespace {

template <class Visit>
void for_each_segment(Visit&& visit) {
    segment_store().with([&](SegmentStore& store) {
        for (Segment* each : store.names) {
            for (; each != nullptr; each = each->next) visit(store, *each);
        }
    });
}

} // namespace

bool is_carrier(const Message& message) {
    bool carrier = false;
    for_each_segment(
        [&](SegmentStore&, const Segment& segment) { carrier = carrier || segment.carrier == &message; });
    return carrier;
}

// One that is under way is found where it is.
void Inspection::collect_carriers() {
    for_each_segment([&](SegmentStore&, const Segment& segment) {
        if (!segment.carrying) add_message(segment.carrier, {"a segment"});
    });
}

void Inspection::check_segments() {
    for_each_segment([&](SegmentStore& store, const Segment& segment) {
        ++segments_;
        const Place where{"segment", nullptr, segment.capability.key};
        expect(!quiet() || !segment.wanting, 53, where, " is to be looked at, and nobody will");
        expect(segment.holders != 0 || segment.carrying || segment.wanting, 53, where,
               " is nobody's and does not go");
        expect(segment.outgoing.empty() || segment.carrying || segment.wanting, 53, where,
               " has pages to push out, and none is under way");
        for (u32 i = 0; i < segment.carrier->page_count; ++i)
            share(segment.carrier->pages[i], 0, false, where);
        u64 asked = 0;
        const auto look = [&](const SegmentPage& page, bool queued) {
            ++segment_pages_;
            expect(store.find(segment, page.offset) == &page, 53, where, ": page ", page.offset,
                   " is not found");
            expect(page.queued == queued, 53, where, ": page ", page.offset, " is in the wrong list");
            expect((page.frame == PhysAddr{}) == (page.state == PageState::coming), 53, where, ": page ",
                   page.offset, " has the wrong frame");
            asked += page.state == PageState::coming || page.asking ? 1 : 0;
            if (page.frame != PhysAddr{}) share(page.frame, 0, false, where);
        };
        for (const SegmentPage* page = segment.pages.front(); page != nullptr;
             page = segment.pages.next(*page))
            look(*page, false);
        for (const SegmentPage* page = segment.outgoing.front(); page != nullptr;
             page = segment.outgoing.next(*page))
            look(*page, true);
        if (segment.carried != nullptr) look(*segment.carried, true);
        expect(segment.holders >= asked, 53, where, " is held ", segment.holders, " times for ", asked,
               " requests");
    });
}

} // namespace chorale::test
