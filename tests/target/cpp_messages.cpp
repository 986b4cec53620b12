// Suite cpp_messages: typed messages (chorus/port.hpp). The programs of docs/cpp-messages.md stand here as
// they stand there; tests/tools/test_examples.py compares.
#include "check.hpp"
#include "helper.hpp"

#include <chorus/port.hpp>

#include <atomic>

namespace chorale::test {
namespace {

struct Balance {
    std::int64_t cents;
};
struct Deposit {
    std::uint64_t account;
    std::int64_t cents;
    using Reply = Balance;
};

void run_bank(std::uintptr_t) {
    std::int64_t accounts[8]{};
    chorus::OwnPort own;
    if (publish_port("test.bank", own.port().name()) != K_OK) return;
    chorus::serve<Deposit>(own.local_id(), [&](const Deposit& deposit) {
        std::int64_t& account = accounts[deposit.account % 8];
        account += deposit.cents;
        return Balance{account};
    });
}

long deposit(const chorus::Port& bank, std::uint64_t account, std::int64_t cents) {
    const auto balance = chorus::call(bank, Deposit{account, cents});
    return balance ? balance->cents : balance.error();
}

long add(const chorus::Port& adder, unsigned long first, unsigned long second) {
    const auto sum = chorus::call(adder, first, second);
    return sum ? static_cast<long>(sum[0]) : sum.size;
}

static_assert(chorus::Word<unsigned long> && chorus::Word<KnThreadStatus> && chorus::Word<bool>);
static_assert(!chorus::Word<double> && !chorus::Word<const char*> && !chorus::Word<Deposit>);

void bank(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper helper;
        REQUIRE(helper.start(run_bank, 0, higher_priority, cpu) > 0);
        KnUniqueId name{};
        REQUIRE(eventually([&] {
            return find_port("test.bank", name, 1) == K_OK && deposit(chorus::Port{name}, 0, 0) == 0;
        }));
        const chorus::Port port{name};
        CHECK_EQ(deposit(port, 3, 100), 100);
        CHECK_EQ(deposit(port, 4, 7), 7);
        CHECK_EQ(deposit(port, 3, -30), 70);
        const int local_id = portLi(&name);
        REQUIRE(local_id > 0);
        CHECK_EQ(portDelete(K_MYACTOR, local_id), K_OK);
        CHECK(helper.join()); // serve() has returned
        CHECK_EQ(deposit(port, 3, 1), K_EUNKNOWN);
        sysUnsetEnv("port.test.bank");
    }
}

// ---- sizes -------------------------------------------------------------------------------------------

struct Largest {
    std::uint64_t words[8];
    using Reply = Largest;
};
struct Odd {
    unsigned char bytes[13];
    using Reply = Odd;
};
struct Nothing {};
struct Ping {
    using Reply = Nothing;
};
struct Pair {
    std::uint64_t first, second;
    using Reply = Balance;
};

std::atomic<unsigned> handled;
std::atomic<int> served;

template <class Request, class Handle>
void serve_as(std::uintptr_t port, Handle handle) {
    served = chorus::serve<Request>(static_cast<int>(port), [&](const Request& request) {
        handled.fetch_add(1);
        return handle(request);
    });
}

void serve_largest(std::uintptr_t port) {
    serve_as<Largest>(port, [](const Largest& request) {
        Largest reply{};
        for (unsigned i = 0; i < 8; ++i) {
            reply.words[i] = ~request.words[7 - i];
        }
        return reply;
    });
}
void serve_odd(std::uintptr_t port) {
    serve_as<Odd>(port, [](const Odd& request) {
        Odd reply{};
        for (unsigned i = 0; i < 13; ++i) {
            reply.bytes[i] = static_cast<unsigned char>(request.bytes[12 - i] + 1);
        }
        return reply;
    });
}
void serve_ping(std::uintptr_t port) {
    serve_as<Ping>(port, [](const Ping&) { return Nothing{}; });
}
void serve_pair(std::uintptr_t port) {
    serve_as<Pair>(
        port, [](const Pair& pair) { return Balance{static_cast<std::int64_t>(pair.first + pair.second)}; });
}

// A server thread on the last CPU, until the end of the case.
struct Service {
    chorus::OwnPort own;
    Helper helper;
    bool started;
    explicit Service(ThreadBody body)
        : started{helper.start(body, static_cast<std::uintptr_t>(own.local_id()), higher_priority,
                               cpu_count() - 1) > 0} {
        handled = 0;
        served = K_OK;
    }
};

void every_size(Report& report) {
    {
        const Service service{serve_largest};
        REQUIRE(service.started);
        const auto answer = chorus::call(service.own.port(), Largest{{1, 2, 3, 4, 5, 6, 7, 8}});
        REQUIRE(static_cast<bool>(answer));
        for (unsigned i = 0; i < 8; ++i) {
            CHECK_EQ(answer->words[i], ~std::uint64_t{8 - i});
        }
    }
    {
        const Service service{serve_odd};
        REQUIRE(service.started);
        const auto answer = chorus::call(service.own.port(), Odd{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
        REQUIRE(static_cast<bool>(answer));
        for (unsigned i = 0; i < 13; ++i) {
            CHECK_EQ((*answer).bytes[i], 13 - i);
        }
    }
    const Service service{serve_ping};
    REQUIRE(service.started);
    CHECK_EQ(chorus::call(service.own.port(), Ping{}).error(), K_OK);
    CHECK_EQ(handled.load(), 1);
}

void words(Report& report) {
    const Service service{serve_pair};
    REQUIRE(service.started);
    CHECK_EQ(add(service.own.port(), 30, 12), 42);
    CHECK_EQ(chorus::call(service.own.port(), 1, 2).size, sizeof(Balance));
    CHECK_EQ(chorus::call(service.own.port(), 1).size, 0); // not a Pair
    CHECK_EQ(chorus::call(service.own.port(), 1, 2, 3, 4, 5, 6, 7, 8).size, 0);
    CHECK_EQ(add(chorus::Port{KnUniqueId{1, 2}}, 1, 2), K_EUNKNOWN);
    CHECK_EQ(handled.load(), 2);
}

void wrong_sizes(Report& report) {
    const Service service{serve_pair};
    REQUIRE(service.started);
    CHECK_EQ(chorus::call(service.own.port(), Largest{}).error(), K_ESIZE);
    CHECK_EQ(chorus::call(service.own.port(), Ping{}).error(), K_OK); // nothing is what was promised
    CHECK_EQ(handled.load(), 0);
    // What comes without a wait for the reply is handled, and the server goes on.
    const std::uint64_t body[2]{1, 2};
    const KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    const KnIpcDest to{service.own.port().name(), {}};
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &to), K_OK);
    CHECK_EQ(add(service.own.port(), 2, 3), 5);
    CHECK_EQ(handled.load(), 2);
    CHECK_EQ(served.load(), K_OK);
}

void deleted_port(Report& report) {
    Helper helper;
    {
        const chorus::OwnPort own;
        REQUIRE(own.local_id() > 0);
        REQUIRE(helper.start(serve_pair, static_cast<std::uintptr_t>(own.local_id()), higher_priority) > 0);
        CHECK_EQ(add(own.port(), 1, 1), 2);
    }
    CHECK(helper.join());
    CHECK_EQ(served.load(), K_ENOPORT);
    served = K_OK;
    serve_pair(12345);
    CHECK_EQ(served.load(), K_EINVAL);
}

constexpr Case cases[] = {
    {"bank", bank},
    {"every_size", every_size},
    {"words", words},
    {"wrong_sizes", wrong_sizes},
    {"deleted_port", deleted_port},
};

} // namespace

const Suite cpp_messages_suite{"cpp_messages", cases};

} // namespace chorale::test
