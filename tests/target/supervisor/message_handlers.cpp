// Message handlers, used from supervisor actors; and the one that the user half calls
// (tests/target/message_handlers.cpp).
#include "message_handlers_shared.hpp"

#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

using Words = unsigned long[8];

VmAddr address(const void* object) { return reinterpret_cast<VmAddr>(object); }

int reply(const void* body, unsigned size, VmAddr annex = 0) {
    const KnMsgDesc message{0, size, address(body), annex, 0};
    return svMsgHdlReply(&message);
}

int call(const KnUniqueId& port, const void* body, unsigned size, void* answer, unsigned room,
         int delay = -1) {
    const KnMsgDesc request{0, size, address(body), 0, 0};
    KnMsgDesc answered{0, room, address(answer), 0, 0};
    const KnIpcDest destination{port, {}};
    return ipcCall(&request, K_DEFAULTPORT, &destination, &answered, delay);
}

// ---- the handler of the user half ------------------------------------------------------------------------

std::atomic<int> sleepers, counted;

void echo_long(KnMsgDesc* message) {
    KnRgnDesc room{0, K_CMSGSIZEMAX, K_ANYWHERE | K_WRITABLE | K_SUPERVISOR, 0, nullptr, 0};
    if (rgnAllocate(K_MYACTOR, &room) != K_OK) {
        return;
    }
    const KnMsgDesc body{0, K_CMSGSIZEMAX, room.startAddr, 0, 0};
    const int size = ipcGetData(&body);
    if (size == static_cast<int>(message->bodySize)) {
        static_cast<void>(
            reply(reinterpret_cast<const void*>(room.startAddr), message->bodySize, message->annexAddr));
    }
    room.options = 0; // of rgnFree
    static_cast<void>(rgnFree(K_MYACTOR, &room));
}

void tell(const KnMsgDesc* message) {
    HandledTale tale{};
    KnMsgHead head{};
    static_cast<void>(actorSelf(&tale.self));
    static_cast<void>(svGetInvoker(&tale.invoker));
    static_cast<void>(ipcSysInfo(&head));
    tale.thread = threadSelf();
    tale.flags = static_cast<unsigned>(head.flags[0]);
    tale.sequence = message->seqNum;
    Words words{};
    static_assert(sizeof tale <= sizeof words);
    __builtin_memcpy(words, &tale, sizeof tale);
    static_cast<void>(reply(words, sizeof tale));
}

long sleep_here() {
    ++sleepers;
    const long result = threadDelay(K_NOTIMEOUT);
    --sleepers;
    return result;
}

long call_back(const unsigned long* words) {
    const Words request{static_cast<unsigned long>(HandledOrder::echo), 7};
    Words answer{};
    const int result = call({words[1], words[2]}, request, sizeof request, answer, sizeof answer);
    return result < 0 ? result : static_cast<long>(answer[1]);
}

void on_message(KnMsgDesc* message, void*) {
    if (message->bodyAddr == 0) {
        echo_long(message);
        return;
    }
    const auto* const words = reinterpret_cast<const unsigned long*>(message->bodyAddr);
    long answer = 0;
    switch (message->bodySize < sizeof(long) ? HandledOrder::echo : static_cast<HandledOrder>(words[0])) {
    case HandledOrder::echo:
        static_cast<void>(reply(words, message->bodySize, message->annexAddr));
        return;
    case HandledOrder::tell:
        tell(message);
        return;
    case HandledOrder::ignore:
        return;
    case HandledOrder::sleep:
        answer = sleep_here();
        break;
    case HandledOrder::sleepers:
        answer = sleepers;
        break;
    case HandledOrder::counted:
        answer = counted;
        break;
    case HandledOrder::count:
        ++counted;
        return;
    case HandledOrder::call:
        answer = call_back(words);
        break;
    }
    static_cast<void>(reply(&answer, sizeof answer));
}

// ---- used from here
// ----------------------------------------------------------------------------------------

struct Handled {
    std::atomic<unsigned> inside, runs, last_size;
    std::atomic<int> reply_result, second_reply, other_replies, thread, wait_result;
    std::atomic<bool> waits, faults, leave, changes;
    KnCap self, invoker;
};
Handled handled;

void forget() {
    handled.inside = handled.runs = 0;
    handled.waits = handled.faults = handled.leave = handled.changes = false;
    handled.wait_result = 1;
}

