// Suite groups: groups of ports and the modes of messages to them.
#include "groups.hpp"
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::test {
namespace {

// ---- groups --------------------------------------------------------------------------------------

void capabilities(Report& report) {
    const Group first, second, user{K_STATUSER, 5}, again{K_STATUSER, 5}, other{K_STATUSER, -5},
        system{K_STATSYS, 5};
    REQUIRE_EQ(first.error, K_OK);
    CHECK(!uiEqual(&first.capability.ui, &second.capability.ui) &&
          first.capability.key != second.capability.key);
    CHECK(uiEqual(&user.capability.ui, &again.capability.ui) && user.capability.key == again.capability.key);
    CHECK(!uiEqual(&user.capability.ui, &other.capability.ui) &&
          !uiEqual(&user.capability.ui, &system.capability.ui));
    const KnUniqueId name = built(K_UIGROUP_STATUSER, 5);
    CHECK(uiEqual(&user.capability.ui, &name));
    KnCap none{};
    for (const int bad : {-1, 3, 1000}) CHECK_EQ(grpAllocate(bad, &none, 0), K_EINVAL);
    KnUniqueId port{};
    REQUIRE_EQ(portUi(&port, K_DEFAULTPORT), K_OK);
    for (Group group : {first, user, system}) {
        CHECK_EQ(grpPortRemove(&group.capability, &port), K_EINVAL); // no member
        KnCap wrong = group.capability;
        ++wrong.key;
        CHECK_EQ(grpPortInsert(&wrong, &port), K_EINVAL);
        wrong = group.capability;
        wrong.ui.uiTail ^= std::uint64_t{1} << 40;
        CHECK_EQ(grpPortInsert(&wrong, &port), K_EINVAL);
        const KnUniqueId nothing{};
        CHECK_EQ(grpPortInsert(&group.capability, &nothing), K_EUNKNOWN);
        CHECK_EQ(ipcTarget(&group.capability.ui, K_FUNCXMODE), K_OK); // the same group
        CHECK_EQ(grpPortInsert(&group.capability, &port), K_OK);
        CHECK_EQ(grpPortRemove(&group.capability, &port), K_OK);
        CHECK_EQ(grpPortRemove(&group.capability, &port), K_EINVAL);
    }
    KnCap self{};
    REQUIRE_EQ(actorSelf(&self), K_OK);
    CHECK_EQ(grpPortInsert(&self, &port), K_EINVAL);
}

void point_08_group_targets(Report& report) {
    const Group group;
    Member first, second;
    for (const Member* each : {&first, &second, &first}) CHECK_EQ(group.insert(*each), K_OK); // twice is once
    KnUniqueId target = group.capability.ui, port = first.name();
    REQUIRE_EQ(send({target, {}}, 1), K_OK); // untouched: broadcast
    CHECK_EQ(first.next(), 1);
    CHECK_EQ(second.next(), 1);
    CHECK_EQ(ipcTarget(&target, K_FUNCMODE), K_OK);
    CHECK(!uiEqual(&target, &group.capability.ui));
    REQUIRE_EQ(send({target, {}}, 2), K_OK);
    const long got[] = {first.next(), second.next()};
    CHECK(got[0] + got[1] == 2 + K_ETIMEOUT);
    CHECK_EQ(ipcTarget(&target, K_BROADMODE), K_OK);
    CHECK(uiEqual(&target, &group.capability.ui));
    CHECK_EQ(ipcTarget(&target, 4), K_EINVAL);
    CHECK_EQ(ipcTarget(&target, -1), K_EINVAL);
    CHECK_EQ(ipcTarget(&port, K_FUNCMODE), K_EINVAL);
    const KnIpcDest all{target, {}};
    KnMsgDesc request{}, reply{};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &all, &reply, -1), K_EINVAL);
    CHECK_EQ(ipcCall(&request, first.li(), &all, &reply, 100), K_EINVAL);
    chorus::Words words{};
    CHECK_EQ(chorus::call<1>(target, words), K_EINVAL);
}

