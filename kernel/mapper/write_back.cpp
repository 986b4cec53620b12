// How pages go back to their mapper, one at a time for each segment and each with the segment's own message,
// and how a segment comes to its end. All is driven by the answers: no thread waits, so that freeing memory
// and the end of an actor wait for no mapper. One that never answers keeps no more than what is its own.
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mapper/protocol.hpp"
#include "kernel/mem/frame.hpp"

#include <utility>

namespace chorale {

namespace {

constexpr unsigned dropped_together = 8;

enum class Next : u8 { nothing, send, again, end };

void carrier_back(Message& message);

// False: the frame has as many owners as can be counted.
[[nodiscard]] bool compose_push(Segment& segment, const SegmentPage& page) {
    Message& message = *segment.carrier;
    if (!share_frame(page.frame)) return false;
    message.pages[0] = page.frame;
    message.page_count = 1;
    message.stored = 0;
    message.size = page_size;
    message.offset = page.offset;
    compose_push_out(message.annex, segment.capability.key, segment.cache, {page.offset, page_size});
    return true;
}

// Whoever makes carrying true brings the carrier on its way.
[[nodiscard]] Next next_of(SegmentStore& all, Segment& segment) {
    if (segment.carrying) return Next::nothing;
    if (SegmentPage* const page = segment.outgoing.pop_front()) {
        segment.carried = page;
        segment.carrying = true;
        if (compose_push(segment, *page)) return Next::send;
        segment.carrier->error = K_ENOMEM;
        return Next::again;
    }
    if (segment.holders != 0) return Next::nothing;
    // What has come and was taken by nobody.
    for (unsigned i = 0; i < dropped_together && !segment.pages.empty(); ++i)
        all.forget(*segment.pages.front());
    if (!segment.pages.empty()) {
        segment.carrying = true;
        segment.carrier->error = K_OK;
        return Next::again;
    }
    if (segment.wants_release) {
        segment.wants_release = false;
        segment.carrying = true;
        segment.carrier->size = 0;
        compose_release(segment.carrier->annex, segment.capability.key, segment.cache);
        return Next::send;
    }
    if (segment.wanting) return Next::nothing; // somebody is about to look again
    *all.place_of(segment.capability) = segment.next;
    return Next::end;
}

void go_on(Segment& segment, Next next) {
    switch (next) {
    case Next::nothing:
        break;
    case Next::send:
        ask_mapper(*segment.carrier, segment, segment.carrier->offset, lends_nothing, carrier_back);
        break;
    case Next::again:
        segment.carrier->segment = &segment;
        segment.carrier->request.run = [](Request& request) {
            carrier_back(*static_cast<MessageRequest&>(request).message);
        };
        this_cpu().inbox.post(this_cpu().index, segment.carrier->request);
        break;
    case Next::end:
        segment.carrier->answered = nullptr;
        free_message(*segment.carrier);
        free_segment(segment);
        break;
    }
}

// What the mapper says of a page that leaves makes no difference: nobody is left to be told.
void carrier_back(Message& message) {
    Segment& segment = *message.segment;
    release_pages(message);
    long result = message.error;
    MapperError error{K_EFAIL};
    if (result == K_OK && (!message.has_annex || read_reply(message.annex, error) != Status::ok))
        result = error.code;
    u64 key = 0, flush_key = 0;
    const Next next = segment_store().with([&](SegmentStore& all) {
        segment.carrying = false;
        if (SegmentPage* const page = std::exchange(segment.carried, nullptr)) {
            key = page->key;
            flush_key = page->flush_key();
            page->queued = false;
            segment.pages.push_back(*page);
            if (page->state == PageState::leaving) {
                all.forget(*page);
            } else if (!frame_shared(page->frame)) { // all have left it meanwhile, and may have written it
                page->state = PageState::leaving;
                all.push_out(*page);
            }
        }
        return next_of(all, segment);
    });
    if (key != 0) {
        wake_waiters(key, K_OK);
        wake_waiters(flush_key, result);
    }
    go_on(segment, next);
}

} // namespace

void attend_segments() {
    Segment* segment = nullptr;
    const Next next = segment_store().with([&](SegmentStore& all) {
        segment = all.wanting;
        if (segment == nullptr) return Next::nothing;
        all.wanting = segment->next_wanting;
        segment->wanting = false;
        return next_of(all, *segment);
    });
    if (segment != nullptr) go_on(*segment, next);
}

bool await_push(Thread& self, Segment& segment, u64 offset, void (*then)(Thread&)) {
    const bool pushed = segment_store().with([&](SegmentStore& all) {
        SegmentPage* const page = all.find(segment, offset);
        if (page == nullptr || page->state == PageState::coming || !page->dirty) return false;
        all.push_out(*page);
        queue_for(self, page->flush_key(), VirtAddr{});
        return true;
    });
    if (!pushed) return false;
    start_page_wait(self, then);
    attend_segments();
    return true;
}

} // namespace chorale
