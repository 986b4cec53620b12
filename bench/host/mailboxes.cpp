// Mailboxes: one CPU alone, and two of them on two CPUs of the host.
#include "bench/host/lines.hpp"
#include "bench/host/meter.hpp"
#include "bench/host/structures.hpp"

#include "kernel/core/mailbox.hpp"

#include <array>
#include <atomic>

namespace chorale::bench {

namespace {

constexpr unsigned trips = 64, letters_of_batch = 1024;

void attend(Mailbox& inbox) {
    if (!inbox.rung()) return;
    inbox.drain();
    if (inbox.overflows()) inbox.flush();
}

void attend_until(const Partner::Leave& leave) {
    Mailbox& inbox = cpu_at(1).inbox;
    while (!leave.load(std::memory_order_relaxed)) attend(inbox); // relaxed: only when to stop
}

struct Ball : Request {
    bool home{};
};

void come_home(Request& request) { static_cast<Ball&>(request).home = true; }

void throw_back(Request& request) {
    request.run = come_home;
    this_cpu().inbox.post(0, request);
}

void measure_round_trip(benchmark::State& state) {
    const double line = line_round_trip();
    Mailbox& inbox = cpu_at(0).inbox;
    Ball ball;
    const Partner partner{attend_until};
    measure(state, trips, [&](unsigned) {
        ball.home = false;
        ball.run = throw_back;
        inbox.post(1, ball);
        while (!ball.home) attend(inbox);
    });
    tell_lines(state, line);
}

// The receiver says how far it is once for each look into its mailbox, not for each letter.
struct Letter : Request {
    u64* taken{};
};

void take(Request& request) { ++*static_cast<Letter&>(request).taken; }

// `window`: how many letters are under way at most; above Mailbox::slots the sender keeps some itself.
void measure_throughput(benchmark::State& state, unsigned window) {
    const double line = line_round_trip();
    Mailbox& inbox = cpu_at(0).inbox;
    alignas(cache_line) u64 taken = 0;
    alignas(cache_line) std::atomic<u64> told{0};
    std::array<Letter, 64> letters;
    for (Letter& letter : letters) {
        letter.run = take;
        letter.taken = &taken;
    }
    const Partner partner{[&](const Partner::Leave& leave) {
        // relaxed: only when to stop
        while (!leave.load(std::memory_order_relaxed)) {
            attend(cpu_at(1).inbox);
            told.store(taken, std::memory_order_release); // release: the letters may be written again
        }
    }};
    u64 sent = 0;
    const auto wait_for = [&](u64 count) {
        // acquire: pairs with the release above
        while (told.load(std::memory_order_acquire) < count) attend(inbox);
    };
    measure(
        state, letters_of_batch, [] {},
        [&](unsigned i) {
            if (sent >= window) wait_for(sent - window + 1);
            inbox.post(1, letters[sent % window]);
            ++sent;
            if (i + 1 == letters_of_batch) wait_for(sent);
        },
        [] {});
    tell_lines(state, line);
}

// To itself: what it costs when no line travels.
void measure_alone(benchmark::State& state, unsigned letters_each) {
    Mailbox& inbox = cpu_at(0).inbox;
    u64 taken = 0;
    std::array<Letter, Mailbox::slots> letters;
    for (Letter& letter : letters) {
        letter.run = take;
        letter.taken = &taken;
    }
    measure(state, letters_of_batch, [&](unsigned i) {
        inbox.post(0, letters[i % letters_each]);
        if ((i + 1) % letters_each == 0 && inbox.rung()) inbox.drain();
    });
    keep(taken);
}

} // namespace

void add_mailboxes() {
    add("host.mailbox.post_drain.n1", [](benchmark::State& state) { measure_alone(state, 1); });
    add("host.mailbox.post_drain.n8", [](benchmark::State& state) { measure_alone(state, Mailbox::slots); });
    if (!places().two) return;
    add("host.line.round_trip", measure_line);
    add("host.mailbox.round_trip", measure_round_trip);
    add("host.mailbox.throughput.window8", [](benchmark::State& state) { measure_throughput(state, 8); });
    add("host.mailbox.throughput.window64", [](benchmark::State& state) { measure_throughput(state, 64); });
}

} // namespace chorale::bench
