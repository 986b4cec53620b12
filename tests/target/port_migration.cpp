// Suite port_migration: portMigrate, portPi and portGetSeqNum: what goes with a port to its new actor, what
// it leaves behind, and who is told.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr int pending = 12345;

KnIpcDest target;
int target_li;
std::atomic<int> result;
std::atomic<unsigned> answered, turned_away, confused;
std::atomic<bool> stop, quiet; // servers, callers

bool set_up() {
    result = pending;
    target = {};
    target_li = portCreate(K_MYACTOR, &target.target);
    return target_li > 0;
}

int send_word(std::uint64_t word) {
    const KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
    return ipcSend(&message, K_DEFAULTPORT, &target);
}

struct Received {
    int result;
    int port;
    unsigned sequence;
    std::uint64_t word;
};
Received receive_word(int port, int delay = 0) {
    Received got{0, port, 0, 0};
    KnMsgDesc message{0, sizeof(got.word), address_of(&got.word), 0, 0};
    got.result = ipcReceive(&message, &got.port, delay);
    got.sequence = message.seqNum;
    return got;
}

int call_word(std::uint64_t& word, int delay) {
    const KnMsgDesc request{0, sizeof(word), address_of(&word), 0, 0};
    KnMsgDesc reply{0, sizeof(word), address_of(&word), 0, 0};
    return ipcCall(&request, K_DEFAULTPORT, &target, &reply, delay);
}

void call_once(std::uintptr_t) {
    std::uint64_t word = 1;
    result = call_word(word, -1);
}
void receive_once(std::uintptr_t port) { result = receive_word(static_cast<int>(port), -1).result; }

unsigned received_on(const KnCap* actor, int li) {
    KnEvtNum number = 999;
    return portGetSeqNum(actor, li, &number) == K_OK ? number : 1000;
}

void point_10_what_migrates(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    const EmptyActor other;
    REQUIRE_EQ(other.error, K_OK);
    REQUIRE_EQ(portEnable(K_MYACTOR, target_li, 1), K_OK);
    for (std::uint64_t word = 1; word <= 4; ++word) {
        REQUIRE_EQ(send_word(word), K_OK);
    }
    CHECK_EQ(receive_word(target_li).word, 1);
    CHECK_EQ(receive_word(K_ANYENABLED).word, 2);
    CHECK_EQ(received_on(K_MYACTOR, target_li), 2);
    KnEvtNum number = 0;
    const int there = portMigrate(K_WITHMSG, K_MYACTOR, target_li, &other.capability, &number);
    REQUIRE(there > 0);
    CHECK_EQ(number, 3);
    CHECK_EQ(receive_word(target_li).result, K_EINVAL);
    CHECK_EQ(receive_word(K_ANYENABLED).result, K_ETIMEOUT);
    CHECK_EQ(portLi(&target.target), K_EUNKNOWN);
    CHECK_EQ(portEnable(K_MYACTOR, target_li, 1), K_EINVAL);
    CHECK_EQ(received_on(&other.capability, there), 0);
    CHECK_EQ(send_word(5), K_OK); // its name leads to it as before
    const int back = portMigrate(K_WITHMSG, &other.capability, there, K_MYACTOR, nullptr);
    REQUIRE(back > 0);
    CHECK_EQ(portLi(&target.target), back);
    CHECK_EQ(receive_word(K_ANYENABLED).result, K_ETIMEOUT); // it is not enabled any more
    for (unsigned i = 0; i < 3; ++i) {
        const Received got = receive_word(back);
        CHECK_EQ(got.word, 3 + i);
        CHECK_EQ(got.sequence, 1 + i); // counted anew
    }
    CHECK_EQ(receive_word(back).result, K_ETIMEOUT);
    CHECK_EQ(portDelete(K_MYACTOR, back), K_OK);
    Helper caller; // so that no message is current
    REQUIRE(set_up());
    REQUIRE(caller.start(call_once, 0, higher_priority) > 0);
    CHECK_EQ(receive_word(target_li, -1).result, 8);
    const KnMsgDesc reply{0, 0, 0, 0, 0};
    CHECK_EQ(ipcReply(&reply), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    CHECK(caller.join());
}

void queue_left_behind(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    const EmptyActor other;
    for (std::uint64_t word = 0; word < 20; ++word) {
        REQUIRE_EQ(send_word(word), K_OK);
    }
    const int there = portMigrate(K_WITHOUTMSG, K_MYACTOR, target_li, &other.capability, nullptr);
    REQUIRE(there > 0);
    const int back = portMigrate(K_WITHMSG, &other.capability, there, K_MYACTOR, nullptr);
    REQUIRE(back > 0);
    CHECK_EQ(receive_word(back).result, K_ETIMEOUT);
    CHECK_EQ(portDelete(K_MYACTOR, back), K_OK);
}

// With the queue, the calls in it are served; without, they end, or when they come later, with the port.
void calls_in_the_queue(Report& report) {
    for (const int options : {K_WITHMSG, K_WITHOUTMSG}) {
        for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
            REQUIRE(set_up());
            const EmptyActor other;
            Helper caller;
            REQUIRE(caller.start(call_once, 0, higher_priority, cpu) > 0);
            CHECK(eventually([&] { return status_of(caller.thread()) == K_WAITING; }));
            KnEvtNum number = 0;
            const int there = portMigrate(options, K_MYACTOR, target_li, &other.capability, &number);
            REQUIRE(there > 0);
            CHECK_EQ(number, 1);
            const int back = portMigrate(K_WITHMSG, &other.capability, there, K_MYACTOR, &number);
            REQUIRE(back > 0);
            if (options == K_WITHMSG) {
                CHECK_EQ(receive_word(back, static_cast<int>(patience)).result, 8);
                const std::uint64_t word = 7;
                const KnMsgDesc reply{0, 8, address_of(&word), 0, 0};
                CHECK_EQ(ipcReply(&reply), K_OK);
            }
            CHECK_EQ(portDelete(K_MYACTOR, back), K_OK);
            CHECK(caller.join());
            CHECK(options == K_WITHMSG ? result == 8 : result == K_ENOPORT || result == K_EUNKNOWN);
        }
    }
}

