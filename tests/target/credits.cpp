// Suite credits: what an actor may have on its way. Who floods comes to the end of its own credits, and gets
// them back when its messages end, whichever way; nobody else notices.
#include "check.hpp"
#include "child.hpp"
#include "groups.hpp"

#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::test {
namespace {

constexpr unsigned page = 4096, pages = K_CMSGSIZEMAX / page, most_ports = 200;
alignas(4096) char body[K_CMSGSIZEMAX];

unsigned long limit() { return environment_number("kern.ipc.maxActorCredits", 0); }

unsigned long credits_of(const KnCap* actor) {
    KnActorStatistics now{};
    return actorStatistics(actor, &now) == K_OK ? now.credits : ~0UL;
}

int send_body(const KnUniqueId& port, unsigned size) {
    const KnMsgDesc message{0, size, address_of(body), 0, 0};
    const KnIpcDest to{port, {}};
    return ipcSend(&message, K_DEFAULTPORT, &to);
}

int receive_body(int port, int delay = 0) {
    KnMsgDesc message{0, sizeof body, address_of(body), 0, 0};
    return ipcReceive(&message, &port, delay);
}

// ---- a flooder in an actor of its own ------------------------------------------------------------------

KnUniqueId reports; // where the flooder calls: {error, messages sent}, and goes on when it is answered

struct Flood {
    KnUniqueId port[most_ports];
    int li[most_ports];
    unsigned ports;
    unsigned long sent;
};
Flood own;

// To one new port after the other, until there is another error than a full queue's.
long flood(unsigned size) {
    for (int error = K_EFULL;;) {
        if (error == K_EFULL) {
            if (own.ports == most_ports) return K_OK;
            own.li[own.ports] = portCreate(K_MYACTOR, &own.port[own.ports]);
            if (own.li[own.ports] < 0) return own.li[own.ports];
            ++own.ports;
        }
        error = send_body(own.port[own.ports - 1], size);
        if (error != K_OK && error != K_EFULL) return error;
        own.sent += error == K_OK ? 1 : 0;
    }
}

void tell(long error) {
    chorus::Words words{{static_cast<std::uint64_t>(error), own.sent}};
    static_cast<void>(chorus::call<2>(reports, words));
}

void flooder(std::uintptr_t size) {
    tell(flood(static_cast<unsigned>(size)));
    // One is received: there is room for one like it again.
    static_cast<void>(receive_body(own.li[0]));
    tell(send_body(own.port[0], static_cast<unsigned>(size)));
    for (;;) {
        static_cast<void>(receive_body(own.li[0]));
        static_cast<void>(flood(static_cast<unsigned>(size)));
    }
}

struct Told {
    long error;
    unsigned long sent;
};
Told listen(const Member& port) {
    chorus::Words words{};
    const chorus::Arrival got = chorus::receive(port.li(), words, patience);
    if (got.size != 16) return {got.size < 0 ? got.size : K_EFAIL, 0};
    return {static_cast<long>(words.w[0]), words.w[1]};
}
void answer() {
    const KnMsgDesc empty{};
    static_cast<void>(ipcReply(&empty));
}

void flood_once(Report& report, unsigned size, KnCpuId cpu, const KnSysStatistics& before) {
    Member here, victim;
    reports = here.name();
    Child child;
    REQUIRE_EQ(child.create("flooder"), K_OK);
    REQUIRE(child.start(flooder, size, lower_priority, cpu) > 0);
    const Told full = listen(here);
    CHECK_EQ(full.error, K_ENOMEM);
    const unsigned long price = size > 64 ? 1 + (size + page - 1) / page : 1;
    CHECK_EQ(full.sent, limit() / price);
    CHECK_EQ(credits_of(&child.capability()), full.sent * price);
    KnSysStatistics now{};
    CHECK_EQ(sysStatistics(&now), K_OK);
    CHECK(now.messages <= before.messages + limit() + 8);
    // Nobody else is short of anything.
    CHECK_EQ(send_body(victim.name(), sizeof body), K_OK);
    CHECK_EQ(credits_of(K_MYACTOR), 1 + pages);
    CHECK_EQ(receive_body(victim.li()), K_CMSGSIZEMAX);
    CHECK_EQ(credits_of(K_MYACTOR), 0);
    answer(); // it goes on
    CHECK_EQ(listen(here).error, K_OK);
    CHECK_EQ(credits_of(&child.capability()), full.sent * price);
    answer();
    sleep_milliseconds(2); // in the middle of its flood
    CHECK_EQ(child.destroy(), K_OK);
    CHECK(child.gone());
}

// The first one leaves memory to the kinds of objects that it has made more of than there ever were.
void flood_of(Report& report, unsigned size, KnCpuId cpu) {
    constexpr unsigned spared = 64; // pages; the bodies of the flood have 1,920
    flood_once(report, size, cpu, settled_statistics());
    const KnSysStatistics before = settled_statistics();
    flood_once(report, size, cpu, before);
    const KnSysStatistics after = settled_statistics();
    check_same_objects(report, before, after);
    // Small ones have no pages, and where they lie stays with whoever keeps a few at hand.
    CHECK(size <= page || after.freePages + spared >= before.freePages);
}

// Small messages and the largest; on another CPU too.
void small_flood(Report& report) { flood_of(report, 8, 0); }
void large_flood(Report& report) { flood_of(report, K_CMSGSIZEMAX, 0); }
void flood_elsewhere(Report& report) { flood_of(report, K_CMSGSIZEMAX, cpu_count() - 1); }

// ---- each way in which a message ends --------------------------------------------------------------------

void received_or_dropped(Report& report) {
    REQUIRE_EQ(credits_of(K_MYACTOR), 0);
    Member kept;
    for (unsigned i = 1; i <= 3; ++i) {
        REQUIRE_EQ(send_body(kept.name(), i * page), K_OK);
    }
    CHECK_EQ(credits_of(K_MYACTOR), 3 + 6);
    CHECK_EQ(receive_body(kept.li()), page);
    CHECK_EQ(credits_of(K_MYACTOR), 2 + 5);
    CHECK_EQ(kept.end(), K_OK);
    CHECK_EQ(credits_of(K_MYACTOR), 0);
    // A call that is given up leaves its request in the queue.
    Member silent;
    const KnMsgDesc request{0, 8, address_of(body), 0, 0};
    KnMsgDesc reply{0, 8, address_of(body), 0, 0};
    const KnIpcDest to{silent.name(), {}};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, 1), K_ETIMEOUT);
    CHECK_EQ(credits_of(K_MYACTOR), 1);
    CHECK_EQ(receive_body(silent.li()), 8);
    CHECK_EQ(credits_of(K_MYACTOR), 0);
}

