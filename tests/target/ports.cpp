// Suite ports: names and local ids of ports.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>
#include <chorus/message.hpp>

namespace chorale::test {
namespace {

void create_delete(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    KnUniqueId names[20];
    int lis[20];
    for (unsigned i = 0; i < 20; ++i) {
        lis[i] = portCreate(K_MYACTOR, &names[i]);
        REQUIRE(lis[i] > 0);
        CHECK(uiValid(&names[i]));
        for (unsigned j = 0; j < i; ++j) {
            CHECK(lis[i] != lis[j] && !uiEqual(&names[i], &names[j]));
        }
    }
    for (unsigned i = 0; i < 20; ++i) {
        KnUniqueId name{};
        CHECK_EQ(portLi(&names[i]), lis[i]);
        CHECK_EQ(portUi(&name, lis[i]), K_OK);
        CHECK(uiEqual(&name, &names[i]));
    }
    for (unsigned i = 0; i < 20; ++i) {
        CHECK_EQ(portDelete(K_MYACTOR, lis[i]), K_OK);
        KnUniqueId name{};
        CHECK_EQ(portUi(&name, lis[i]), K_EINVAL);
        CHECK_EQ(portLi(&names[i]), K_EUNKNOWN);
        CHECK_EQ(portDelete(K_MYACTOR, lis[i]), K_EINVAL);
    }
    after = settled_statistics();
    CHECK_EQ(after.ports, before.ports);
}

void default_port(Report& report) {
    KnUniqueId name{};
    REQUIRE_EQ(portUi(&name, K_DEFAULTPORT), K_OK);
    CHECK(uiValid(&name));
    CHECK_EQ(portLi(&name), K_DEFAULTPORT);
}

void bad_local_ids(Report& report) {
    KnUniqueId name{};
    for (const int bad :
         {-1, -2, -3, -1000, 200, 255, 256, 257, 65536, 0x7fffffff, static_cast<int>(0x80000000U)}) {
        CHECK_EQ(portUi(&name, bad), K_EINVAL);
        CHECK_EQ(portDelete(K_MYACTOR, bad), K_EINVAL);
        CHECK_EQ(portEnable(K_MYACTOR, bad, 0), K_EINVAL);
        CHECK_EQ(portDisable(K_MYACTOR, bad), K_EINVAL);
    }
}

// Names that are almost right, and names of ports that were.
void wrong_names(Report& report) {
    KnUniqueId name{};
    const int li = portCreate(K_MYACTOR, &name);
    REQUIRE(li > 0);
    for (unsigned bit = 0; bit < 64; ++bit) {
        KnUniqueId wrong = name;
        wrong.uiHead ^= std::uint64_t{1} << bit;
        CHECK_EQ(portLi(&wrong), K_EUNKNOWN);
        wrong = name;
        wrong.uiTail ^= std::uint64_t{1} << bit;
        CHECK_EQ(portLi(&wrong), K_EUNKNOWN);
    }
    const KnUniqueId cleared{}, ones{~std::uint64_t{0}, ~std::uint64_t{0}};
    CHECK_EQ(portLi(&cleared), K_EUNKNOWN);
    CHECK_EQ(portLi(&ones), K_EUNKNOWN);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
    char body[8] = {};
    const KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    for (unsigned i = 0; i < 20; ++i) {
        KnUniqueId next{};
        const int next_li = portCreate(K_MYACTOR, &next);
        REQUIRE(next_li > 0);
        CHECK(!uiEqual(&next, &name));
        const KnIpcDest stale{name, {}};
        CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &stale), K_EUNKNOWN);
        CHECK_EQ(portDelete(K_MYACTOR, next_li), K_OK);
    }
}