void waiting_threads_are_told(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        REQUIRE(set_up());
        const EmptyActor other;
        Helper server;
        REQUIRE(server.start(receive_once, static_cast<std::uintptr_t>(target_li), higher_priority, cpu) > 0);
        sleep_milliseconds(5);
        const int there = portMigrate(K_WITHMSG, K_MYACTOR, target_li, &other.capability, nullptr);
        CHECK(there > 0);
        CHECK(server.join());
        CHECK(result == K_ENOPORT || result == K_EINVAL); // it may have come too late
        CHECK_EQ(portDelete(&other.capability, there), K_OK);
        CHECK_EQ(send_word(1), K_EUNKNOWN);
    }
}

// Receives what comes to the port of that name, as soon as it is this actor's.
void serve_when_it_comes(std::uintptr_t) {
    int li = -1;
    while (!stop) {
        li = portLi(&target.target);
        if (li < 0) {
            sleep_milliseconds(1);
            continue;
        }
        std::uint64_t word = 0;
        KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
        if (ipcReceive(&message, &li, 5) < 0) {
            continue;
        }
        KnMsgHead head{};
        if (ipcSysInfo(&head) != K_OK || uiEqual(&head.target, &target.target) == 0) {
            confused.fetch_add(1);
        }
        word += 1;
        const KnMsgDesc reply{0, sizeof(word), address_of(&word), 0, 0};
        (void)ipcReply(&reply);
    }
}

void keep_calling(std::uintptr_t first) {
    for (std::uint64_t word = first; !quiet; ++word) {
        std::uint64_t answer = word;
        const int size = call_word(answer, static_cast<int>(patience));
        if (size == 8 && answer == word + 1) {
            answered.fetch_add(1);
        } else if (size == K_ENOPORT || size == K_EFAIL || size == K_EUNKNOWN) {
            turned_away.fetch_add(1);
        } else {
            confused.fetch_add(1);
        }
    }
}