// The body plus one.
void answer(KnMsgDesc* message, void* cookie) {
    auto& seen = *static_cast<Handled*>(cookie);
    ++seen.inside;
    ++seen.runs;
    seen.thread = threadSelf();
    static_cast<void>(actorSelf(&seen.self));
    static_cast<void>(svGetInvoker(&seen.invoker));
    if (seen.waits) {
        seen.wait_result = threadDelay(K_NOTIMEOUT);
    }
    if (seen.changes) { // a port comes and goes while one is being connected
        KnUniqueId name{};
        const int li = portCreate(K_MYACTOR, &name);
        seen.wait_result = li < 0 ? li : portDelete(K_MYACTOR, li);
    }
    if (seen.faults) {
        *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1;
    }
    const unsigned long word = *reinterpret_cast<const unsigned long*>(message->bodyAddr) + 1;
    const KnMsgDesc own{0, sizeof word, address(&word), 0, 0};
    seen.other_replies = ipcReply(&own) == K_EINVAL && ipcSave(K_NONEPORT) == K_EINVAL ? 1 : 0;
    seen.reply_result = svMsgHdlReply(&own);
    seen.second_reply = svMsgHdlReply(&own);
    --seen.inside;
}

bool same(const KnCap& one, const KnCap& other) {
    return one.ui.uiTail == other.ui.uiTail && one.key == other.key;
}

int call_word(const KnUniqueId& port, unsigned long word, unsigned long& result) {
    return call(port, &word, sizeof word, &result, sizeof result);
}

struct Place {
    KnCap actor{};
    KnUniqueId name{};
    int li{};
    bool good{};

    Place() {
        good = actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE) == K_OK &&
               (li = portCreate(&actor, &name)) > 0;
        forget();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { static_cast<void>(actorDelete(&actor)); }
    int connect(KnMsgHdl handler = answer) { return svMsgHandler(&actor, li, handler, 0, &handled); }
};

void connecting(Report& report) {
    const KnSysStatistics before = settled_statistics();
    {
        Place place;
        REQUIRE(place.good);
        KnCap user{};
        REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
        CHECK_EQ(svMsgHandler(&user, K_DEFAULTPORT, answer, 0, nullptr), K_EINVAL);
        CHECK_EQ(actorDelete(&user), K_OK);
        CHECK_EQ(svMsgHandler(&user, K_DEFAULTPORT, answer, 0, nullptr), K_EUNKNOWN);
        CHECK_EQ(svMsgHandler(&place.actor, 100, answer, 0, nullptr), K_EINVAL);
        CHECK_EQ(svMsgHandler(&place.actor, -1, answer, 0, nullptr), K_EINVAL);
        CHECK_EQ(svMsgHandler(&place.actor, 1 << 20, answer, 0, nullptr), K_EINVAL);
        CHECK_EQ(place.connect(nullptr), K_EINVAL); // there is none
        REQUIRE_EQ(place.connect(), K_OK);
        CHECK_EQ(place.connect(), K_EBUSY);
        CHECK_EQ(portMigrate(K_WITHMSG, &place.actor, place.li, K_MYACTOR, nullptr), K_EINVAL);
        KnCap own{};
        REQUIRE_EQ(actorSelf(&own), K_OK);
        for (unsigned long i = 1; i <= 50; ++i) {
            unsigned long result = 0;
            REQUIRE_EQ(call_word(place.name, i, result), sizeof result);
            REQUIRE_EQ(result, i + 1);
            KnEvtNum received = 0;
            CHECK_EQ(portGetSeqNum(&place.actor, place.li, &received), K_OK);
            CHECK(received > 0);
        }
        CHECK_EQ(handled.runs, 50);
        CHECK_EQ(handled.thread, threadSelf());
        CHECK(same(handled.self, place.actor));
        CHECK(same(handled.invoker, own));
        CHECK_EQ(handled.reply_result, K_OK);
        CHECK_EQ(handled.second_reply, K_EINVAL);
        CHECK_EQ(handled.other_replies, 1);
        const unsigned long word = 1;
        const KnMsgDesc message{0, sizeof word, address(&word), 0, 0};
        CHECK_EQ(svMsgHdlReply(&message), K_EINVAL);
        const KnIpcDest destination{place.name, {}};
        CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &destination), K_OK);
        CHECK_EQ(handled.runs, 51); // before ipcSend returned
        CHECK_EQ(handled.reply_result, K_EINVAL);
        CHECK_EQ(place.connect(nullptr), K_OK);
        CHECK_EQ(place.connect(nullptr), K_EINVAL);
        // An ordinary port again: the message stays there.
        CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &destination), K_OK);
        CHECK_EQ(handled.runs, 51);
        CHECK_EQ(place.connect(), K_OK); // and is handled now, by this thread
        CHECK_EQ(handled.runs, 52);
        CHECK_EQ(handled.thread, threadSelf());
    }
    check_same_objects(report, before, settled_statistics());
}