unsigned char body[9000], received[9000], annex[K_CMSGANNEXSIZE], received_annex[K_CMSGANNEXSIZE];

void broadcast_bodies(Report& report) {
    const KnSysStatistics before = settled_statistics();
    const Group group;
    Member members[5];
    for (const Member& each : members) REQUIRE_EQ(group.insert(each), K_OK);
    for (unsigned i = 0; i < sizeof body; ++i) body[i] = static_cast<unsigned char>(i * 7 + i / 256);
    for (unsigned i = 0; i < sizeof annex; ++i) annex[i] = static_cast<unsigned char>(i + 1);
    const KnIpcDest all{group.capability.ui, members[0].name()};
    for (const unsigned size : {0u, 30u, 64u, 65u, 9000u}) {
        const bool with_annex = size % 2 == 0;
        const KnMsgDesc out{0, size, address_of(body), with_annex ? address_of(annex) : 0, 0};
        REQUIRE_EQ(ipcSend(&out, K_DEFAULTPORT, &all), K_OK);
        for (const Member& each : members) {
            for (unsigned char& byte : received) byte = 0;
            received_annex[9] = 0;
            KnMsgDesc in{0, sizeof received, address_of(received), address_of(received_annex), 0};
            int li = each.li();
            REQUIRE_EQ(ipcReceive(&in, &li, 0), size);
            bool same = true;
            for (unsigned i = 0; i < sizeof received; ++i) same &= received[i] == (i < size ? body[i] : 0);
            CHECK(same);
            CHECK_EQ(received_annex[9], with_annex ? 10 : 0);
            KnMsgHead head{};
            REQUIRE_EQ(ipcSysInfo(&head), K_OK);
            CHECK(uiEqual(&head.target, &all.target) && uiEqual(&head.coTarget, &all.coTarget));
            CHECK_EQ(head.bodySize, size);
            CHECK_EQ(each.next(), K_ETIMEOUT);
        }
    }
    REQUIRE_EQ(send({members[1].name(), {}}, 1), K_OK); // the last of the large ones is let go
    CHECK_EQ(members[1].next(), 1);
    const KnSysStatistics after = settled_statistics();
    CHECK(after.messages <= before.messages + 1); // the current one
}

// Who cannot take it is left out.
void broadcast_to_the_full(Report& report) {
    const Group group;
    const KnIpcDest all{group.capability.ui, {}};
    CHECK_EQ(send(all, 1), K_EUNKNOWN);
    Member full, free;
    REQUIRE_EQ(group.insert(full), K_OK);
    for (unsigned i = 0; i < K_CPORTQUEUE; ++i) REQUIRE_EQ(send({full.name(), {}}, i), K_OK);
    CHECK_EQ(send(all, 2), K_EFULL);
    CHECK_EQ(send(group.in(K_FUNCMODE), 2), K_EFULL);
    REQUIRE_EQ(group.insert(free), K_OK);
    CHECK_EQ(send(all, 3), K_OK);
    CHECK_EQ(free.next(), 3);
    for (unsigned i = 0; i < 4; ++i) CHECK_EQ(send(group.in(K_FUNCMODE), i), K_OK); // the one with room
    for (unsigned i = 0; i < 4; ++i) CHECK_EQ(free.next(), i);
    CHECK_EQ(group.remove(full), K_OK);
    CHECK_EQ(group.remove(free), K_OK);
    CHECK_EQ(send(all, 1), K_EUNKNOWN);
    CHECK_EQ(send(group.in(K_FUNCMODE), 1), K_EUNKNOWN);
}

void functional_in_turn(Report& report) {
    const Group group;
    Member members[3];
    for (const Member& each : members) REQUIRE_EQ(group.insert(each), K_OK);
    for (unsigned i = 0; i < 30; ++i) REQUIRE_EQ(send(group.in(K_FUNCMODE), i), K_OK);
    for (const Member& each : members) {
        unsigned got = 0;
        while (each.next() >= 0) ++got;
        CHECK_EQ(got, 10);
    }
}