void table_full(Report& report) {
    int made[1024];
    // Each deletion goes round all CPUs, which an emulator of many on few cores makes slow.
    const unsigned limit = cpu_count() <= 2 ? 1024 : 64;
    unsigned count = 0;
    int li = 1;
    KnUniqueId name;
    while (count < limit && li > 0) {
        li = portCreate(K_MYACTOR, &name);
        if (li > 0) {
            made[count++] = li;
        }
    }
    CHECK(li == K_EFULL || li == K_ENOMEM || count == limit);
    CHECK(count >= 64);
    for (unsigned i = 0; i < count; ++i) {
        CHECK_EQ(portDelete(K_MYACTOR, made[i]), K_OK);
    }
    li = portCreate(K_MYACTOR, &name);
    CHECK(li > 0);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

void enable_disable(Report& report) {
    KnUniqueId name{};
    const int li = portCreate(K_MYACTOR, &name);
    REQUIRE(li > 0);
    CHECK_EQ(portDisable(K_MYACTOR, li), K_OK);
    CHECK_EQ(portEnable(K_MYACTOR, li, 3), K_OK);
    CHECK_EQ(portEnable(K_MYACTOR, li, 5), K_OK);
    CHECK_EQ(portEnable(K_MYACTOR, li, -1), K_EINVAL);
    CHECK_EQ(portDisable(K_MYACTOR, li), K_OK);
    CHECK_EQ(portEnable(K_MYACTOR, K_DEFAULTPORT, 0), K_OK);
    CHECK_EQ(portDisable(K_MYACTOR, K_DEFAULTPORT), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

// Ports of another actor: made and deleted by capability, invisible by local id here.
// Point 8: ports begin disabled, the default port too, and a lower value is served first.
void point_08_ports_begin_disabled(Report& report) {
    KnIpcDest to[2]{};
    const int lis[2] = {portCreate(K_MYACTOR, &to[0].target), portCreate(K_MYACTOR, &to[1].target)};
    REQUIRE(lis[0] > 0 && lis[1] > 0);
    KnMsgDesc message{};
    for (const KnIpcDest& each : to) {
        REQUIRE_EQ(ipcSend(&message, K_DEFAULTPORT, &each), K_OK);
        REQUIRE_EQ(ipcSend(&message, K_DEFAULTPORT, &each), K_OK);
    }
    int from = K_ANYENABLED;
    CHECK_EQ(ipcReceive(&message, &from, 0), K_ETIMEOUT);
    REQUIRE_EQ(portEnable(K_MYACTOR, lis[0], 200), K_OK);
    REQUIRE_EQ(portEnable(K_MYACTOR, lis[1], 100), K_OK);
    for (const int expected : {lis[1], lis[1], lis[0]}) {
        from = K_ANYENABLED;
        CHECK_EQ(ipcReceive(&message, &from, 0), 0);
        CHECK_EQ(from, expected);
    }
    CHECK_EQ(portDisable(K_MYACTOR, lis[0]), K_OK);
    from = K_ANYENABLED;
    CHECK_EQ(ipcReceive(&message, &from, 0), K_ETIMEOUT); // one is there, disabled
    from = lis[0];
    CHECK_EQ(ipcReceive(&message, &from, 0), 0);
    CHECK_EQ(portDelete(K_MYACTOR, lis[0]), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, lis[1]), K_OK);
}

void of_another_actor(Report& report) {
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    KnUniqueId name{};
    const int li = portCreate(&actor, &name);
    CHECK(li > 0);
    CHECK_EQ(portLi(&name), K_EUNKNOWN);
    CHECK_EQ(portDelete(&actor, li), K_OK);
    CHECK_EQ(portDelete(&actor, li), K_EINVAL);
    CHECK(portCreate(&actor, &name) > 0);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK_EQ(portCreate(&actor, &name), K_EUNKNOWN);
    CHECK_EQ(portDelete(&actor, li), K_EUNKNOWN);
    char body[8] = {};
    const KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    const KnIpcDest gone{name, {}};
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &gone), K_EUNKNOWN);
}

// The unpredictable half of names: no bit is always the same, no difference repeats.
void names_are_unpredictable(Report& report) {
    std::uint64_t always_set = ~std::uint64_t{0}, ever_set = 0;
    std::uint64_t last = 0, last_difference = 0;
    for (unsigned i = 0; i < 32; ++i) {
        KnUniqueId name{};
        const int li = portCreate(K_MYACTOR, &name);
        REQUIRE(li > 0);
        always_set &= name.uiTail;
        ever_set |= name.uiTail;
        const std::uint64_t difference = name.uiTail - last;
        CHECK(difference != last_difference);
        last = name.uiTail;
        last_difference = difference;
        CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
    }
    CHECK_EQ(always_set, 0);
    CHECK_EQ(~ever_set, 0);
}

std::atomic<int> reuse_li, reuse_served, reuse_go, reuse_result;
KnIpcDest reuse_target;

void reuse_server(std::uintptr_t) {
    chorus::Words words{};
    chorus::Arrival got = chorus::receive(reuse_li, words);
    reuse_served = 1;
    while (reuse_go == 0) {
    }
    while (got.size >= 0) got = chorus::reply_receive<1>(reuse_li, words);
    reuse_result = static_cast<int>(got.size);
}
void reuse_client(std::uintptr_t) {
    std::uint64_t word = 7;
    const KnMsgDesc request{0, sizeof word, address_of(&word), 0, 0};
    KnMsgDesc reply{0, sizeof word, address_of(&word), 0, 0};
    reuse_result = ipcCall(&request, K_DEFAULTPORT, &reuse_target, &reply, -1);
}

// A server that was busy while its port was deleted and another took its place.
void reused_port(Report& report) {
    if (cpu_count() < 2) return report.skip("one CPU");
    reuse_served = reuse_go = 0;
    const int li = portCreate(K_MYACTOR, &reuse_target.target);
    REQUIRE(li > 0);
    reuse_li = li;
    Helper server, client;
    REQUIRE(server.start(reuse_server, 0, inherit_priority, 1) > 0);
    sleep_milliseconds(20);
    REQUIRE(client.start(reuse_client, 0, inherit_priority, 1) > 0);
    REQUIRE(eventually([] { return reuse_served == 1; }));
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
    KnIpcDest second{};
    const int li2 = portCreate(K_MYACTOR, &second.target);
    CHECK_EQ(li2, li);
    reuse_go = 1;
    CHECK(client.join());
    sleep_milliseconds(20);
    std::uint64_t word = 9;
    const KnMsgDesc request{0, sizeof word, address_of(&word), 0, 0};
    KnMsgDesc reply{0, sizeof word, address_of(&word), 0, 0};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &second, &reply, 2000), 8);
    CHECK_EQ(portDelete(K_MYACTOR, li2), K_OK);
}

constexpr Case cases[] = {
    {"reused_port", reused_port},           {"create_delete", create_delete},
    {"default_port", default_port},         {"bad_local_ids", bad_local_ids},
    {"wrong_names", wrong_names},           {"table_full", table_full},
    {"enable_disable", enable_disable},     {"point_08_ports_begin_disabled", point_08_ports_begin_disabled},
    {"of_another_actor", of_another_actor}, {"names_are_unpredictable", names_are_unpredictable},
};

} // namespace

const Suite ports_suite{"ports", cases};

} // namespace chorale::test
