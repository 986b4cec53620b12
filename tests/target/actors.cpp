// Suite actors: creation and deletion, and what goes with an actor.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

void create_delete(Report& report) {
    KnSysStatistics before{}, after{};
    for (unsigned i = 0; i < 3; ++i) {
        KnCap actor{};
        REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
        CHECK_EQ(actorDelete(&actor), K_OK);
    }
    before = settled_statistics();
    for (unsigned i = 0; i < 50; ++i) {
        KnCap actor{};
        REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
        KnRgnDesc region{0x10000000, 8192, K_WRITABLE, 0, nullptr, 0};
        CHECK_EQ(rgnAllocate(&actor, &region), K_OK);
        KnUniqueId port;
        CHECK(portCreate(&actor, &port) > 0);
        CHECK_EQ(actorDelete(&actor), K_OK);
        CHECK_EQ(actorDelete(&actor), K_EUNKNOWN);
        CHECK_EQ(actorName(&actor, nullptr, nullptr), K_EUNKNOWN);
    }
    after = settled_statistics();
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.ports, before.ports);
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages);
}

void create_errors(Report& report) {
    KnCap actor{};
    CHECK_EQ(actorCreate(K_MYACTOR, &actor, 99, K_ACTIVE), K_EINVAL);
    CHECK(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE) < 0);
    CHECK_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, 99), K_EINVAL);
    CHECK_EQ(actorCreate(&actor, &actor, K_USERACTOR, K_ACTIVE) < 0, true);
    CHECK(!uiValid(&actor.ui));
}

void table_full(Report& report) {
    static KnCap made[4096];
    // Each deletion goes round all CPUs, which an emulator of many on few cores makes slow.
    const unsigned limit = cpu_count() <= 2 ? 4096 : 64;
    unsigned count = 0;
    int error = K_OK;
    while (count < limit && error == K_OK) {
        error = actorCreate(K_MYACTOR, &made[count], K_USERACTOR, K_ACTIVE);
        count += error == K_OK ? 1U : 0U;
    }
    CHECK(error == K_EFULL || error == K_ENOMEM || count == limit);
    CHECK(count >= 32);
    for (unsigned i = 0; i < count; ++i) {
        CHECK_EQ(actorDelete(&made[i]), K_OK);
    }
}

void return_from_body(std::uintptr_t) { actorDelete(K_MYACTOR); }

void deletes_itself(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Child child;
        REQUIRE_EQ(child.create("suicide"), K_OK);
        REQUIRE(child.start(return_from_body, 0, higher_priority, cpu) > 0);
        CHECK(child.gone());
    }
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.threads <= before.threads; }));
    CHECK_EQ(after.actors, before.actors);
}

// All threads at once: one deletion wins, no thread comes back.
std::atomic<int> all_started; // the creator writes it in the child

void delete_together(std::uintptr_t) {
    while (all_started == 0) {
        sleep_milliseconds(1);
    }
    actorDelete(K_MYACTOR);
    *reinterpret_cast<volatile int*>(0) = 0;
}

void deleted_by_all(Report& report) {
    all_started = 0;
    for (unsigned round = 0; round < 5; ++round) {
        Child child;
        REQUIRE_EQ(child.create("together"), K_OK);
        for (unsigned i = 0; i < 6; ++i) {
            CHECK(child.start(delete_together, 0, higher_priority, i % cpu_count()) > 0);
        }
        const int go = 1;
        CHECK_EQ(
            vmCopy(K_MYACTOR, address_of(&go), &child.capability(), address_of(&all_started), sizeof(go), 0),
            K_OK);
        CHECK(child.gone());
    }
}

void spin(std::uintptr_t) {
    for (volatile unsigned i = 0;; i = i + 1) {
    }
}

void call_each_other(std::uintptr_t) {
    KnIpcDest destination{};
    portUi(&destination.target, K_DEFAULTPORT);
    std::uint64_t word = 0;
    const KnMsgDesc request{0, 8, address_of(&word), 0, 0};
    KnMsgDesc reply{0, 8, address_of(&word), 0, 0};
    for (;;) {
        ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1);
    }
}