void unique_and_exclusive(Report& report) {
    const Group group;
    Member first, second, outside;
    REQUIRE(group.insert(first) == K_OK && group.insert(second) == K_OK);
    KnUniqueId here{}, there{};
    int site = 0;
    REQUIRE_EQ(uiLocalSite(&site), K_OK);
    REQUIRE(uiSite(&here, site) == K_OK && uiSite(&there, site + 1) == K_OK);
    CHECK_EQ(send(group.in(K_FUNCUMODE, here), 1), K_OK);
    CHECK_EQ(send(group.in(K_FUNCUMODE, outside.name()), 1), K_OK);
    CHECK_EQ(send(group.in(K_FUNCUMODE, there), 1), K_EUNKNOWN);
    CHECK_EQ(send(group.in(K_FUNCUMODE), 1), K_EUNKNOWN);
    CHECK_EQ(send(group.in(K_FUNCXMODE, here), 1), K_EUNKNOWN);
    CHECK_EQ(send(group.in(K_FUNCXMODE, there), 1), K_OK);
    for (const Member* each : {&first, &second})
        while (each->next() >= 0) {
        }
    for (unsigned i = 0; i < 6; ++i) CHECK_EQ(send(group.in(K_FUNCXMODE, first.name()), i), K_OK);
    CHECK_EQ(first.next(), K_ETIMEOUT);
    for (unsigned i = 0; i < 6; ++i) CHECK_EQ(second.next(), i);
    CHECK_EQ(group.remove(second), K_OK);
    CHECK_EQ(send(group.in(K_FUNCXMODE, first.name()), 1), K_EUNKNOWN);
}

// ---- calls ---------------------------------------------------------------------------------------

std::atomic<int> served[3], told;
int serving[3];
KnMsgHead told_head;

// Replies with its number.
void server(std::uintptr_t which) {
    chorus::Words words{};
    chorus::Arrival got = chorus::receive(serving[which], words);
    while (got.size >= 0) {
        told = ipcSysInfo(&told_head);
        ++served[which];
        words.w[0] = which;
        got = chorus::reply_receive<1>(serving[which], words);
    }
}

void calls_to_groups(Report& report) {
    const Group group;
    Member members[3];
    Helper helpers[3];
    for (unsigned i = 0; i < 3; ++i) {
        REQUIRE_EQ(group.insert(members[i]), K_OK);
        serving[i] = members[i].li();
        served[i] = 0;
        REQUIRE(helpers[i].start(server, i, higher_priority, i == 2 ? cpu_count() - 1 : 0) > 0);
    }
    sleep_milliseconds(20);
    std::uint64_t word = 0;
    const KnMsgDesc request{0, sizeof word, address_of(&word), 0, 0};
    KnMsgDesc reply{0, sizeof word, address_of(&word), 0, 0};
    const KnIpcDest any = group.in(K_FUNCMODE, members[1].name());
    for (unsigned i = 0; i < 12; ++i) REQUIRE_EQ(ipcCall(&request, K_DEFAULTPORT, &any, &reply, -1), 8);
    CHECK_EQ(served[0] + served[1] + served[2], 12);
    CHECK(served[0] > 0 && served[1] > 0);
    CHECK_EQ(told, K_OK);
    CHECK(uiEqual(&told_head.target, &any.target) && uiEqual(&told_head.coTarget, &any.coTarget));
    CHECK_EQ(told_head.flags[0], K_MSG_CALL);
    const KnIpcDest other = group.in(K_FUNCXMODE, members[0].name());
    const int before = served[0];
    for (unsigned i = 0; i < 8; ++i)
        REQUIRE_EQ(ipcCall(&request, K_DEFAULTPORT, &other, &reply, i % 2 == 0 ? -1 : 2000), 8);
    CHECK_EQ(served[0], before);
    chorus::Words words{}; // in registers: no coTarget
    CHECK_EQ(chorus::call<1>(any.target, words), 8);
    CHECK(words.w[0] < 3);
    CHECK_EQ(chorus::call<1>(group.in(K_FUNCUMODE).target, words), K_EUNKNOWN);
    for (Member& each : members) CHECK_EQ(each.end(), K_OK);
    for (Helper& each : helpers) CHECK(each.join());
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &any, &reply, -1), K_EUNKNOWN);
}

