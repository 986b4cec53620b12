// From the machine's hand-over to the first thread: what each part needs is made before it, in this order.
#include "formats/cpio.hpp"
#include "kernel/base/log.hpp"
#include "kernel/boot/command_line.hpp"
#include "kernel/call/handlers.hpp"
#include "kernel/call/table.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/console_input.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/environment.hpp"
#include "kernel/core/names.hpp"
#include "kernel/core/pull.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/main/boot_info.hpp"
#include "kernel/main/load.hpp"
#include "kernel/main/symbols.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/supervisor/system_stack.hpp"
#include "kernel/sync/wait_table.hpp"
#include "kernel/time/date.hpp"
#include "kernel/time/watchdog.hpp"
#include "kernel/trace/trace.hpp"

#include <machine/call_entry.hpp>
#include <machine/console.hpp>
#include <machine/cpu.hpp>
#include <machine/exit.hpp>
#include <machine/halt.hpp>
#include <machine/marker.hpp>
#include <machine/mmu.hpp>
#include <machine/smp.hpp>
#include <machine/timer.hpp>

#include <new>

namespace chorale {

namespace {

// About as long as halting and waking up again cost. Under emulation each spin leaves the translated code and
// costs a microsecond of a host CPU that the other CPUs may need.
constexpr u64 automatic_polling = 200'000; // nanoseconds: a few times what a halt and its end cost

std::array<PerCpu*, max_cpus> blocks;
unsigned running_cpus, found_cpus{max_cpus};
std::atomic<unsigned> usable_cpus; // set when all have been started: how many may go on
boot::BootOptions options;
formats::Bytes bank;

// Pages of their own, as many as a machine of so many CPUs wants.
[[nodiscard]] PerCpu* make_block(CpuIndex index, unsigned cpus) {
    const unsigned order = order_for(PerCpu::bytes(cpus));
    const Result<PhysAddr> memory = allocate_frames(order);
    if (!memory.ok()) return nullptr;
    zero_frames(memory.value(), order);
    PerCpu* const block = ::new (machine::direct<void>(memory.value())) PerCpu;
    block->index = index;
    block->slot = index * sizeof(PortSlot);
    require(static_cast<void*>(&block->inbox + 1) == block + 1, "the mailbox is not a CPU's last member");
    block->inbox.init(index, cpus);
    if (!init_interrupt_level(*block)) {
        free_frames(memory.value(), order);
        return nullptr;
    }
    split_frames(memory.value(), order);
    return block;
}

void free_pages_behind(PerCpu* block, uword used, unsigned cpus) {
    const PhysAddr first = machine::physical(block);
    for (uword at = round_up(used, page_size); at < order_bytes(order_for(PerCpu::bytes(cpus)));
         at += page_size)
        free_frame(first + at);
}

void print_banner(const BootInfo& info) {
    char text[256];
    log("Chorale nucleus for {}, loaded by {}", machine::name, info.loader);
    log("modules: CORE SCHED_CLASS CLASS_FIFO CLASS_RR CLASS_RT USER_MODE MEM_PROTECTED IPC ENV LOG");
    log("cpu: {}", std::string_view{text, machine::describe_cpu(text, sizeof text)});
    log("features: {}", std::string_view{text, machine::describe_features(text, sizeof text)});
    log("memory: {} MiB usable, nucleus {} KiB, bank {} KiB", info.total_memory >> 20,
        info.nucleus.size() / 1024, info.bank.size() / 1024);
}

// A key or value of any length leaves room in the line for what is wrong with it.
void report_option(const boot::CommandLineProblem& problem) {
    constexpr std::size_t shown = 64;
    log("command line: {}={}: {}{}{}", problem.key.substr(0, shown), problem.value.substr(0, shown),
        problem.message, problem.hint.empty() ? "" : ": ", problem.hint);
}

// Programs find the command line in the environment, key by key.
void publish(std::string_view line) {
    while (!line.empty()) {
        const std::size_t end = line.find(' ');
        const std::string_view word = line.substr(0, end);
        const std::size_t equals = word.find('=');
        if (equals != std::string_view::npos) {
            static_cast<void>(environment::set(word.substr(0, equals),
                                               {word.data() + equals + 1, word.size() - equals - 1}));
        }
        if (end == std::string_view::npos) return;
        line.remove_prefix(end + 1);
    }
}

void publish_number(std::string_view name, u64 value) {
    char text[24];
    const Argument argument{value};
    static_cast<void>(environment::set(name, {text, format_to(text, sizeof text, "{}", &argument, 1)}));
}

// The published tunables, as they are here: limits by which the nucleus was built, so nobody sets them.
void publish_tunables(const BootInfo& info) {
    struct Tunable {
        std::string_view name;
        u64 value;
    };
    const Tunable tunables[] = {
        {"chorusSiteId", local_site},
        {"kern.exec.maxCpuNumber", max_cpus},
        {"kern.exec.maxActorNumber", actor_limit},
        {"kern.exec.maxThreadNumber", actor_limit * (Actor::thread_limit - 1)},
        {"kern.ipc.maxActorCredits", credit_limit()},
        {"kern.exec.dflSysStackSize", SystemStack::default_size},
        {"kern.exec.dflUsrStackSize", user_stack_size},
        {"kern.exec.intrStackSize", machine::interrupt_stack_size},
        {"kern.exec.dblFltStackSize", machine::fault_stack_size},
        // Where the bank is, for the actor that serves its files.
        {"boot.bank.address", info.bank_frames.begin.raw()},
        {"boot.bank.size", info.bank.size()},
    };
    for (const Tunable& each : tunables) {
        char text[24];
        const Argument argument{each.value};
        environment::fix(each.name, {text, format_to(text, sizeof text, "{}", &argument, 1)});
    }
}

// What programs measure with, and on what.
void publish_machine() {
    char text[128];
    static_cast<void>(environment::set("counter", machine::user_counter()));
    static_cast<void>(environment::set("model", {text, machine::describe_cpu(text, sizeof text)}));
}

// Nothing runs yet that could be told.
[[noreturn]] void give_up(std::string_view reason) {
    log("boot: {}", reason);
    machine::power_off(machine::verdict_failure);
}

// What the nucleus keeps for itself, its image included.
void report_boot_memory(const BootInfo& info) {
    const FrameStatistics frames = frame_statistics();
    const u64 image_bss = info.nucleus.size(); // more than bss alone: a budget that holds for it holds
    const u64 bytes =
        image_bss + info.boot_bytes + (frames.metadata + frames.total - frames.free) * page_size;
    log("memory: {} KiB taken at boot, {} MiB free", bytes / 1024, frames.free * page_size >> 20);
    publish_number("boot.bytes", bytes);
}

void use_symbols() {
    const auto file = formats::cpio::Archive::find(bank, "nucleus.sym");
    if (file.has_value()) symbols::use(file->data);
}

[[nodiscard]] u64 polling_time(boot::Polling polling) {
    switch (polling) {
    case boot::Polling::on:
        return ~u64{0};
    case boot::Polling::off:
        return 0;
    case boot::Polling::automatic:
        break;
    }
    return automatic_polling;
}

// CPUs in the order of their numbers, without a gap: one that does not answer ends the list, and those behind
// it halt.
void start_processors() {
    const unsigned found = machine::discover_cpus(static_cast<unsigned>(options.cpus));
    found_cpus = found;
    free_pages_behind(blocks[0], PerCpu::bytes(found), max_cpus);
    unsigned wanted = 1;
    for (; wanted < found; ++wanted) {
        blocks[wanted] = make_block(wanted, found);
        if (blocks[wanted] == nullptr) {
            log("cpus: no memory for CPU {}", wanted);
            break;
        }
        free_pages_behind(blocks[wanted], PerCpu::bytes(found), found);
    }
    running_cpus = wanted;
    init_ports(wanted);
    init_calls();
    use_untraced_entry(options.fastpath ? CallEntry::fast : CallEntry::slow);
    const u64 started = machine::start_cpus(wanted, blocks.data());
    const auto contiguous = static_cast<unsigned>(std::countr_one(started));
    running_cpus = contiguous;
    for (CpuIndex cpu = 0; contiguous > 1 && cpu < contiguous; ++cpu) start_pulling(*blocks[cpu]);
    // release: the secondaries see everything that was made for them
    usable_cpus.store(contiguous, std::memory_order_release);
    log("cpus: {} running, {} found", contiguous, found);
}

} // namespace

PerCpu& cpu_at(CpuIndex index) { return *blocks[index]; }
unsigned cpu_count() { return running_cpus; }
unsigned known_cpus() { return found_cpus; }

void nucleus_main(const BootInfo& info) {
    bank = info.bank;
    options = boot::parse_command_line(info.command_line, [](const boot::CommandLineProblem&) {});
    machine::select_console(static_cast<machine::ConsolePort>(options.console));
    print_banner(info);
    static_cast<void>(boot::parse_command_line(
        info.command_line, [](const boot::CommandLineProblem& problem) { report_option(problem); }));
    use_symbols();
    initialise_frames(info.memory->usable());
    if (options.credits != 0) set_credit_limit(static_cast<u32>(options.credits));
    if (options.fail_allocation != 0) fail_allocation_after(options.fail_allocation);
    blocks[0] = make_block(0, max_cpus); // how many there are is not known yet
    if (blocks[0] == nullptr) give_up("no memory for the first CPU");
    running_cpus = 1;
    machine::set_cpu_block(blocks[0], 0);
    start_cpu_caches();
    init_names(machine::random_seed(), machine::random_seed());
    if (const u64 now = machine::calendar(); now != 0) date().set(machine::now(), now);
    init_wait_table(make_key());
    set_idle_polling(polling_time(options.poll));
    start_processors();
    init_supervisor_space();
    if (!init_actors()) give_up("no memory for the nucleus's own actor");
    publish_tunables(info);
    publish(info.command_line);
    publish_number("cpus", cpu_count());
    publish_machine();
    init_console_input();
    watch_startup();
    report_boot_memory(info);
    const Loaded loaded = load_bank(bank, options.run);
    log("{} boot actors", loaded.running);
    if (loaded.running == 0) give_up("nothing to run: the bank has no actor that could be loaded");
    if (!loaded.as_wanted) give_up("not all that run= names could be loaded");
    console_defer([] { this_cpu().pending |= pending_console; });
    machine::marker<machine::Marker::first_user>();
    begin_metering(this_cpu());
    machine::on_cpu_stack([] { leave(); });
}

void nucleus_secondary() {
    // acquire: pairs with the release in start_processors()
    while (usable_cpus.load(std::memory_order_acquire) == 0) machine::relax();
    if (this_cpu().index >= usable_cpus.load(std::memory_order_acquire)) machine::halt(); // acquire: as above
    machine::on_cpu_stack([] { leave(); });
}

} // namespace chorale
