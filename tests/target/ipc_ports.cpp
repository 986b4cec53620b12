// Suite ipc_ports: which port a message comes from and in which order: default port, enabled ports, queues,
// several servers; what portStat tells.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr int poll = 0;

// A port of this actor, deleted at the end of the case.
class Port {
  public:
    Port() : li_{portCreate(K_MYACTOR, &destination_.target)} {}
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    ~Port() { portDelete(K_MYACTOR, li_); }

    [[nodiscard]] int li() const { return li_; }
    [[nodiscard]] const KnIpcDest& destination() const { return destination_; }

  private:
    KnIpcDest destination_{};
    int li_;
};

int send_word(const KnIpcDest& destination, std::uint64_t word) {
    const KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
    return ipcSend(&message, K_DEFAULTPORT, &destination);
}

struct Received {
    int result;
    int port;
    unsigned sequence;
    std::uint64_t word;
};

Received receive_word(int port, int delay = poll) {
    Received got{0, port, 0, 0};
    KnMsgDesc message{0, sizeof(got.word), address_of(&got.word), 0, 0};
    got.result = ipcReceive(&message, &got.port, delay);
    got.sequence = message.seqNum;
    return got;
}

void default_port(Report& report) {
    KnIpcDest own{};
    REQUIRE_EQ(portUi(&own.target, K_DEFAULTPORT), K_OK);
    CHECK_EQ(receive_word(K_DEFAULTPORT).result, K_ETIMEOUT);
    REQUIRE_EQ(send_word(own, 7), K_OK);
    const Received got = receive_word(K_DEFAULTPORT);
    CHECK_EQ(got.result, 8);
    CHECK_EQ(got.port, K_DEFAULTPORT);
    CHECK_EQ(got.word, 7);
    CHECK_EQ(receive_word(K_DEFAULTPORT).result, K_ETIMEOUT);
}

void order_and_sequence(Report& report) {
    Port first, second;
    for (std::uint64_t i = 0; i < 20; ++i) {
        REQUIRE_EQ(send_word(first.destination(), i), K_OK);
        REQUIRE_EQ(send_word(second.destination(), 100 + i), K_OK);
    }
    for (unsigned i = 0; i < 20; ++i) {
        const Received a = receive_word(first.li()), b = receive_word(second.li());
        CHECK_EQ(a.word, i);
        CHECK_EQ(b.word, 100 + i);
        CHECK_EQ(a.sequence, i + 1);
        CHECK_EQ(b.sequence, i + 1);
        CHECK_EQ(a.port, first.li());
    }
    CHECK_EQ(receive_word(first.li()).result, K_ETIMEOUT);
}

void queue_full(Report& report) {
    Port port;
    for (std::uint64_t i = 0; i < K_CPORTQUEUE; ++i) {
        REQUIRE_EQ(send_word(port.destination(), i), K_OK);
    }
    CHECK_EQ(send_word(port.destination(), 1000), K_EFULL);
    std::uint64_t word = 0;
    const KnMsgDesc request{0, 8, address_of(&word), 0, 0};
    KnMsgDesc reply{0, 8, address_of(&word), 0, 0};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &port.destination(), &reply, -1), K_EFULL);
    CHECK_EQ(receive_word(port.li()).word, 0);
    CHECK_EQ(send_word(port.destination(), K_CPORTQUEUE), K_OK);
    CHECK_EQ(send_word(port.destination(), 1000), K_EFULL);
    for (std::uint64_t i = 1; i <= K_CPORTQUEUE; ++i) {
        CHECK_EQ(receive_word(port.li()).word, i);
    }
    CHECK_EQ(receive_word(port.li()).result, K_ETIMEOUT);
}

// Queued messages go with the port; what they held comes back.
void queue_deleted(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (unsigned round = 0; round < 20; ++round) {
        Port port;
        for (std::uint64_t i = 0; i < 30; ++i) {
            REQUIRE_EQ(send_word(port.destination(), i), K_OK);
        }
    }
    after = settled_statistics();
    CHECK_EQ(after.messages, before.messages);
    CHECK_EQ(after.ports, before.ports);
}