void copies_of_a_broadcast(Report& report) {
    Member a, b, c;
    const Group group;
    for (const Member* const each : {&a, &b, &c}) {
        REQUIRE_EQ(group.insert(*each), K_OK);
    }
    const KnMsgDesc message{0, 2 * page, address_of(body), 0, 0};
    const KnIpcDest all = group.in(K_BROADMODE);
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &all), K_OK);
    CHECK_EQ(credits_of(K_MYACTOR), 9);
    CHECK_EQ(receive_body(a.li()), 2 * page);
    CHECK_EQ(credits_of(K_MYACTOR), 6);
    CHECK_EQ(b.end(), K_OK);
    CHECK_EQ(credits_of(K_MYACTOR), 3);
    CHECK_EQ(receive_body(c.li()), 2 * page);
    CHECK_EQ(credits_of(K_MYACTOR), 0);
}

// Messages outlive their sender; what they cost is nobody's then, and never another actor's.
KnUniqueId heir;
void bequeath(std::uintptr_t) {
    for (unsigned i = 0; i < 10; ++i) static_cast<void>(send_body(heir, page));
    tell(K_OK);
    threadDelete(K_MYACTOR, K_MYSELF);
}

void of_a_dead_sender(Report& report) {
    Member here, left;
    reports = here.name();
    heir = left.name();
    {
        Child child;
        REQUIRE_EQ(child.create("testator"), K_OK);
        REQUIRE(child.start(bequeath, 0, lower_priority) > 0);
        CHECK_EQ(listen(here).error, K_OK);
        CHECK_EQ(credits_of(&child.capability()), 20);
        answer();
    }
    // The next one may get its memory.
    const EmptyActor next;
    REQUIRE_EQ(next.error, K_OK);
    CHECK_EQ(credits_of(&next.capability), 0);
    for (unsigned i = 0; i < 10; ++i) CHECK_EQ(receive_body(left.li()), page);
    CHECK_EQ(credits_of(&next.capability), 0);
    CHECK_EQ(credits_of(K_MYACTOR), 0);
}

// Out of credits: what needs none still goes, and what is refused leaves nothing behind.
void calls_in_registers(Report& report) {
    Member here;
    reports = here.name();
    const KnSysStatistics before = settled_statistics();
    REQUIRE_EQ(flood(K_CMSGSIZEMAX), K_ENOMEM);
    REQUIRE_EQ(flood(8), K_ENOMEM);
    CHECK_EQ(credits_of(K_MYACTOR), limit());
    KnIpcDest to{here.name(), {}};
    const KnMsgDesc request{0, 8, address_of(body), 0, 0};
    KnMsgDesc reply{0, 8, address_of(body), 0, 0};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, 5), K_ENOMEM);
    const Group group;
    REQUIRE_EQ(group.insert(here), K_OK);
    to = group.in(K_BROADMODE);
    CHECK_EQ(ipcSend(&request, K_DEFAULTPORT, &to), K_ENOMEM);
    Helper caller;
    REQUIRE(caller.start([](std::uintptr_t) { tell(17); }, 0) > 0);
    CHECK_EQ(listen(here).error, 17);
    answer();
    CHECK(caller.join());
    for (; own.ports != 0; --own.ports) CHECK_EQ(portDelete(K_MYACTOR, own.li[own.ports - 1]), K_OK);
    own.sent = 0;
    CHECK_EQ(credits_of(K_MYACTOR), 0);
    const KnSysStatistics after = settled_statistics();
    CHECK(after.messages <= before.messages); // less: the current message of a case before is replaced
}

constexpr Case cases[] = {
    {"small_flood", small_flood},
    {"large_flood", large_flood},
    {"flood_elsewhere", flood_elsewhere},
    {"received_or_dropped", received_or_dropped},
    {"copies_of_a_broadcast", copies_of_a_broadcast},
    {"of_a_dead_sender", of_a_dead_sender},
    {"calls_in_registers", calls_in_registers},
};

} // namespace

const Suite credits_suite{"credits", cases};

} // namespace chorale::test