struct Waiting {
    KnUniqueId name;
    int li;
    std::atomic<int> result;
    std::atomic<bool> begun;
    unsigned long answer;
};
Waiting waiting[4];

void receive(std::uintptr_t number) {
    Waiting& own = waiting[number];
    unsigned long word = 0;
    KnMsgDesc message{0, sizeof word, address(&word), 0, 0};
    int port = own.li;
    own.begun = true;
    own.result = ipcReceive(&message, &port, -1);
}

void call_once(std::uintptr_t number) {
    Waiting& own = waiting[number];
    own.begun = true;
    own.result = call_word(own.name, number + 10, own.answer);
}

void start(Report& report, ThreadBody body, unsigned number, long cpu) {
    waiting[number].result = 1;
    waiting[number].begun = false;
    CHECK(start_supervisor_thread({body, number, K_DEFAULT_STACK_SIZE, 120, cpu}) > 0);
    CHECK(eventually([&] { return waiting[number].begun.load(); }));
    sleep_milliseconds(2);
}

// Servers that wait are sent away; who comes later is not let in. On every CPU.
void exclusive_with_receive(Report& report) {
    for (unsigned cpu = 0; cpu < running_cpus(); ++cpu) {
        KnUniqueId name{};
        const int li = portCreate(K_MYACTOR, &name);
        REQUIRE(li > 0);
        forget();
        for (unsigned i = 0; i < 2; ++i) {
            waiting[i].li = li;
            start(report, receive, i, (cpu + i) % running_cpus());
        }
        REQUIRE_EQ(svMsgHandler(K_MYACTOR, li, answer, 0, &handled), K_OK);
        for (unsigned i = 0; i < 2; ++i) {
            CHECK(eventually([&] { return waiting[i].result == K_EINVAL; }));
        }
        start(report, receive, 0, cpu);
        CHECK(eventually([&] { return waiting[0].result == K_EINVAL; }));
        CHECK_EQ(portEnable(K_MYACTOR, li, 0), K_OK);
        unsigned long result = 0;
        CHECK_EQ(call_word(name, 5, result), sizeof result);
        CHECK_EQ(result, 6);
        KnMsgDesc message{0, sizeof result, address(&result), 0, 0};
        int port = K_ANYENABLED;
        CHECK_EQ(ipcReceive(&message, &port, 0), K_ETIMEOUT);
        CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
        CHECK_EQ(call_word(name, 5, result), K_EUNKNOWN);
    }
}

// Messages that wait, also from other CPUs, are handled by the thread that connects.
void queued_before(Report& report) {
    for (unsigned cpu = 0; cpu < running_cpus(); ++cpu) {
        Place place;
        REQUIRE(place.good);
        handled.changes = cpu % 2 == 0;
        for (unsigned i = 0; i < 3; ++i) {
            waiting[i].name = place.name;
            start(report, call_once, i, (cpu + i) % running_cpus());
        }
        REQUIRE_EQ(place.connect(), K_OK);
        CHECK_EQ(handled.wait_result, cpu % 2 == 0 ? K_OK : 1);
        CHECK_EQ(handled.runs, 3);
        CHECK_EQ(handled.thread, threadSelf());
        for (unsigned i = 0; i < 3; ++i) {
            CHECK(eventually([&] { return waiting[i].result == static_cast<int>(sizeof(long)); }));
            CHECK_EQ(waiting[i].answer, i + 11);
        }
    }
}