void any_enabled(Report& report) {
    Port low, high, disabled;
    CHECK_EQ(receive_word(K_ANYENABLED).result, K_ETIMEOUT);
    REQUIRE_EQ(portEnable(K_MYACTOR, low.li(), 20), K_OK);
    REQUIRE_EQ(portEnable(K_MYACTOR, high.li(), 10), K_OK);
    REQUIRE_EQ(send_word(disabled.destination(), 1), K_OK);
    REQUIRE_EQ(send_word(low.destination(), 2), K_OK);
    REQUIRE_EQ(send_word(high.destination(), 3), K_OK);
    REQUIRE_EQ(send_word(low.destination(), 4), K_OK);
    REQUIRE_EQ(send_word(high.destination(), 5), K_OK);
    const struct {
        std::uint64_t word;
        int port;
    } expected[] = {{3, high.li()}, {5, high.li()}, {2, low.li()}, {4, low.li()}};
    for (const auto& [word, port] : expected) {
        const Received got = receive_word(K_ANYENABLED);
        CHECK_EQ(got.result, 8);
        CHECK_EQ(got.word, word);
        CHECK_EQ(got.port, port);
    }
    CHECK_EQ(receive_word(K_ANYENABLED).result, K_ETIMEOUT);
    // A port can be enabled when it already has messages, and disabled again.
    REQUIRE_EQ(portEnable(K_MYACTOR, disabled.li(), 0), K_OK);
    CHECK_EQ(receive_word(K_ANYENABLED).word, 1);
    REQUIRE_EQ(portDisable(K_MYACTOR, high.li()), K_OK);
    REQUIRE_EQ(send_word(high.destination(), 6), K_OK);
    CHECK_EQ(receive_word(K_ANYENABLED).result, K_ETIMEOUT);
    CHECK_EQ(receive_word(high.li()).word, 6);
}

std::atomic<int> waiter_result, waiter_port;
std::atomic<std::uint64_t> waiter_word;

void wait_for_any(std::uintptr_t) {
    const Received got = receive_word(K_ANYENABLED, -1);
    waiter_word = got.word;
    waiter_port = got.port;
    waiter_result = got.result;
}

// A thread that already waits: a message to an enabled port, and a port that becomes enabled with a message
// in it.
void any_enabled_waits(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Port enabled, later;
        REQUIRE_EQ(portEnable(K_MYACTOR, enabled.li(), 1), K_OK);
        Helper first, second;
        REQUIRE(first.start(wait_for_any, 0, higher_priority, cpu) > 0);
        sleep_milliseconds(2);
        REQUIRE_EQ(send_word(enabled.destination(), 11 + cpu), K_OK);
        CHECK(first.join());
        CHECK_EQ(waiter_word, 11 + cpu);
        CHECK_EQ(waiter_port, enabled.li());
        REQUIRE(second.start(wait_for_any, 0, higher_priority, cpu) > 0);
        REQUIRE_EQ(send_word(later.destination(), 22), K_OK);
        sleep_milliseconds(2);
        CHECK(!second.finished());
        REQUIRE_EQ(portEnable(K_MYACTOR, later.li(), 1), K_OK);
        CHECK(second.join());
        CHECK_EQ(waiter_word, 22);
    }
}

// Several threads wait on one port: each message wakes one of them.
std::atomic<unsigned> receptions;
std::atomic<std::uint64_t> reception_sum;
int shared_port;

void receive_some(std::uintptr_t count) {
    for (std::uintptr_t i = 0; i < count; ++i) {
        const Received got = receive_word(shared_port, -1);
        if (got.result == 8) {
            receptions.fetch_add(1);
            reception_sum.fetch_add(got.word);
        }
    }
}

void several_servers(Report& report) {
    Port port;
    shared_port = port.li();
    receptions = 0;
    reception_sum = 0;
    constexpr unsigned servers = 6, each = 50;
    Helper helpers[servers];
    for (unsigned i = 0; i < servers; ++i) {
        REQUIRE(helpers[i].start(receive_some, each, main_priority, i % cpu_count()) > 0);
    }
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < servers * each; ++i) {
        int error = send_word(port.destination(), i);
        for (unsigned tries = 0; error == K_EFULL && tries < patience; ++tries) {
            sleep_milliseconds(1);
            error = send_word(port.destination(), i);
        }
        REQUIRE_EQ(error, K_OK);
        sum += i;
        if (i % 16 == 0) {
            sleep_milliseconds(1); // a queue that fills up on another CPU drops what comes
        }
    }
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(receptions, servers * each);
    CHECK_EQ(reception_sum, sum);
}

