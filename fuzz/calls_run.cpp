// The driver: three actors with the threads of the script, which make its calls; and a root that deletes them
// all, at a moment that the script says. Whoever waits for ever by then is freed by that.
#include "fuzz/calls_run.hpp"

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "fuzz/calls_check.hpp"
#include "fuzz/calls_schedule.hpp"
#include "fuzz/calls_values.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "tests/machine/watch.hpp"

#include <machine/user_access.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace chorale::fuzz {

namespace {

using host::Task;

constexpr unsigned begin_limit = 32; // threads that scripts start may start threads
constexpr u64 machine_memory = u64{8} << 20;
constexpr unsigned repeat_limit = 300; // no table of an actor is longer
constexpr unsigned steps_per_look = 200;
constexpr u64 patience = 4'000'000; // steps

struct Run {
    const Script* script{};
    bool trace{};
    std::vector<std::vector<const Operation*>> lists;
    Pools pools;
    std::vector<KnCap> actors; // that the driver made
    unsigned begun{}, progress{};
};

struct Prepared {
    const CallInfo* info{};
    std::array<u64, argument_limit> arguments{};
};

// ---- a call ----------------------------------------------------------------------------------------------

void say(const Run& run, unsigned list, const char* what, const std::string& text) {
    if (!run.trace) return;
    const Thread& self = *this_cpu().current;
    std::printf("cpu %u list %u thread %d %s %s\n", this_cpu().index, list, self.lid, what, text.c_str());
    std::fflush(stdout);
}

[[nodiscard]] Prepared prepare(Run& run, unsigned list, const Operation& operation) {
    Prepared made{&call_of(operation.number), {}};
    Values values{run.pools, list};
    std::string text = std::string{made.info->name} + "(", told;
    for (unsigned i = 0; i < made.info->count(); ++i) {
        made.arguments[i] =
            values.make(made.info->arguments[i], i, operation.choices[i], run.trace ? &told : nullptr);
        if (run.trace) text += (i == 0 ? "" : ", ") + told;
    }
    if (run.trace) say(run, list, ">", text + ")");
    return made;
}

template <class T>
void keep(std::vector<T>& pool, u64 at, std::size_t limit = 24) {
    T value{};
    if (!machine::user_read(&value, VirtAddr{at}, sizeof value) || pool.size() >= limit) return;
    pool.push_back(value);
}

// What the call returned may be an argument of others.
void collect(Run& run, const Prepared& call, long result) {
    if (result < 0) return;
    constexpr std::size_t most = 64;
    if (result > 0 && result < 256 && run.pools.locals.size() < most)
        run.pools.locals.push_back(static_cast<int>(result));
    for (unsigned i = 0; i < call.info->count(); ++i) {
        const chorus::ArgumentInfo& info = call.info->arguments[i];
        const std::string_view type{info.type};
        const u64 at = call.arguments[i];
        if (info.direction == chorus::Direction::inout && type == "KnRgnDesc") keep(run.pools.regions, at);
        if (info.direction != chorus::Direction::out) continue;
        if (type == "KnCap") keep(run.pools.actors, at);
        if (type == "KnUniqueId") keep(run.pools.ports, at);
        if (type == "KnThreadLid") keep(run.pools.locals, at);
    }
}

void finish(Run& run, unsigned list, const Prepared& call, long result) {
    if (run.trace) say(run, list, "<", std::string{call.info->name} + " = " + std::to_string(result));
    check_result(*call.info, result);
    collect(run, call, result);
}

// ---- what is no ordinary call ----------------------------------------------------------------------------

[[nodiscard]] Task<long> message(const Prepared& call, const Operation& operation) {
    const auto& arguments = call.arguments;
    host::MessageOperation made{{{host::TrapKind::call}}, 0, 0, 0, {}, {}};
    for (unsigned i = 0; i < 8; ++i) made.words.word[i] = operation.choices[2] + i;
    if (operation.number == MESSAGE_RECEIVE) {
        made.control = MESSAGE_CONTROL(u64{MESSAGE_RECEIVE}, u64{0}) |
                       ((operation.choices[1] >> 8 & 1) != 0 ? MESSAGE_ABORTABLE : 0);
        made.name = arguments[1];
        made.tail = arguments[2];
        made.descriptor = VirtAddr{operation.choices[2] >> 30 == 0 ? 0 : arguments[0]};
    } else {
        made.control = MESSAGE_CONTROL(u64{operation.number}, u64{0}) | arguments[1];
        made.name = arguments[0];
        made.descriptor = VirtAddr{operation.choices[2] >> 30 == 0 ? 0 : arguments[2]};
    }
    if (operation.number == MESSAGE_CALL) {
        KnUniqueId port{};
        static_cast<void>(machine::user_read(&port, VirtAddr{arguments[0]}, sizeof port));
        made.name = port.uiHead;
        made.tail = port.uiTail;
    }
    const host::MessageResult result = co_await made;
    co_return result.bytes();
}

[[nodiscard]] Task<void> touch(u64 address, bool write) {
    if (write) {
        co_await host::store<u64>(VirtAddr{address}, address);
    } else {
        static_cast<void>(co_await host::load<u64>(VirtAddr{address}));
    }
}

// What a thread has in its floating-point registers.
using Fpu = std::array<u64, sizeof(host::Cpu::fpu) / sizeof(u64)>;

// They are the thread's own, whoever used the CPU's meanwhile.
[[nodiscard]] Task<void> use_fpu(Fpu& own, unsigned which, u64 value) {
    u64* const registers = co_await host::use_fpu();
    must(std::equal(own.begin(), own.end(), registers), "floating-point registers keep their contents");
    own[which] = registers[which] = value;
}

[[nodiscard]] Task<long> special(const Prepared& call, const Operation& operation, Fpu& fpu) {
    const auto& arguments = call.arguments;
    switch (operation.number) {
    case special_pause:
        co_await host::pause();
        break;
    case special_fpu:
        co_await use_fpu(fpu, operation.choices[0] % fpu.size(), arguments[0]);
        break;
    case special_touch:
        co_await touch(arguments[0], arguments[1] % 2 != 0);
        break;
    case special_fail_allocation:
        fail_allocation_after(arguments[0]);
        break;
    case special_fail_copy:
        machine::fail_user_copy_after(arguments[0]);
        break;
    default:
        break;
    }
    co_return K_OK;
}

// Whoever may end the system does so: nothing to learn from that.
[[nodiscard]] bool ends_system(unsigned number) {
    const bool may = number == static_cast<unsigned>(host::Call::sysReboot) ||
                     number == static_cast<unsigned>(host::Call::sysWatchdog);
    return may && this_cpu().current->actor->privilege != K_USERACTOR;
}

[[nodiscard]] bool is_message(unsigned number) {
    return number == MESSAGE_CALL || number == MESSAGE_REPLY_RECEIVE || number == MESSAGE_RECEIVE;
}

// What stands above the last byte are a message's flags.
[[nodiscard]] bool looks_like_message(u64 number) { return is_message(number & 0xff); }

[[nodiscard]] Task<void> perform(Run& run, unsigned list, const Operation& operation, Fpu& fpu) {
    const Prepared call = prepare(run, list, operation);
    long result;
    if (is_message(operation.number)) {
        result = co_await message(call, operation);
    } else if (operation.number == special_number) {
        const u64 number = 256 + call.arguments[0] % (u64{1} << 55);
        const auto& a = call.arguments;
        result = looks_like_message(number) ? K_ENOTIMP
                                            : co_await host::raw_call(number, {a[1], a[2], a[3], a[4], a[5]});
    } else if (operation.number >= special_pause && call.info->number == operation.number) {
        result = co_await special(call, operation, fpu);
    } else if (ends_system(operation.number) || looks_like_message(operation.number)) {
        co_return;
    } else {
        result = co_await host::raw_call(operation.number, call.arguments);
    }
    finish(run, list, call, result);
}

[[nodiscard]] Task<void> work(Run& run, unsigned list) {
    if (++run.begun > begin_limit) co_return;
    Fpu fpu{};
    unsigned times = 1;
    for (const Operation* operation : run.lists[list]) {
        for (; times > 1; --times) co_await perform(run, list, *operation, fpu);
        co_await perform(run, list, *operation, fpu);
        ++run.progress;
        if (operation->number == special_repeat) times = 1 + operation->choices[0] % repeat_limit;
    }
}

// ---- the root --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> make_actors(Run& run) {
    for (unsigned i = 0; i < fuzz_actors; ++i) {
        const KnCap actor = co_await host::create_actor();
        const Result<Actor*> made = find_actor(actor);
        must(made.ok(), "there is memory for an actor again");
        run.actors.push_back(actor);
        run.pools.actors.push_back(actor);
        run.pools.ports.push_back(made.value()->default_port->ui);
        KnUniqueId port{};
        must(co_await host::create_port(actor, port) > 0, "there is memory for a port again");
        run.pools.ports.push_back(port);
    }
}

