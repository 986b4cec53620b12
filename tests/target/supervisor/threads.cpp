// Threads in supervisor mode: their stacks, preemption, migration, messages between them.
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>

#include <atomic>

namespace chorale::test {

namespace {

constexpr int higher = 50, lower = 150;

std::atomic<unsigned> finished;
std::atomic<bool> stop;
std::atomic<unsigned long> rounds;
std::atomic<unsigned> wrong;

bool all_finished(unsigned count) {
    for (unsigned waited = 0; waited < 5000; ++waited) {
        if (finished.load() == count) {
            return true;
        }
        sleep_milliseconds(1);
    }
    return false;
}

// Fills most of a stack of that size, so that a smaller one would be found out.
[[gnu::noinline]] unsigned long use_stack(unsigned long depth) {
    volatile unsigned long words[32];
    for (unsigned i = 0; i < 32; ++i) {
        words[i] = depth + i;
    }
    const unsigned long below = depth == 0 ? 0 : use_stack(depth - 1);
    unsigned long sum = below;
    for (const volatile unsigned long& word : words) {
        sum += word;
    }
    return sum;
}

void deep(std::uintptr_t bytes) {
    constexpr unsigned long frame = 512;
    if (use_stack(bytes / frame - 4) == 0) {
        ++wrong;
    }
    ++finished;
}

void stacks(Report& report) {
    finished = 0;
    wrong = 0;
    unsigned started = 0;
    for (unsigned round = 0; round < 3; ++round) {
        for (const VmSize size : {VmSize{4096}, VmSize{10000}, VmSize{65536}, VmSize{1 << 20}}) {
            CHECK(start_supervisor_thread({deep, size, size, higher}) > 0);
            ++started;
        }
    }
    CHECK(all_finished(started));
    CHECK_EQ(wrong, 0);
    CHECK_EQ(start_supervisor_thread({deep, 4096, VmSize{2} << 20}), K_EINVAL);
}

void spin(std::uintptr_t) {
    while (!stop.load()) {
        ++rounds;
    }
    ++finished;
}

// A thread that makes no call loses the CPU to a better one and gets it back as it was.
void preempted(Report& report) {
    finished = 0;
    stop = false;
    rounds = 0;
    REQUIRE(start_supervisor_thread({spin, 0, K_DEFAULT_STACK_SIZE, lower}) > 0);
    unsigned long last = 0;
    for (unsigned i = 0; i < 20; ++i) {
        for (unsigned waited = 0; rounds.load() == last && waited < 5000; ++waited) {
            sleep_milliseconds(1);
        }
        const unsigned long now = rounds.load();
        CHECK(now > last);
        last = now;
    }
    stop = true;
    CHECK(all_finished(1));
}

// Registers survive preemption: a long computation comes out the same every time.
unsigned long compute() {
    unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    for (unsigned i = 0; i < 2'000'000; ++i) {
        a += b ^ i;
        b = b * 3 + c;
        c ^= d + a;
        d += e << 1;
        e ^= f + b;
        f = f * 5 + g;
        g ^= h + c;
        h += a ^ d;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
}

void worker(std::uintptr_t expected) {
    if (compute() != expected) {
        ++wrong;
    }
    ++finished;
}

void registers(Report& report) {
    finished = 0;
    wrong = 0;
    const unsigned long expected = compute();
    const unsigned cpus = running_cpus();
    unsigned started = 0;
    for (unsigned i = 0; i < 2 * cpus; ++i, ++started) {
        REQUIRE(start_supervisor_thread({worker, expected, K_DEFAULT_STACK_SIZE, lower, i % cpus}) > 0);
    }
    for (unsigned waited = 0; finished.load() != started && waited < 20000; ++waited) {
        sleep_milliseconds(1);
    }
    CHECK_EQ(finished, started);
    CHECK_EQ(wrong, 0);
}

void traveller(std::uintptr_t) {
    const unsigned cpus = running_cpus();
    for (unsigned i = 0; i < 4 * cpus; ++i) {
        const unsigned cpu = i % cpus;
        if (threadBind(K_MYACTOR, K_MYSELF, cpu, nullptr, K_NONEXCLUSIVE) != K_OK ||
            cpuSelf() != static_cast<int>(cpu)) {
            ++wrong;
        }
    }
    ++finished;
}

void migrated(Report& report) {
    finished = 0;
    wrong = 0;
    stop = false;
    REQUIRE(start_supervisor_thread({traveller, 0}) > 0);
    CHECK(all_finished(1));
    CHECK_EQ(wrong, 0);
    // While it computes, too.
    const int thread = start_supervisor_thread({spin, 0, K_DEFAULT_STACK_SIZE, lower});
    REQUIRE(thread > 0);
    for (unsigned i = 0; i < 20; ++i) {
        CHECK_EQ(threadBind(K_MYACTOR, thread, i % running_cpus(), nullptr, K_NONEXCLUSIVE), K_OK);
        sleep_milliseconds(1);
    }
    stop = true;
    CHECK(all_finished(2));
}

// ---- messages ----------------------------------------------------------------------------------

constexpr unsigned body_sizes[] = {0, 1, 8, 63, 64, 65, 4096, 10000};
constexpr unsigned largest = 10000;
unsigned char server_body[largest], client_body[largest], reply_body[largest];
KnUniqueId server_port;

void echo(std::uintptr_t exchanges) {
    int port = portCreate(K_MYACTOR, &server_port);
    ++finished;
    for (std::uintptr_t i = 0; i < exchanges; ++i) {
        KnMsgDesc message{};
        message.bodyAddr = reinterpret_cast<VmAddr>(server_body);
        message.bodySize = largest;
        const int size = ipcReceive(&message, &port, 5000);
        if (size < 0) {
            ++wrong;
            continue;
        }
        for (int at = 0; at < size; ++at) {
            server_body[at] = static_cast<unsigned char>(server_body[at] + 1);
        }
        message.bodySize = static_cast<unsigned>(size);
        if (ipcReply(&message) != K_OK) {
            ++wrong;
        }
    }
    portDelete(K_MYACTOR, port);
    ++finished;
}

void exchange(Report& report, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        client_body[i] = static_cast<unsigned char>(i * 7 + size);
        reply_body[i] = 0;
    }
    KnMsgDesc request{}, reply{};
    request.bodyAddr = reinterpret_cast<VmAddr>(client_body);
    request.bodySize = size;
    reply.bodyAddr = reinterpret_cast<VmAddr>(reply_body);
    reply.bodySize = largest;
    const KnIpcDest destination{server_port, {}};
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1), size);
    for (unsigned i = 0; i < size; ++i) {
        REQUIRE_EQ(reply_body[i], static_cast<unsigned char>(i * 7 + size + 1));
    }
}

void messages(Report& report) {
    wrong = 0;
    for (unsigned cpu = 0; cpu < running_cpus() && cpu < 2; ++cpu) {
        finished = 0;
        REQUIRE(start_supervisor_thread({echo, std::size(body_sizes), K_DEFAULT_STACK_SIZE, higher, cpu}) >
                0);
        REQUIRE(all_finished(1));
        for (const unsigned size : body_sizes) {
            exchange(report, size);
        }
        CHECK(all_finished(2));
    }
    CHECK_EQ(wrong, 0);
    KnMsgDesc request{}, reply{};
    const KnIpcDest destination{server_port, {}}; // deleted
    CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1), K_EUNKNOWN);
    int port = K_DEFAULTPORT;
    CHECK_EQ(ipcReceive(&request, &port, 0), K_ETIMEOUT);
}

constexpr Case all[] = {{"stacks", stacks},
                        {"preempted", preempted},
                        {"registers", registers},
                        {"migrated", migrated},
                        {"messages", messages}};

} // namespace

const std::span<const Case> thread_cases{all};

} // namespace chorale::test