void bad_ports(Report& report) {
    int port_li;
    {
        Port port;
        port_li = port.li();
    }
    for (const int bad : {port_li, -1, K_NONEPORT, -100, 250, 256, 1000000}) {
        CHECK_EQ(receive_word(bad).result, K_EINVAL);
        CHECK_EQ(receive_word(bad, -1).result, K_EINVAL);
        CHECK_EQ(receive_word(bad, 5).result, K_EINVAL);
    }
}

// ---- portStat ----

// The entry of the port among `count` ones; an empty one when there is none.
KnPortStat entry_of(const KnPortStat* all, int count, const KnUniqueId& port) {
    for (int i = 0; i < count; ++i) {
        if (uiEqual(&all[i].psUi, &port) != 0) return all[i];
    }
    return {};
}

void statistics(Report& report) {
    Port quiet, busy;
    KnUniqueId name{};
    REQUIRE_EQ(portUi(&name, K_DEFAULTPORT), K_OK);
    REQUIRE_EQ(portEnable(K_MYACTOR, busy.li(), 5), K_OK);
    KnCap groups[2]{};
    for (KnCap& group : groups) {
        REQUIRE_EQ(grpAllocate(K_DYNAMIC, &group, 0), K_OK);
        REQUIRE_EQ(grpPortInsert(&group, &busy.destination().target), K_OK);
    }
    for (std::uint64_t word = 0; word < 3; ++word) REQUIRE_EQ(send_word(busy.destination(), word), K_OK);
    CHECK_EQ(receive_word(busy.li()).result, 8);
    KnPortStat all[8]{};
    const int count = portStat(K_MYACTOR, 0, all, sizeof(all));
    REQUIRE_EQ(count, 3);
    CHECK(uiEqual(&all[0].psUi, &name) != 0); // lowest local id first
    CHECK_EQ(all[0].psPortLi, K_DEFAULTPORT);
    const KnPortStat first = entry_of(all, count, quiet.destination().target);
    CHECK_EQ(first.psPortLi, quiet.li());
    CHECK_EQ(first.psFlags, 0);
    CHECK_EQ(first.psQueued, 0);
    CHECK_EQ(first.psReceived, 0);
    CHECK_EQ(first.psGroups, 0);
    const KnPortStat second = entry_of(all, count, busy.destination().target);
    CHECK_EQ(second.psPortLi, busy.li());
    CHECK_EQ(second.psFlags, K_PORT_ENABLED);
    CHECK_EQ(second.psPriority, 5);
    CHECK_EQ(second.psQueued, 2);
    CHECK_EQ(second.psReceived, 1);
    REQUIRE_EQ(second.psGroups, 2);
    CHECK(uiEqual(&second.psGroup[0], &groups[1].ui) != 0);
    CHECK(uiEqual(&second.psGroup[1], &groups[0].ui) != 0);
}

void statistics_that_do_not_fit(Report& report) {
    Port port;
    KnPortStat few[2]{};
    few[1].psPortLi = 77;
    CHECK_EQ(portStat(K_MYACTOR, 0, few, sizeof(KnPortStat) + 3), 2);
    CHECK_EQ(few[0].psPortLi, K_DEFAULTPORT);
    CHECK_EQ(few[1].psPortLi, 77);
    CHECK_EQ(portStat(K_MYACTOR, 0, nullptr, 0), 2);
    CHECK_EQ(portStat(K_MYACTOR, 0, nullptr, sizeof(few)), K_EFAULT);
    CHECK_EQ(portStat(K_MYACTOR, 1, few, sizeof(few)), K_EINVAL);
    KnCap nobody{};
    CHECK(portStat(&nobody, 0, few, sizeof(few)) < 0);
    KnCap gone{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &gone, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(portStat(&gone, 0, few, sizeof(few)), 1);
    CHECK_EQ(actorDelete(&gone), K_OK);
    CHECK_EQ(portStat(&gone, 0, few, sizeof(few)), K_EUNKNOWN);
}

constexpr Case cases[] = {
    {"default_port", default_port},       {"order_and_sequence", order_and_sequence},
    {"queue_full", queue_full},           {"queue_deleted", queue_deleted},
    {"any_enabled", any_enabled},         {"any_enabled_waits", any_enabled_waits},
    {"several_servers", several_servers}, {"bad_ports", bad_ports},
    {"statistics", statistics},           {"statistics_that_do_not_fit", statistics_that_do_not_fit},
};

} // namespace

const Suite ipc_ports_suite{"ipc_ports", cases};

} // namespace chorale::test
