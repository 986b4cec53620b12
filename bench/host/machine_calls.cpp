// What calls cost in the whole nucleus: programs of the host machine (arch/host) make them, on one CPU.
//
// The host machine's own way in and out is that of no real one: a coroutine is resumed, the nucleus's stack
// is left by a jump. So each benchmark tells both: `cycles` is all of an operation; `machine` its crossings,
// each of which costs what leaving user mode for nothing does (measured right before, and as
// host.machine.crossing); `software` the difference, what the nucleus did.
#include "arch/host/session.hpp"
#include "bench/host/alone.hpp"
#include "bench/host/meter.hpp"

#include <machine/call_entry.hpp>

#include <stdexcept>
#include <vector>

namespace chorale::bench {

namespace {

using namespace host;

constexpr unsigned operations = 512;

struct Crossing : LeaveUserMode {
    [[nodiscard]] long await_resume() const { return K_OK; }
};

// A batch is a coroutine that says how many counts its operations took, and sets `ok` to false when one
// failed.
using Batch = std::function<Task<u64>(bool& ok)>;

// `start()` gives what is awaited, one call; `good(result)` looks at what came back.
template <class Start, class Good>
[[nodiscard]] Task<u64> batch_of(Start start, Good good, bool& ok) {
    const u64 begin = counter().read();
    for (unsigned i = 0; i != operations; ++i) {
        const auto result = co_await start();
        ok = good(result) && ok;
    }
    co_return counter().read() - begin;
}

[[nodiscard]] bool is_ok(long result) { return result == K_OK; }

[[nodiscard]] Task<u64> crossings(bool& ok) {
    return batch_of([] { return Crossing{{{TrapKind::pause}}}; }, is_ok, ok);
}

[[nodiscard]] Task<u64> null_calls(bool& ok) {
    return batch_of([] { return call(Call::nullCall); }, is_ok, ok);
}

[[nodiscard]] Task<u64> yields(bool& ok) {
    return batch_of([] { return call(Call::threadDelay, 0); }, is_ok, ok);
}

[[nodiscard]] Task<u64> round_trips(KnUniqueId port, bool& ok) {
    constexpr u64 four_words = 32;
    return batch_of([port] { return message_call(port, Words{{1, 2, 3, 4}}, four_words); },
                    [](const MessageResult& reply) { return reply.bytes() == four_words; }, ok);
}

[[nodiscard]] Task<u64> ports(bool& ok) {
    const Local<KnUniqueId> name;
    const u64 begin = counter().read();
    for (unsigned i = 0; i != operations; ++i) {
        const long li = co_await call(Call::portCreate, 0, name.at());
        ok = li > 0 && co_await call(Call::portDelete, 0, li) == K_OK && ok;
    }
    co_return counter().read() - begin;
}

// They never run: what is measured is the nucleus's part, not a program's.
[[nodiscard]] Task<u64> threads(bool& ok) {
    const Local<KnThreadLid> lid;
    const Local<KnDefaultStartInfo_f> start;
    KnDefaultStartInfo_f info{};
    info.dsType = K_DEFAULT_START_INFO;
    info.dsPrivilege = K_USERTHREAD;
    info.dsUserStackPointer = data_base.raw();
    info.dsEntry = code_base.raw();
    co_await start.set(info);
    const u64 begin = counter().read();
    for (unsigned i = 0; i != operations; ++i) {
        const long made = co_await call(Call::threadCreate, 0, lid.at(), K_INACTIVE, 0, start.at());
        const KnThreadLid thread = co_await lid.get();
        ok = made == K_OK && co_await call(Call::threadDelete, 0, thread) == K_OK && ok;
    }
    co_return counter().read() - begin;
}

// Counts of leaving user mode and coming back.
[[nodiscard]] Task<double> one_crossing() {
    constexpr int looks = 25;
    std::vector<double> batches;
    bool ok = true;
    for (int look = 0; look < looks; ++look) batches.push_back(static_cast<double>(co_await crossings(ok)));
    co_return (median(batches) - empty_batch(operations)) / operations;
}

// As measure() of meter.hpp. `crossed`: how often user mode is left in an operation.
[[nodiscard]] Task<void> measure_batches(benchmark::State& state, unsigned crossed, const Batch& batch) {
    const double machine = co_await one_crossing() * crossed;
    Figures figures{operations, empty_batch(operations)};
    bool ok = true;
    co_await batch(ok); // not counted, as in measure()
    while (ok && state.KeepRunningBatch(operations)) {
        const u64 counts = co_await batch(ok);
        state.SetIterationTime(figures.take(counts));
    }
    if (!ok) {
        state.SkipWithError("a call failed");
        co_return;
    }
    figures.report(state);
    if (crossed == 0) co_return;
    state.counters["machine"] = machine;
    state.counters["software"] = state.counters["cycles"] - machine;
}

// ---- with somebody else --------------------------------------------------------------------------

[[nodiscard]] Task<void> serve(int li) {
    MessageResult message = co_await message_receive(li);
    while (message.size >= 0) message = co_await message_reply_receive(li, message.words, 32);
}

[[nodiscard]] Task<void> yield_for_ever() {
    while (co_await call(Call::threadDelay, 0) == K_OK) {
    }
}

[[nodiscard]] Task<unsigned> own_priority() {
    const Local<KnFifoThParms> own;
    co_await call(Call::threadScheduler, 0, K_MYSELF, own.at(), 0);
    const KnFifoThParms found = co_await own.get();
    co_return found.fifoPriority;
}

// Another actor, with a thread that answers at a port of its own.
[[nodiscard]] Task<void> measure_messages(benchmark::State& state) {
    const KnCap server = co_await create_actor();
    KnUniqueId port{};
    const auto li = static_cast<int>(co_await create_port(server, port));
    const long thread =
        co_await start_thread(server, [li](u64) { return serve(li); }, {.priority = co_await own_priority()});
    if (li < 0 || thread < 0) {
        state.SkipWithError("no server could be made");
    } else {
        co_await call(Call::threadDelay, 0); // it comes to wait
        const Batch batch = [port](bool& ok) { return round_trips(port, ok); };
        co_await measure_batches(state, 2, batch);
    }
    co_await delete_actor(server);
}

// Two threads of two actors, in turns.
[[nodiscard]] Task<void> measure_turns(benchmark::State& state) {
    const KnCap other = co_await create_actor();
    const long thread = co_await start_thread(other, [](u64) { return yield_for_ever(); },
                                              {.priority = co_await own_priority()});
    if (thread < 0) {
        state.SkipWithError("no other thread could be made");
    } else {
        const Batch batch = yields;
        co_await measure_batches(state, 2, batch);
    }
    co_await delete_actor(other);
}

// ---- as Google Benchmark sees them ---------------------------------------------------------------

void run_scenario(benchmark::State& state, const std::function<Task<void>(benchmark::State&)>& scenario) {
    if (host::run([&](u64) { return scenario(state); }) != Outcome::finished)
        throw std::runtime_error{"a scenario did not come to its end"};
}

void add_calls(const std::string& name, unsigned crossed, Batch batch) {
    add(name, [crossed, batch = std::move(batch)](benchmark::State& state) {
        run_scenario(state, [&](benchmark::State& of) { return measure_batches(of, crossed, batch); });
    });
}

} // namespace

void add_benchmarks() {
    static Alone engine;
    Settings settings;
    settings.cpus = 1;
    settings.console = false;
    host::boot(settings, engine);
    add_calls("host.machine.crossing", 0, crossings);
    add_calls("host.call.null", 1, null_calls);
    add_calls("host.call.yield", 1, yields);
    add_calls("host.call.port_create_delete", 2, ports);
    add_calls("host.call.thread_create_delete", 2, threads);
    add("host.call.yield_to_other", [](benchmark::State& state) { run_scenario(state, measure_turns); });
    add("host.ipc.call_reply.fast", [](benchmark::State& state) { run_scenario(state, measure_messages); });
    add("host.ipc.call_reply.slow", [](benchmark::State& state) {
        machine::use_call_entry(CallEntry::slow);
        run_scenario(state, measure_messages);
        machine::use_call_entry(CallEntry::fast);
    });
}

} // namespace chorale::bench
