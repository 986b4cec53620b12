// The driver: three actors with the threads of the script, which make its calls; and a root that deletes them
// all, at a moment that the script says. Whoever waits for ever by then is freed by that.
#include "fuzz/calls_run.hpp"

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "fuzz/calls_check.hpp"
#include "fuzz/calls_schedule.hpp"
#include "fuzz/calls_supervisor.hpp"
#include "fuzz/calls_values.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "kernel/mem/page_account.hpp"
#include "kernel/supervisor/handler.hpp"
#include "tests/machine/watch.hpp"

#include <machine/user_access.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

namespace chorale::fuzz {

namespace {

using host::Task;

constexpr u64 own_actors = 3;
constexpr unsigned begin_limit = 32; // threads that scripts start may start threads
constexpr u64 machine_memory = u64{8} << 20;
constexpr unsigned repeat_limit = 300; // no table of an actor is longer
constexpr unsigned steps_per_look = 200;
constexpr unsigned free_lines = 3;  // of devices; the other one is the console's
constexpr u64 patience = 4'000'000; // steps

struct Run {
    const Script* script{};
    bool trace{};
    std::vector<std::vector<const Operation*>> lists;
    Pools pools;
    std::vector<KnCap> actors; // that the driver made
    unsigned begun{}, progress{};
    bool supervised{}; // some of it is done in supervisor mode
    bool ending{};     // whoever is in supervisor mode goes home
    Supervision supervision;
    std::map<const Operation*, u64> entries; // of each special_enter
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

[[nodiscard]] Prepared prepare(Run& run, unsigned list, const Operation& operation, VirtAddr system_stack) {
    Prepared made{&call_of(operation.number), {}};
    Values values{run.pools, list, system_stack};
    std::string text = std::string{made.info->name} + "(", told;
    for (unsigned i = 0; i < made.info->count(); ++i) {
        made.arguments[i] =
            values.make(made.info->arguments[i], i, operation.choices[i], run.trace ? &told : nullptr);
        if (run.trace) text += (i == 0 ? "" : ", ") + told;
    }
    if (supervising()) make_bearable(operation.number, made.arguments, run.pools, system_stack);
    if (run.trace) say(run, list, supervising() ? "S>" : ">", text + ")");
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
        if (type == "KnLapDesc") keep(run.pools.laps, at);
        if (type == "CpuIntrId") keep(run.pools.interrupts, at);
        if (type == "VmAddr") keep(run.pools.pages, at);
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
    const u64 abortable = supervising() ? MESSAGE_ABORTABLE : 0; // it must be possible to bring it home
    host::MessageOperation made{{{host::TrapKind::call}}, 0, 0, 0, {}, {}};
    for (unsigned i = 0; i < 8; ++i) made.words.word[i] = operation.choices[2] + i;
    if (operation.number == MESSAGE_RECEIVE) {
        made.control = MESSAGE_CONTROL(u64{MESSAGE_RECEIVE}, u64{0}) |
                       ((operation.choices[1] >> 8 & 1) != 0 ? MESSAGE_ABORTABLE : 0) | abortable;
        made.name = arguments[1];
        made.tail = arguments[2];
        made.descriptor = VirtAddr{operation.choices[2] >> 30 == 0 ? 0 : arguments[0]};
    } else {
        made.control = MESSAGE_CONTROL(u64{operation.number}, u64{0}) | arguments[1] | abortable;
        made.name = arguments[0];
        made.descriptor = VirtAddr{operation.choices[2] >> 30 == 0 ? 0 : arguments[2]};
    }
    if (operation.number == MESSAGE_CALL || operation.number == MESSAGE_SEND) {
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

// What is done in supervisor mode only.
[[nodiscard]] Task<long> supervisor_special(Run& run, const Prepared& call, const Operation& operation) {
    const auto& arguments = call.arguments;
    const Choice choice{operation.choices[0]};
    switch (operation.number) {
    case special_start:
        co_return co_await start_in_supervisor_mode(
            run.pools.programs[arguments[0] % run.pools.programs.size()], 92 + arguments[1] % 16);
    case special_invoke:
        co_return co_await invoke(run.pools, choice, arguments[1]);
    case special_copy:
        co_return copy_at_thread_level(arguments[0], arguments[1], arguments[2]);
    default:
        co_return K_OK;
    }
}

[[nodiscard]] Task<long> special(const Prepared& call, const Operation& operation, Fpu& fpu) {
    const auto& arguments = call.arguments;
    switch (operation.number) {
    case special_pause:
        co_await host::pause();
        break;
    case special_fpu: // in supervisor mode there are none
        if (!supervising()) co_await use_fpu(fpu, operation.choices[0] % fpu.size(), arguments[0]);
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
    case special_line:
        host::raise_line(static_cast<unsigned>(arguments[0] % free_lines));
        break;
    default:
        break;
    }
    co_return K_OK;
}

// Whoever may end the system does so: nothing to learn from that.
[[nodiscard]] bool ends_system(unsigned number) {
    const bool may = number == static_cast<unsigned>(host::Call::sysReboot) ||
                     number == static_cast<unsigned>(host::Call::sysWatchdog) ||
                     number == static_cast<unsigned>(host::Call::svSysPanic);
    return may && (supervising() || this_cpu().current->actor->privilege != K_USERACTOR);
}

[[nodiscard]] bool is_message(unsigned number) {
    return number == MESSAGE_CALL || number == MESSAGE_REPLY_RECEIVE || number == MESSAGE_SEND ||
           number == MESSAGE_RECEIVE;
}

// What stands above the last byte are a message's flags.
[[nodiscard]] bool looks_like_message(u64 number) { return is_message(number & 0xff); }

[[nodiscard]] bool is_physical(unsigned number) {
    return supervising() && (number == static_cast<unsigned>(host::Call::svPhysAlloc) ||
                             number == static_cast<unsigned>(host::Call::svPhysFree));
}

[[nodiscard]] Task<long> any_number(const Prepared& call) {
    const u64 number = 256 + call.arguments[0] % (u64{1} << 55);
    const auto& a = call.arguments;
    const std::array<u64, 6> given{a[1], a[2], a[3], a[4], a[5]};
    const bool foreign = number % 2 != 0 || looks_like_message(number);
    co_return co_await (foreign ? host::foreign_call(number, given) : host::raw_call(number, given));
}

[[nodiscard]] Task<void> perform(Run& run, unsigned list, const Operation& operation, Fpu& fpu,
                                 VirtAddr system_stack = {}) {
    const Prepared call = prepare(run, list, operation, system_stack);
    const unsigned number = operation.number;
    long result;
    if (is_message(number)) {
        result = co_await message(call, operation);
    } else if (number == special_number) {
        result = co_await any_number(call);
    } else if (number == special_enter && run.entries.contains(&operation) && !supervising()) {
        result = co_await enter_supervisor_mode(run.supervision, run.entries.at(&operation));
    } else if (number > special_enter && number < special_line && call.info->number == number) {
        if (!supervising()) co_return;
        result = co_await supervisor_special(run, call, operation);
    } else if (number >= special_pause && call.info->number == number) {
        result = co_await special(call, operation, fpu);
    } else if (ends_system(number) || looks_like_message(number)) {
        co_return;
    } else if (is_physical(number)) {
        const bool frees = number == static_cast<unsigned>(host::Call::svPhysFree);
        const Choice choice{operation.choices[0]};
        result = co_await (frees ? free_physical(run.pools, choice) : allocate_physical(run.pools, choice));
    } else {
        result = co_await host::raw_call(number, call.arguments);
    }
    finish(run, list, call, result);
}

// Of the list's operations those from `begin` to `end`, in whatever mode the thread is.
[[nodiscard]] Task<void> work_through(Run& run, unsigned list, std::size_t begin, std::size_t end,
                                      VirtAddr system_stack = {}) {
    Fpu fpu{};
    unsigned times = 1;
    const std::vector<const Operation*>& operations = run.lists[list];
    // Code in supervisor mode whose thread is to end lets it go home.
    const auto goes_on = [&run] {
        return !supervising() || (!run.ending && !this_cpu().current->has(flag_dying));
    };
    for (std::size_t i = begin; i < end && i < operations.size() && goes_on(); ++i) {
        const Operation& operation = *operations[i];
        for (; times > 1 && goes_on(); --times) co_await perform(run, list, operation, fpu, system_stack);
        co_await perform(run, list, operation, fpu, system_stack);
        ++run.progress;
        if (operation.number == special_repeat) times = 1 + operation.choices[0] % repeat_limit;
        // Those have been made in supervisor mode.
        if (operation.number == special_enter && !supervising() && run.supervised) i += entered(operation);
    }
}

[[nodiscard]] Task<void> work(Run& run, unsigned list) {
    if (++run.begun > begin_limit) co_return;
    co_await work_through(run, list, 0, run.lists[list].size());
}

[[nodiscard]] Task<void> supervise(Run& run, unsigned list, std::size_t begin, std::size_t end) {
    if (++run.supervision.entered > entry_limit || host::free_system_stack() < sizeof(Scratch)) co_return;
    host::Local<Scratch> scratch;
    co_await work_through(run, list, begin, end, scratch.at());
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

// Programs for supervisor mode: each list, and what follows each special_enter.
void add_entries(Run& run) {
    for (unsigned list = 0; list < run.lists.size(); ++list) {
        const auto program = [&run, list](std::size_t begin, std::size_t end) {
            return host::supervisor_entry(
                [&run, list, begin, end](u64) { return supervise(run, list, begin, end); });
        };
        const std::vector<const Operation*>& operations = run.lists[list];
        run.pools.programs.push_back(program(0, operations.size()));
        for (std::size_t i = 0; i < operations.size(); ++i) {
            if (operations[i]->number != special_enter) continue;
            run.entries[operations[i]] = program(i + 1, i + 1 + entered(*operations[i]));
        }
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

struct Visitor {
    KnCap actor;
    KnThreadLid thread;
};

// Threads that are in a LAP or in a handler.
[[nodiscard]] std::vector<Visitor> visitors() {
    std::vector<Visitor> found;
    for (unsigned i = 0; i < actor_limit; ++i) {
        Actor* const actor = actor_at(i);
        if (actor == nullptr) continue;
        actor->tables.with([&](Actor::Tables& tables) {
            for (const Thread* const thread : tables.threads) {
                if (thread == nullptr) continue;
                if (in_handler(*thread) || thread->invocations.frames.load() != nullptr)
                    found.push_back({actor->capability, thread->lid});
            }
        });
    }
    return found;
}

// An actor's deletion waits for its threads that are in LAPs of others, and for others in its own. It aborts
// them once; what they do then is not the nucleus's business.
[[nodiscard]] Task<void> bring_home(Run& run) {
    constexpr unsigned rounds = 200;
    constexpr u64 pause = 50'000;
    run.ending = true;
    for (unsigned round = 0;; ++round) {
        const std::vector<Visitor> all = visitors();
        if (all.empty()) break;
        must(round < rounds, "threads in supervisor mode come home when they are aborted");
        for (const Visitor& visitor : all) {
            host::Local<KnCap> actor;
            co_await actor.set(visitor.actor);
            static_cast<void>(co_await host::call(host::Call::threadAbort, actor.at(), visitor.thread));
        }
        static_cast<void>(co_await host::sleep(pause));
    }
}

// Whoever deletes an actor does so even when it is deleted itself: what it does may take longer than it
// lives.
[[nodiscard]] bool alone() { return live_actors() == own_actors && live_threads() == 1; }

// The nucleus's, root's, and that of the bank through which root does what it does in supervisor mode.
[[nodiscard]] bool stays(const Actor& actor) {
    return &actor == this_cpu().current->actor || &actor == &nucleus_actor() ||
           actor.capability.ui.uiHead == host::supervisor_actor().ui.uiHead;
}

// Those that the scripts made, too; nobody may know their names any more.
[[nodiscard]] Task<void> delete_everybody() {
    constexpr unsigned rounds = 200;
    constexpr u64 pause = 200'000;
    for (unsigned round = 0; !alone(); ++round) {
        must(round < rounds, "actors and threads come to their end");
        for (unsigned i = 0; i < actor_limit && live_actors() > own_actors; ++i) {
            const Actor* const actor = actor_at(i);
            if (actor == nullptr || stays(*actor)) continue;
            static_cast<void>(co_await host::delete_actor(actor->capability));
        }
        if (!alone()) static_cast<void>(co_await host::sleep(pause));
    }
}

[[nodiscard]] Task<void> root(Run& run) {
    const u64 reserve = PageAccount::reserve();
    co_await make_actors(run);
    if (run.supervised) {
        co_await make_supervision(run.supervision, run.pools);
        add_entries(run);
    }
    co_await start_threads(run);
    co_await wait_for_threads(run);
    fail_allocation_after(0);
    machine::fail_user_copy_after(0);
    PageAccount::set_reserve(reserve);
    if (run.supervised) co_await bring_home(run);
    for (unsigned i = 0; i < fuzz_actors; ++i) {
        const KnCap actor = run.actors[(i + run.script->end / 8u) % fuzz_actors];
        static_cast<void>(co_await host::delete_actor(actor));
    }
    co_await delete_everybody();
    // Nobody changes them any more.
    fail_allocation_after(0);
    machine::fail_user_copy_after(0);
    PageAccount::set_reserve(reserve);
    if (run.supervised) co_await end_supervision(run.pools);
}

[[nodiscard]] host::Lockstep& host_machine() {
    static host::Lockstep* const engine = [] {
        auto* const made = new host::Lockstep; // until the process ends
        made->set_patience(patience);
        host::boot({.cpus = fuzz_cpus, .memory = machine_memory, .console = false, .supervisor = true},
                   *made);
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
    Run run{&script, trace, {}, {}, {}, 0, 0, false, false, {}, {}};
    run.lists.resize(script.threads.size());
    for (const Operation& operation : script.operations) {
        run.lists[operation.list].push_back(&operation);
        run.supervised |= operation.number == special_enter;
    }
    const Before before = look();
    fail_allocation_after(0);
    machine::fail_user_copy_after(0);
    test::Watch watch{engine, schedule, trace ? 1u : steps_per_look};
    const host::Outcome outcome = host::run([&run](u64) { return root(run); });
    must(outcome == host::Outcome::finished, text(outcome));
    test::Findings findings = watch.findings();
    // Physical memory that a script has belongs to nobody whom the nucleus knows; at the end there is none.
    if (run.pools.physical)
        std::erase_if(findings, [](const std::string& each) { return each.ends_with("have an owner"); });
    check_findings(findings);
    check_after(before, script);
}

} // namespace chorale::fuzz