[[nodiscard]] Task<void> start_threads(Run& run) {
    const std::vector<ThreadSetup>& threads = run.script->threads;
    const unsigned first = host::program_count();
    for (unsigned list = 0; list < threads.size(); ++list)
        run.pools.entries.push_back((host::code_base + (first + list) * host::program_spacing).raw());
    for (unsigned list = 0; list < threads.size(); ++list) {
        const auto [actor, cpu, priority] = threads[list];
        // Some better, some worse than root.
        const host::ThreadSettings settings{cpu, 92 + priority % 16u, list};
        const long made = co_await host::start_thread(
            run.actors[actor], [&run, list](u64) { return work(run, list); }, settings);
        must(made > 0 || run.begun != 0, "there is memory for a thread again");
    }
}

[[nodiscard]] Task<void> wait_for_threads(const Run& run) {
    constexpr u64 times[] = {0, 1'000, 5'000, 20'000, 100'000, 500'000};
    const unsigned kind = run.script->end % 8;
    if (kind < std::size(times)) {
        if (times[kind] != 0) static_cast<void>(co_await host::sleep(times[kind]));
        co_return;
    }
    constexpr u64 long_enough = 20'000'000; // longer than most of what the scripts wait for
    for (unsigned rounds = 0, before = ~0u; rounds < 20 && before != run.progress; ++rounds) {
        before = run.progress;
        static_cast<void>(co_await host::sleep(long_enough));
    }
}

// Whoever deletes an actor does so even when it is deleted itself: what it does may take longer than it
// lives.
[[nodiscard]] bool alone() { return live_actors() == 2 && live_threads() == 1; }

// Those that the scripts made, too; nobody may know their names any more.
[[nodiscard]] Task<void> delete_everybody() {
    constexpr unsigned rounds = 200;
    constexpr u64 pause = 200'000;
    const Actor* const own = this_cpu().current->actor;
    for (unsigned round = 0; !alone(); ++round) {
        must(round < rounds, "actors and threads come to their end");
        for (unsigned i = 0; i < actor_limit && live_actors() > 2; ++i) {
            const Actor* const actor = actor_at(i);
            if (actor == nullptr || actor == own || actor == &nucleus_actor()) continue;
            static_cast<void>(co_await host::delete_actor(actor->capability));
        }
        if (!alone()) static_cast<void>(co_await host::sleep(pause));
    }
}

[[nodiscard]] Task<void> root(Run& run) {
    co_await make_actors(run);
    co_await start_threads(run);
    co_await wait_for_threads(run);
    fail_allocation_after(0);
    machine::fail_user_copy_after(0);
    for (unsigned i = 0; i < fuzz_actors; ++i) {
        const KnCap actor = run.actors[(i + run.script->end / 8u) % fuzz_actors];
        static_cast<void>(co_await host::delete_actor(actor));
    }
    co_await delete_everybody();
}

[[nodiscard]] host::Lockstep& host_machine() {
    static host::Lockstep* const engine = [] {
        auto* const made = new host::Lockstep; // until the process ends
        made->set_patience(patience);
        host::boot({.cpus = fuzz_cpus, .memory = machine_memory, .console = false}, *made);
        return made;
    }();
    return *engine;
}

[[nodiscard]] const char* text(host::Outcome outcome) {
    switch (outcome) {
    case host::Outcome::finished:
        return "finished";
    case host::Outcome::stuck:
        return "stuck: it has not finished, and nothing will ever happen again";
    case host::Outcome::endless:
        return "endless";
    case host::Outcome::stopped:
        return "stopped: the nucleus ended the machine";
    }
    return "";
}

} // namespace

void run(const Script& script, bool trace) {
    host::Lockstep& engine = host_machine();
    Schedule schedule{script.schedule, script.pace, script.seed};
    Run run{&script, trace, {}, {}, {}, 0, 0};
    run.lists.resize(script.threads.size());
    for (const Operation& operation : script.operations) run.lists[operation.list].push_back(&operation);
    const Before before = look();
    fail_allocation_after(0);
    machine::fail_user_copy_after(0);
    test::Watch watch{engine, schedule, trace ? 1u : steps_per_look};
    const host::Outcome outcome = host::run([&run](u64) { return root(run); });
    must(outcome == host::Outcome::finished, text(outcome));
    check_findings(watch.findings());
    check_after(before, script);
}

} // namespace chorale::fuzz