// Somebody is in the handler: the end of the port aborts him, and waits for him; so does its actor's.
void deleted_under(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (unsigned cpu = 0; cpu < 2 * running_cpus(); ++cpu) {
        Place place;
        REQUIRE(place.good);
        REQUIRE_EQ(place.connect(), K_OK);
        handled.waits = true;
        waiting[0].name = place.name;
        start(report, call_once, 0, cpu % running_cpus());
        CHECK(eventually([] { return handled.inside == 1; }));
        if (cpu % 2 == 0) {
            CHECK_EQ(portDelete(&place.actor, place.li), K_OK);
        } else {
            CHECK_EQ(actorDelete(&place.actor), K_OK);
        }
        CHECK_EQ(handled.inside, 0);
        CHECK_EQ(handled.wait_result, K_EABORT);
        CHECK(eventually([] { return waiting[0].result == static_cast<int>(sizeof(long)); }));
    }
    check_same_objects(report, before, settled_statistics());
}

void leave_later(KnMsgDesc*, void*) {
    ++handled.inside;
    while (!handled.leave) {
        sleep_milliseconds(1);
    }
    --handled.inside;
}

void let_leave(std::uintptr_t) {
    sleep_milliseconds(5);
    handled.leave = true;
}

// Disconnecting waits, and aborts nobody.
void disconnected_under(Report& report) {
    for (unsigned cpu = 0; cpu < running_cpus(); ++cpu) {
        Place place;
        REQUIRE(place.good);
        REQUIRE_EQ(place.connect(leave_later), K_OK);
        waiting[0].name = place.name;
        start(report, call_once, 0, cpu);
        CHECK(eventually([] { return handled.inside == 1; }));
        CHECK(start_supervisor_thread({let_leave, 0, K_DEFAULT_STACK_SIZE, 120, 0}) > 0);
        CHECK_EQ(place.connect(nullptr), K_OK);
        CHECK_EQ(handled.inside, 0);
        CHECK(eventually([] { return waiting[0].result == K_EFAIL; })); // it did not reply
    }
}

// The handler's actor goes, its client does not.
void faulting(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (unsigned i = 0; i < 4; ++i) {
        Place place;
        REQUIRE(place.good);
        REQUIRE_EQ(place.connect(), K_OK);
        handled.faults = true;
        unsigned long result = 0;
        CHECK_EQ(call_word(place.name, 1, result), K_ECRASH);
        CHECK_EQ(call_word(place.name, 1, result), K_EUNKNOWN);
        CHECK_EQ(actorName(&place.actor, nullptr, nullptr), K_EUNKNOWN);
    }
    check_same_objects(report, before, settled_statistics());
}

struct Inside {
    KnCap actor;
    int li, deleted, disconnected, received;
};

void end_from_inside(KnMsgDesc*, void* cookie) {
    auto& own = *static_cast<Inside*>(cookie);
    own.deleted = portDelete(&own.actor, own.li);
    own.disconnected = svMsgHandler(&own.actor, own.li, nullptr, 0, nullptr);
    unsigned long word = 0;
    KnMsgDesc message{0, sizeof word, address(&word), 0, 0};
    int port = own.li;
    own.received = ipcReceive(&message, &port, 0);
}

void from_inside(Report& report) {
    Place place;
    REQUIRE(place.good);
    Inside inside{place.actor, place.li, 0, 0, 0};
    REQUIRE_EQ(svMsgHandler(&place.actor, place.li, end_from_inside, 0, &inside), K_OK);
    unsigned long result = 0;
    CHECK_EQ(call_word(place.name, 1, result), K_EFAIL);
    CHECK_EQ(inside.deleted, K_EBUSY);
    CHECK_EQ(inside.disconnected, K_EINVAL);
    CHECK_EQ(inside.received, K_EINVAL);
}

constexpr Case all[] = {{"handler_connecting", connecting},
                        {"handler_excludes_receive", exclusive_with_receive},
                        {"handler_gets_queued", queued_before},
                        {"handler_deleted_under", deleted_under},
                        {"handler_disconnected_under", disconnected_under},
                        {"handler_faults", faulting},
                        {"handler_from_inside", from_inside}};

} // namespace

const std::span<const Case> message_handler_cases{all};

bool offer_message_handler() {
    KnUniqueId name{};
    const int port = portCreate(K_MYACTOR, &name);
    return port > 0 && svMsgHandler(K_MYACTOR, port, on_message, 0, nullptr) == K_OK &&
           publish_port(handled_port, name) >= 0;
}

} // namespace chorale::test