// A server that waits on the caller's CPU is preferred to queues and to other CPUs.
void waiting_servers_first(Report& report) {
    const Group group;
    Member members[3];
    for (const Member& each : members) REQUIRE_EQ(group.insert(each), K_OK);
    serving[1] = members[1].li();
    served[1] = 0;
    Helper helper;
    REQUIRE(helper.start(server, 1, higher_priority, 0) > 0);
    sleep_milliseconds(20);
    for (int i = 1; i <= 6; ++i) {
        chorus::Words words{};
        REQUIRE_EQ(chorus::call<1>(group.in(K_FUNCMODE).target, words), 8);
        CHECK_EQ(served[1], i);
    }
    CHECK_EQ(members[0].next(), K_ETIMEOUT);
    CHECK_EQ(members[2].next(), K_ETIMEOUT);
}

std::atomic<int> taken[3];

void taker(std::uintptr_t which) {
    chorus::Words words{};
    while (chorus::receive(serving[which], words).size >= 0) ++taken[which];
}

// Servers with a better priority, here and elsewhere: each has the CPU in the middle of the broadcast.
void broadcast_to_waiting_servers(Report& report) {
    const Group group;
    Member members[3];
    Helper helpers[3];
    for (unsigned i = 0; i < 3; ++i) {
        REQUIRE_EQ(group.insert(members[i]), K_OK);
        serving[i] = members[i].li();
        taken[i] = 0;
        REQUIRE(helpers[i].start(taker, i, higher_priority, i == 1 ? cpu_count() - 1 : 0) > 0);
    }
    sleep_milliseconds(20);
    for (int i = 1; i <= 10; ++i) {
        REQUIRE_EQ(send({group.capability.ui, {}}, 1), K_OK);
        CHECK(taken[0] == i && taken[2] == i);
        REQUIRE(eventually([i] { return taken[1] == i; }));
    }
    for (Member& each : members) CHECK_EQ(each.end(), K_OK);
    for (Helper& each : helpers) CHECK(each.join());
}

// ---- members that go -----------------------------------------------------------------------------

void members_go_with_their_ports(Report& report) {
    const Group group;
    Member stays;
    REQUIRE_EQ(group.insert(stays), K_OK);
    for (unsigned i = 0; i < 20; ++i) {
        Member goes;
        REQUIRE_EQ(group.insert(goes), K_OK);
    }
    EmptyActor actor;
    KnUniqueId port{};
    REQUIRE(portCreate(&actor.capability, &port) > 0);
    REQUIRE_EQ(group.insert(port), K_OK);
    REQUIRE_EQ(actorDelete(&actor.capability), K_OK);
    for (unsigned i = 0; i < 4; ++i) CHECK_EQ(send(group.in(K_FUNCMODE), i), K_OK);
    for (unsigned i = 0; i < 4; ++i) CHECK_EQ(stays.next(), i);
    CHECK_EQ(group.insert(port), K_EUNKNOWN);
}

void limits(Report& report) {
    Member port;
    Group groups[K_CPORTGROUPS + 1];
    for (unsigned i = 0; i < K_CPORTGROUPS; ++i) REQUIRE_EQ(groups[i].insert(port), K_OK);
    CHECK_EQ(groups[K_CPORTGROUPS].insert(port), K_EFULL);
    CHECK_EQ(groups[3].insert(port), K_OK);
    CHECK_EQ(groups[3].remove(port), K_OK);
    CHECK_EQ(groups[K_CPORTGROUPS].insert(port), K_OK);
    CHECK_EQ(groups[3].insert(port), K_EFULL);
}

