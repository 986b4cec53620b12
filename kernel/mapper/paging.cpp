// How pages are asked for, and how they come.
#include "kernel/mapper/paging.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mapper/protocol.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/wait_table.hpp"

#include <machine/cpu.hpp>

#include <utility>

namespace chorale {

namespace {

constexpr unsigned woken_together = 8;

// One page at a time: a mapper that sends more could send what is out of date by then.
[[nodiscard]] SegmentNeed need_of(const Segment& segment, u64 offset, VmFlags access) {
    const Extent page{offset, page_size};
    return {segment.capability.key, segment.cache, page, page, access};
}

[[nodiscard]] bool waited_for(u64 key) {
    return bucket_for(key).with([&](Bucket& bucket) { return bucket.first(key) != nullptr; });
}

// The outcome of a request: K_OK, or what those who wait are told.
[[nodiscard]] long read_answer(Message& message, const SegmentNeed& need, bool data, Grant& grant) {
    if (message.error != K_OK) return message.error;
    MapperError error{K_EFAIL};
    if (!message.has_annex) return error.code;
    if (data) {
        const Result<PulledIn> pulled = read_pull_in(message.annex, message.size, need, error);
        if (!pulled.ok()) return error.code;
        grant = pulled.value().grant;
    } else {
        const Result<Grant> granted = read_get_access(message.annex, need, error);
        if (!granted.ok()) return error.code;
        grant = granted.value();
    }
    return K_OK;
}

// The end of a request: those who wait try again, or are told; the request is gone, and its hold.
void finish_request(Message& message, u64 key, long result) {
    Segment& segment = *message.segment;
    free_message(message);
    wake_waiters(key, result);
    let_go_of_segment(segment);
    attend_segments();
}

void pulled_in(Message& message) {
    Segment& segment = *message.segment;
    Grant grant;
    const long result = read_answer(message, need_of(segment, message.offset, K_READACCESS), true, grant);
    u64 key = 0;
    segment_store().with([&](SegmentStore& all) {
        SegmentPage& page = *all.find(segment, message.offset);
        key = page.key;
        if (result == K_OK && waited_for(key)) {
            page.frame = message.pages[--message.page_count];
            page.access = grant.access;
            page.state = PageState::there;
        } else {
            all.forget(page); // also when nobody waits any more: it would stay without an owner
        }
        segment.wants_release = segment.wants_release || grant.wants_release;
    });
    finish_request(message, key, result);
}

void access_granted(Message& message) {
    Segment& segment = *message.segment;
    Grant grant;
    const long result =
        read_answer(message, need_of(segment, message.offset, K_READACCESS | K_WRITEACCESS), false, grant);
    u64 key = 0;
    PhysAddr unwanted{};
    segment_store().with([&](SegmentStore& all) {
        SegmentPage& page = *all.find(segment, message.offset);
        key = page.key;
        // Whoever is refused had nothing but the wish: the page must not stay without an owner.
        if (result != K_OK || !waited_for(key)) unwanted = page.frame;
        page.asking = false;
        if (result == K_OK) page.access = page.access | grant.access;
        segment.wants_release = segment.wants_release || grant.wants_release;
    });
    if (unwanted != PhysAddr{}) leave_segment_page(segment, message.offset, unwanted);
    finish_request(message, key, result);
}

// What has to be done for a thread that wants a page.
enum class Ask : u8 { nothing, wait, pull_in, access, no_memory };

[[nodiscard]] Ask look_for(SegmentStore& all, const WantedPage& wanted, u64& key) {
    SegmentPage* page = all.find(*wanted.segment, wanted.offset);
    Ask ask = Ask::wait;
    if (page == nullptr) {
        page = all.add(*wanted.segment, wanted.offset);
        if (page == nullptr) return Ask::no_memory;
        ask = Ask::pull_in;
    } else if (page->state == PageState::there) {
        if ((wanted.access & ~page->access) == 0) return Ask::nothing;
        if (!page->asking) ask = Ask::access;
        page->asking = true;
    }
    key = page->key;
    return ask;
}

} // namespace

void ask_mapper(Message& message, Segment& segment, u64 offset, u16 priority, void (*answered)(Message&)) {
    const Actor& nucleus = nucleus_actor();
    message.target = segment.capability.ui;
    message.answered = answered;
    message.segment = &segment;
    message.offset = offset;
    message.call = true;
    message.has_annex = true;
    message.error = K_OK;
    message.transaction = 0;
    message.exchange = 0;
    // relaxed, both: nobody else knows the message yet
    message.priority.store(priority, std::memory_order_relaxed);
    message.server.store(nullptr, std::memory_order_relaxed);
    message.source = nucleus.default_port->ui;
    message.source_actor = nucleus.protection;
    message.source_port = nucleus.default_port->protection;
    deliver_own(message);
}

// A few at a time: the queue may be long.
void wake_waiters(u64 key, long result) {
    unsigned count = woken_together;
    while (count == woken_together) {
        Waiter* woken[woken_together];
        count = 0;
        bucket_for(key).with([&](Bucket& bucket) {
            while (count < woken_together) {
                Waiter* const first = bucket.first(key);
                if (first == nullptr) break;
                bucket.leave(*first);
                woken[count++] = first;
            }
        });
        for (unsigned i = 0; i < count; ++i) end_wait(*woken[i], result);
        if (count == woken_together) machine::interrupt_window();
    }
}

void queue_for(Thread& self, u64 key, VirtAddr at) {
    self.sync.waiter.wanted = Wanted::page;
    self.paging.awaited = at;
    static_cast<void>(
        bucket_for(key).with([&](Bucket& bucket) { return queue_up(self, bucket, key, at, {}); }));
}

void start_page_wait(Thread& self, void (*then)(Thread&)) {
    self.paging.then = then;
    start_wait(self, WaitLimit{WaitLimit::for_ever, true});
}

Status await_page(Thread& self, const WantedPage& wanted, void (*then)(Thread&)) {
    Segment& segment = *wanted.segment;
    const Result<Message*> made = allocate_message();
    Ask ask = Ask::no_memory;
    if (made.ok()) {
        ask = segment_store().with([&](SegmentStore& all) {
            u64 key = 0;
            const Ask found = look_for(all, wanted, key);
            if (found != Ask::nothing && found != Ask::no_memory) queue_for(self, key, wanted.at);
            return found;
        });
    }
    self.paging.failed = false;
    if (ask == Ask::pull_in || ask == Ask::access) {
        Message& message = *made.value();
        const SegmentNeed need = need_of(segment, wanted.offset, wanted.access);
        message.size = 0;
        start_page_wait(self, then);
        if (ask == Ask::pull_in) {
            compose_pull_in(message.annex, need, wanted.offset);
            ask_mapper(message, segment, wanted.offset, self.priority, pulled_in);
        } else {
            compose_get_access(message.annex, need);
            ask_mapper(message, segment, wanted.offset, self.priority, access_granted);
        }
        return Status::ok;
    }
    if (made.ok()) free_message(*made.value());
    let_go_of_segment(segment);
    attend_segments();
    if (ask == Ask::no_memory) return Status::no_memory;
    if (ask == Ask::wait)
        start_page_wait(self, then);
    else
        self.continuation = then;
    return Status::ok;
}

void end_page_wait(Thread& self) {
    Paging& paging = self.paging;
    const long result = self.sync.waiter.result;
    // A program whose wait was aborted tries again, when its handlers have run.
    if (result != K_OK && (paging.then != nullptr || result != K_EABORT)) {
        paging.refused = paging.awaited;
        paging.failed = true;
    }
    self.continuation = std::exchange(paging.then, nullptr);
}

bool page_failed(Thread& self) {
    if (self.paging.failed) self.paging.refused = VirtAddr{};
    return std::exchange(self.paging.failed, false);
}

bool await_missed(Thread& self, void (*then)(Thread&)) {
    const VirtAddr page = std::exchange(self.paging.missed, VirtAddr{});
    if (page == VirtAddr{}) [[likely]]
        return false;
    attend_segments(); // the fault has let go of one
    WantedPage wanted;
    const Status status = self.space->resolve(page, self.paging.access, &wanted);
    if (status == Status::busy) return await_page(self, wanted, then) == Status::ok;
    if (status == Status::ok) self.continuation = then;
    return status == Status::ok;
}

Segment* find_segment(const KnCap& capability) {
    return segment_store().with([&](SegmentStore& all) {
        Segment* const found = *all.place_of(capability);
        if (found != nullptr) ++found->holders;
        return found;
    });
}

Result<Segment*> open_segment(const KnCap& capability) {
    if (find_port(capability.ui) == nullptr) return Status::unknown;
    const Result<Segment*> made = make_segment();
    if (!made.ok()) return made;
    const Result<Message*> carrier = allocate_message();
    if (!carrier.ok()) {
        free_segment(*made.value());
        return carrier.status();
    }
    Segment& fresh = *made.value();
    fresh.capability = capability;
    fresh.cache = {make_name(NameKind::cache, 0), make_key()};
    fresh.carrier = carrier.value();
    Segment* const found = segment_store().with([&](SegmentStore& all) {
        Segment** const place = all.place_of(capability);
        if (*place == nullptr) *place = &fresh;
        ++(*place)->holders;
        return *place;
    });
    if (found != &fresh) {
        free_message(*carrier.value());
        free_segment(fresh);
    }
    return found;
}

} // namespace chorale