// Two actors with servers, callers on all CPUs, and the port goes from one to the other.
void migration_under_load(Report& report) {
    REQUIRE(set_up());
    stop = quiet = false;
    answered = turned_away = confused = 0;
    KnCap own{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    Child other; // knows the port's name, as it is made from this image
    REQUIRE_EQ(other.create("other"), K_OK);
    Helper servers[2], callers[3];
    const KnCpuId cpus = cpu_count();
    for (KnCpuId i = 0; i < 2; ++i) {
        REQUIRE(servers[i].start(serve_when_it_comes, 0, inherit_priority, i % cpus) > 0);
        REQUIRE(other.start(serve_when_it_comes, 0, inherit_priority, (i + 1) % cpus) > 0);
    }
    for (KnCpuId i = 0; i < 3; ++i) {
        REQUIRE(callers[i].start(keep_calling, i * 1000000, lower_priority, i % cpus) > 0);
    }
    const KnCap* here = &own;
    const KnCap* there = &other.capability();
    int li = target_li;
    for (unsigned round = 0; round < 20; ++round) {
        sleep_milliseconds(2);
        const int next = portMigrate(round % 4 == 3 ? K_WITHOUTMSG : K_WITHMSG, here, li, there, nullptr);
        REQUIRE(next > 0);
        li = next;
        const KnCap* const before = here;
        here = there;
        there = before;
    }
    CHECK(eventually([before = answered.load()] { return answered > before; }));
    quiet = true;
    for (Helper& caller : callers) {
        CHECK(caller.join());
    }
    stop = true;
    for (Helper& server : servers) {
        CHECK(server.join());
    }
    CHECK(answered != 0);
    CHECK_EQ(confused, 0);
    CHECK_EQ(portDelete(here, li), K_OK);
}

void refusals(Report& report) {
    REQUIRE(set_up());
    const EmptyActor other;
    KnCap own{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    KnEvtNum number = 0;
    const auto migrate = [&](int options, int li, const KnCap* to) {
        return portMigrate(options, K_MYACTOR, li, to, &number);
    };
    for (const int options : {0, -1, K_WITHMSG | K_WITHOUTMSG, 4}) {
        CHECK_EQ(migrate(options, target_li, &other.capability), K_EINVAL);
    }
    for (const int li : {K_DEFAULTPORT, K_NONEPORT, K_ANYENABLED, target_li + 1, 255, 256, 100000}) {
        CHECK_EQ(migrate(K_WITHMSG, li, &other.capability), K_EINVAL);
    }
    CHECK_EQ(migrate(K_WITHMSG, target_li, K_MYACTOR), K_EINVAL);
    CHECK_EQ(migrate(K_WITHMSG, target_li, &own), K_EINVAL);
    const KnCap unknown{{other.capability.ui.uiHead, other.capability.ui.uiTail + 1}, other.capability.key};
    CHECK_EQ(migrate(K_WITHMSG, target_li, &unknown), K_EUNKNOWN);
    CHECK_EQ(portMigrate(K_WITHMSG, &unknown, target_li, K_MYACTOR, nullptr), K_EUNKNOWN);
    CHECK_EQ(portMigrate(K_WITHMSG, K_MYACTOR, target_li, &other.capability, reinterpret_cast<KnEvtNum*>(8)),
             K_EFAULT);
    CHECK_EQ(portGetSeqNum(K_MYACTOR, target_li + 1, &number), K_EINVAL);
    CHECK_EQ(portGetSeqNum(&unknown, 1, &number), K_EUNKNOWN);
    int made = 0;
    for (KnUniqueId name{}; portCreate(&other.capability, &name) > 0;) {
        ++made;
    }
    CHECK_EQ(made, 255); // with the default port, all that an actor may have
    CHECK_EQ(migrate(K_WITHMSG, target_li, &other.capability), K_EFULL);
    CHECK_EQ(send_word(1), K_OK); // nothing has happened to it
    CHECK_EQ(receive_word(target_li).result, 8);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

void identifier_of_a_port(Report& report) {
    REQUIRE(set_up());
    const EmptyActor other;
    KnProtId old{9, 9, 9};
    const KnProtId wanted{1, 2, 3};
    REQUIRE_EQ(portPi(K_MYACTOR, target_li, &old, &wanted), K_OK);
    CHECK(old.uid != 1);
    CHECK_EQ(portPi(K_MYACTOR, target_li, &old, nullptr), K_OK);
    CHECK(old.uid == 1 && old.gid == 2 && old.did == 3);
    // On what is sent from it, and it goes where the port goes.
    const KnMsgDesc message{0, 0, 0, 0, 0};
    CHECK_EQ(ipcSend(&message, target_li, &target), K_OK);
    CHECK_EQ(receive_word(target_li).result, 0);
    KnMsgHead head{};
    CHECK_EQ(ipcSysInfo(&head), K_OK);
    CHECK(head.portId.uid == 1 && head.portId.gid == 2 && head.portId.did == 3);
    const int there = portMigrate(K_WITHMSG, K_MYACTOR, target_li, &other.capability, nullptr);
    REQUIRE(there > 0);
    old = {};
    CHECK_EQ(portPi(&other.capability, there, &old, nullptr), K_OK);
    CHECK_EQ(old.did, 3);
    CHECK_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, &old, nullptr), K_OK);
    CHECK_EQ(portPi(K_MYACTOR, target_li, &old, nullptr), K_EINVAL);
    CHECK_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, reinterpret_cast<KnProtId*>(8), nullptr), K_EFAULT);
    CHECK_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, nullptr, reinterpret_cast<const KnProtId*>(8)), K_EFAULT);
    CHECK_EQ(portDelete(&other.capability, there), K_OK);
}

constexpr Case cases[] = {
    {"point_10_what_migrates", point_10_what_migrates},
    {"queue_left_behind", queue_left_behind},
    {"calls_in_the_queue", calls_in_the_queue},
    {"waiting_threads_are_told", waiting_threads_are_told},
    {"migration_under_load", migration_under_load},
    {"refusals", refusals},
    {"identifier_of_a_port", identifier_of_a_port},
};

} // namespace

const Suite port_migration_suite{"port_migration", cases};

} // namespace chorale::test