Group* churned;
KnUniqueId churned_ports[4];
std::atomic<int> churn_end, churn_failed;

void churn(std::uintptr_t first) {
    for (unsigned i = 0; i < 60; ++i) {
        const KnUniqueId& port = churned_ports[first + i % 2];
        if (churned->insert(port) != K_OK) churn_failed = 1;
        if (grpPortRemove(&churned->capability, &port) != K_OK) churn_failed = 2;
    }
    ++churn_end;
}

// Ports come and go on two CPUs while a third sends in all modes: who stays gets everything that is for all.
void members_that_change_meanwhile(Report& report) {
    Group group;
    Member stays, come[4];
    REQUIRE_EQ(group.insert(stays), K_OK);
    for (unsigned i = 0; i < 4; ++i) churned_ports[i] = come[i].name();
    churned = &group;
    churn_end = churn_failed = 0;
    Helper helpers[2];
    REQUIRE(helpers[0].start(churn, 0, inherit_priority, cpu_count() - 1) > 0);
    REQUIRE(helpers[1].start(churn, 2, inherit_priority, cpu_count() / 2) > 0);
    std::uint64_t sent = 0;
    while (churn_end != 2) {
        REQUIRE_EQ(send({group.capability.ui, {}}, sent), K_OK);
        CHECK_EQ(stays.next(), static_cast<long>(sent++));
        if (sent % 4 == 0) sleep_milliseconds(1);
        for (const Member& each : come)
            while (each.next() >= 0) {
            }
    }
    CHECK_EQ(churn_failed, 0);
    CHECK(helpers[0].join() && helpers[1].join());
}

// The manual forbids one of the two types of names to move; groups go with the other.
void point_10_static_ports_stay(Report& report) {
    const EmptyActor other;
    REQUIRE_EQ(other.error, K_OK);
    const Member fixed{built(K_UIPORT_STATPORT, 77)}, moving{built(K_UIPORT, 77)};
    const Group group;
    CHECK_EQ(group.insert(moving), K_OK);
    CHECK_EQ(portMigrate(K_WITHMSG, K_MYACTOR, fixed.li(), &other.capability, nullptr), K_EINVAL);
    CHECK_EQ(send({fixed.name(), {}}, 1), K_OK);
    CHECK_EQ(fixed.next(), 1);
    const int there = portMigrate(K_WITHMSG, K_MYACTOR, moving.li(), &other.capability, nullptr);
    REQUIRE(there > 0);
    CHECK_EQ(moving.next(), K_EINVAL);
    CHECK_EQ(send({moving.name(), {}}, 2), K_OK);
    CHECK_EQ(send(group.in(K_BROADMODE), 3), K_OK);
    CHECK_EQ(portMigrate(K_WITHMSG, &other.capability, there, K_MYACTOR, nullptr), moving.li());
    CHECK_EQ(moving.next(), 2);
    CHECK_EQ(moving.next(), 3);
}

constexpr Case cases[] = {
    {"point_10_static_ports_stay", point_10_static_ports_stay},
    {"capabilities", capabilities},
    {"point_08_group_targets", point_08_group_targets},
    {"broadcast_bodies", broadcast_bodies},
    {"broadcast_to_the_full", broadcast_to_the_full},
    {"functional_in_turn", functional_in_turn},
    {"unique_and_exclusive", unique_and_exclusive},
    {"calls_to_groups", calls_to_groups},
    {"waiting_servers_first", waiting_servers_first},
    {"broadcast_to_waiting_servers", broadcast_to_waiting_servers},
    {"members_go_with_their_ports", members_go_with_their_ports},
    {"limits", limits},
    {"members_that_change_meanwhile", members_that_change_meanwhile},
};

} // namespace

const Suite groups_suite{"groups", cases};

} // namespace chorale::test