void answer_default(std::uintptr_t) {
    std::uint64_t word = 0;
    KnMsgDesc message{0, 8, address_of(&word), 0, 0};
    int port = K_DEFAULTPORT;
    int size = ipcReceive(&message, &port, -1);
    for (;;) {
        size = size < 0 ? ipcReceive(&message, &port, -1) : ipcReplyReceive(&message, &message, &port, -1);
    }
}

// With threads in every state on every CPU.
void deleted_while_busy(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (unsigned round = 0; round < 8; ++round) {
        Child child;
        REQUIRE_EQ(child.create("busy"), K_OK);
        for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < 4; ++cpu) {
            CHECK(child.start(answer_default, 0, lower_priority, cpu) > 0);
            CHECK(child.start(call_each_other, 0, lower_priority, cpu) > 0);
            CHECK(child.start(spin, 0, lower_priority + 1, cpu) > 0);
        }
        sleep_milliseconds(round);
        CHECK_EQ(child.destroy(), K_OK);
        CHECK(child.gone());
    }
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.threads <= before.threads; }));
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.ports, before.ports);
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.messages <= before.messages; }));
}

// One child deletes another: plain user actors may, SYSTEM actors are out of their reach.
KnCap other_actor;
std::atomic<int> deletion_result;

void delete_other(std::uintptr_t) {
    deletion_result = actorDelete(&other_actor);
    threadDelay(K_NOTIMEOUT);
}

int deletion_by_child(KnActorPrivilege victim_privilege) {
    Child victim;
    if (const int error = victim.create("victim", victim_privilege); error < 0) {
        return error;
    }
    other_actor = victim.capability();
    deletion_result = 1;
    Child killer;
    if (const int error = killer.create("killer"); error < 0) {
        return error;
    }
    if (const int thread = killer.start(delete_other, 0, higher_priority, 0); thread < 0) {
        return thread;
    }
    int result = 1;
    (void)eventually([&] {
        vmCopy(&killer.capability(), address_of(&deletion_result), K_MYACTOR, address_of(&result),
               sizeof(result), 0);
        return result != 1;
    });
    return result;
}

void privilege_of_deletion(Report& report) {
    CHECK_EQ(deletion_by_child(K_USERACTOR), K_OK);
    CHECK_EQ(deletion_by_child(K_SYSTEMACTOR), K_EPRIV);
}

// Inherited from the creator, stamped on messages; a port keeps that of its creation.
void protection_identifier(Report& report) {
    const KnProtId wanted{7, 8, 9};
    KnProtId own{}, got{};
    KnCap made{};
    REQUIRE_EQ(actorPi(K_MYACTOR, &own, &wanted), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &made, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(actorPi(&made, &got, nullptr), K_OK);
    CHECK(got.uid == 7 && got.gid == 8 && got.did == 9);
    CHECK_EQ(actorDelete(&made), K_OK);
    CHECK_EQ(actorPi(&made, &got, nullptr), K_EUNKNOWN);

    KnIpcDest to{};
    KnMsgDesc message{};
    KnMsgHead head{};
    int port = K_DEFAULTPORT;
    REQUIRE_EQ(portUi(&to.target, K_DEFAULTPORT), K_OK);
    REQUIRE_EQ(ipcSend(&message, K_DEFAULTPORT, &to), K_OK);
    REQUIRE_EQ(ipcReceive(&message, &port, 1000), 0);
    CHECK_EQ(ipcSysInfo(&head), K_OK);
    CHECK(head.actorId.uid == 7 && head.actorId.gid == 8 && head.actorId.did == 9);
    CHECK(head.portId.uid == own.uid && head.portId.gid == own.gid && head.portId.did == own.did);
    CHECK_EQ(actorPi(K_MYACTOR, &got, &own), K_OK);
    CHECK_EQ(got.gid, 8);
}

constexpr Case cases[] = {
    {"create_delete", create_delete},
    {"create_errors", create_errors},
    {"table_full", table_full},
    {"deletes_itself", deletes_itself},
    {"deleted_by_all", deleted_by_all},
    {"deleted_while_busy", deleted_while_busy},
    {"privilege_of_deletion", privilege_of_deletion},
    {"protection_identifier", protection_identifier},
};

} // namespace

const Suite actors_suite{"actors", cases};

} // namespace chorale::test
