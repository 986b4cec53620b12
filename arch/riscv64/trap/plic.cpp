// A line is masked by priority 0, which is one store to a register of its own, so that no lock is needed. It
// stays claimed from its interrupt to irq_unmask(): the gateway holds back further requests until the claim
// is completed. Every line is treated as level-triggered: the PLIC does not tell, and edges that come
// meanwhile are its to remember. Invariant: a claim is completed through the context that made it while the
// line is enabled there; a completion from elsewhere is ignored, and the line dead.
#include "arch/riscv64/trap/plic.hpp"

#include "arch/riscv64/cpu/device_io.hpp"
#include "arch/riscv64/platform/device_window.hpp"
#include "arch/riscv64/platform/firmware.hpp"
#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/core/per_cpu.hpp"

#include <atomic>

namespace chorale::machine {

namespace {

using boot::device_tree::Plic;

constexpr unsigned largest_source = 1023, word_bits = 32;
constexpr u32 largest_context = 15871;
constexpr u64 enables_base = 0x2000, enables_bytes = 0x80, contexts_base = 0x20'0000, context_bytes = 0x1000;
constexpr u32 cause_supervisor_external = 9;
enum ContextRegister : unsigned { threshold = 0, claim_complete = 1 };

struct Context {
    volatile u32* enables;
    volatile u32* registers;
};

constinit volatile u32* priorities = nullptr;
constinit unsigned lines = 0;
constinit Context contexts[max_cpus]{}; // by position
constinit HartPositions positions{};
constinit unsigned context_count = 0;
constinit u8 position_of[max_cpus]{}; // by CPU, once it was started
struct Line {
    std::atomic<u8> holder; // 1 + position of the context that claimed it and has not completed it; 0: none
    u8 enabled_at;          // 1 + position of the context where it is enabled; 0: none. Under the lock.
};
constinit Line line_states[largest_source + 1]{};
constinit SpinLock access{}; // enable words, and completions, which depend on them

void mask(unsigned line) { write_device(priorities + line, u32{0}); }

void set_enabled(unsigned position, unsigned line, bool on) {
    volatile u32* word = contexts[position].enables + line / word_bits;
    const u32 bit = u32{1} << line % word_bits;
    const u32 others = read_device(word) & ~bit;
    write_device(word, on ? others | bit : others);
}

// With the lock held.
void complete(unsigned line) {
    Line& state = line_states[line];
    // acquire: pairs with the release in claim(): the claim was read before it is completed
    const u8 holder = state.holder.exchange(0, std::memory_order_acquire);
    if (holder == 0) return;
    // The line may have moved away while the claim was under way.
    const bool moved = holder != state.enabled_at;
    if (moved) {
        mask(line);
        set_enabled(holder - 1u, line, true);
    }
    write_device(contexts[holder - 1].registers + claim_complete, u32{line});
    if (moved) set_enabled(holder - 1u, line, false);
}

bool start_cpu(CpuIndex cpu) {
    const auto position = positions.find(cpu);
    if (!position.has_value()) return false;
    position_of[cpu] = static_cast<u8>(*position);
    write_device(contexts[*position].registers + threshold, u32{0}); // every priority but 0 comes through
    return true;
}

unsigned claim() {
    const u8 position = position_of[this_cpu().index];
    const u32 line = read_device(contexts[position].registers + claim_complete);
    if (line == 0 || line >= lines) return 0;
    // release: pairs with the acquire in complete()
    line_states[line].holder.store(static_cast<u8>(position + 1), std::memory_order_release);
    return line;
}

void unmask(unsigned line) {
    access.lock();
    complete(line);
    finish_device_accesses();
    access.unlock();
    write_device(priorities + line, u32{1});
}

// Whether the line is there: its priority can be set, and taken back.
[[nodiscard]] bool wired(unsigned line) {
    write_device(priorities + line, u32{1});
    const bool set = read_device(priorities + line) != 0;
    mask(line);
    return set && read_device(priorities + line) == 0;
}

bool attach(unsigned line, CpuIndex target) {
    const auto position = positions.find(target);
    if (line == 0 || !position.has_value()) return false;
    Line& state = line_states[line];
    access.lock();
    mask(line);
    const bool there = state.enabled_at != 0 || wired(line); // enabled nowhere, it cannot come meanwhile
    if (there) {
        complete(line);
        if (state.enabled_at != 0) set_enabled(state.enabled_at - 1u, line, false);
        set_enabled(*position, line, true);
        state.enabled_at = static_cast<u8>(*position + 1);
    }
    finish_device_accesses();
    access.unlock();
    return there;
}

void add_context(const Plic& found, const boot::device_tree::Context& context) {
    const auto* hart = find_hart(context.controller);
    if (context.cause != cause_supervisor_external || hart == nullptr || context_count == max_cpus) return;
    const u64 registers = contexts_base + context_bytes * context.index;
    Context made{};
    if (context.index <= largest_context) {
        made.enables =
            map_registers<u32>(found.registers, enables_base + enables_bytes * context.index, enables_bytes);
        made.registers = map_registers<u32>(found.registers, registers, (claim_complete + 1) * sizeof(u32));
    }
    if (made.enables == nullptr || made.registers == nullptr) {
        return log("irq: context {} of the PLIC, for hart {}, lies beyond its registers", context.index,
                   hart->hart);
    }
    for (unsigned word = 0; word <= (lines - 1) / word_bits; ++word)
        write_device(made.enables + word, u32{0});
    if (positions.add(hart->hart, context_count)) contexts[context_count++] = made;
}

[[nodiscard]] bool start(const Plic& found) {
    const unsigned sources = found.sources <= largest_source ? found.sources : largest_source;
    priorities = map_registers<u32>(found.registers, 0, (sources + 1) * sizeof(u32));
    if (sources == 0 || priorities == nullptr) {
        log("irq: the PLIC at {} has no sources that can be reached", Hex{found.registers.begin});
        return false;
    }
    lines = sources + 1;
    for (unsigned line = 1; line < lines; ++line) mask(line);
    for (const auto& context : found.contexts.all()) add_context(found, context);
    if (context_count == 0)
        log("irq: the PLIC at {} has no context for supervisor mode", Hex{found.registers.begin});
    return context_count != 0;
}

constinit Controller plic{"PLIC", 0, 0, start_cpu, claim, attach, mask, unmask};

} // namespace

const Controller* plic_start() {
    for (const Plic& found : firmware().plics.all()) {
        if (plic.lines != 0) {
            log("irq: the PLIC at {} is not used: one is", Hex{found.registers.begin});
        } else if (start(found)) {
            plic.phandle = found.phandle;
            plic.lines = lines;
        }
    }
    return plic.lines == 0 ? nullptr : &plic;
}

} // namespace chorale::machine
