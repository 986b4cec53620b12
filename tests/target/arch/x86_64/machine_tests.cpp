// The machine's half of the target tests.
#include "../../machine_tests.hpp"

#include <actor/machine.hpp>
#include <chorus/message_registers.h>

extern "C" {
void load_narrow(const void* source);
void store_narrow(void* target);
void load_wide(const void* source);
void store_wide(void* target);
void set_modes(unsigned mxcsr, unsigned control);
unsigned get_mxcsr();
unsigned get_control();
unsigned enabled_state();
}

#define CHORALE_FAULTS(ENTRY)                                                                                \
    ENTRY(null_write)                                                                                        \
    ENTRY(null_call)                                                                                         \
    ENTRY(text_write)                                                                                        \
    ENTRY(data_execution)                                                                                    \
    ENTRY(nucleus_read)                                                                                      \
    ENTRY(nucleus_jump)                                                                                      \
    ENTRY(upper_half_read)                                                                                   \
    ENTRY(last_byte_read)                                                                                    \
    ENTRY(non_canonical_read)                                                                                \
    ENTRY(non_canonical_jump)                                                                                \
    ENTRY(divide)                                                                                            \
    ENTRY(undefined)                                                                                         \
    ENTRY(breakpoint)                                                                                        \
    ENTRY(halt)                                                                                              \
    ENTRY(interrupts_off)                                                                                    \
    ENTRY(port_read)                                                                                         \
    ENTRY(control_read)                                                                                      \
    ENTRY(msr_read)                                                                                          \
    ENTRY(software_interrupt)                                                                                \
    ENTRY(double_fault_vector)                                                                               \
    ENTRY(stack_overflow)                                                                                    \
    ENTRY(stack_in_nucleus)                                                                                  \
    ENTRY(stack_non_canonical)                                                                               \
    ENTRY(x87_exception)                                                                                     \
    ENTRY(single_step)                                                                                       \
    ENTRY(sysenter)                                                                                          \
    ENTRY(return_to_far_segment)
#define CHORALE_ODDITIES(ENTRY)                                                                              \
    ENTRY(direction_flag)                                                                                    \
    ENTRY(alignment_flag)                                                                                    \
    ENTRY(nested_task_flag)                                                                                  \
    ENTRY(nucleus_stack_pointer)                                                                             \
    ENTRY(non_canonical_stack_pointer)                                                                       \
    ENTRY(odd_stack_pointer)                                                                                 \
    ENTRY(data_segments)

CHORALE_FAULTS(CHORALE_DECLARE_FAULT)
CHORALE_ODDITIES(CHORALE_DECLARE_ODDITY)

namespace chorale::test {
namespace {

enum Index : unsigned { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
constexpr unsigned register_count = 16;
constexpr const char* names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                 "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr bool kept[] = {false, false, false, true,  false, true, false, false,
                         false, false, false, false, true,  true, true,  true};
constexpr std::uint64_t first_nucleus_address = 0xffff800000000000;
constexpr std::int64_t smallest_result = -128;

constexpr unsigned initial_mxcsr = 0x1f80;
constexpr unsigned initial_control = 0x037f;
constexpr std::size_t vector_words = 16 * 4;

struct VectorArea {
    std::uint64_t word[vector_words]{};
};

bool has_wide_vectors() {
    constexpr unsigned state_saving = 1U << 27, wide = 1U << 28, wide_state = 6;
    const unsigned features = machine::cpuid(1).ecx;
    return (features & state_saving) != 0 && (features & wide) != 0 &&
           (enabled_state() & wide_state) == wide_state;
}

void store_vectors(VectorArea& area) {
    if (has_wide_vectors()) {
        store_wide(&area);
    } else {
        store_narrow(&area);
    }
}

// In each register only the words that the machine has.
bool word_exists(std::size_t index) { return has_wide_vectors() || index % 4 < 2; }

} // namespace

// Two are chosen by their range, two by the low byte alone: nonsense elsewhere is an error of theirs.
bool is_message_call(std::uint64_t number) {
    if (static_cast<std::uint32_t>(number) >= MESSAGE_CALL_NUMBER) return true;
    number -= CHORUS_CALL_BASE;
    return static_cast<std::int64_t>(number) >= 0 &&
           ((number & 0xff) == MESSAGE_SEND || (number & 0xff) == MESSAGE_RECEIVE);
}

long result_of(const Registers& after) { return static_cast<long>(after.value[rax]); }

void describe_call(Registers& registers, const RawCall& call, std::uint64_t pattern) {
    for (unsigned i = 0; i < register_count; ++i) {
        registers.value[i] = pattern + i * 0x0101010101U;
    }
    registers.value[rax] = call.number;
    registers.value[rdi] = call.argument[0];
    registers.value[rsi] = call.argument[1];
    registers.value[rdx] = call.argument[2];
    registers.value[r10] = call.argument[3];
    registers.value[r8] = call.argument[4];
    registers.value[r9] = call.argument[5];
}

void describe_message_call(Registers& registers, unsigned number, unsigned size, std::uint64_t pattern) {
    describe_call(registers, {MESSAGE_CONTROL(number, size)}, pattern);
    registers.value[rbx] = 0;
}

const char* broken_by_message_call(const Registers& before, const Registers& after) {
    for (unsigned i = 0; i < register_count; ++i) {
        const bool is_kept = i == rbx || i == rbp;
        const bool is_address = after.value[i] >= first_nucleus_address &&
                                static_cast<std::int64_t>(after.value[i]) < smallest_result;
        if (is_kept ? before.value[i] != after.value[i] : is_address) {
            return names[i];
        }
    }
    return nullptr;
}

const char* broken_by_foreign_call(const Registers& before, const Registers& after) {
    for (unsigned i = 0; i < register_count; ++i) {
        const bool may_change = i == rsp || i == rax || i == rcx || i == r11;
        if (!may_change && before.value[i] != after.value[i]) return names[i];
    }
    return nullptr;
}

std::uint64_t foreign_sum(const Registers& before) { return before.value[rdi] + before.value[r9]; }

const char* broken_register(const Registers& before, const Registers& after) {
    for (unsigned i = 0; i < register_count; ++i) {
        if (i == rsp) {
            continue;
        }
        if (kept[i]
                ? before.value[i] != after.value[i]
                : after.value[i] != before.value[i] && after.value[i] >= first_nucleus_address && i != rax) {
            return names[i];
        }
    }
    // The result is an int: a small error or not negative, never an address.
    const long result = result_of(after);
    return result < smallest_result || result > 0x1ffffffff ? names[rax] : nullptr;
}

void fill_vectors(std::uint64_t pattern) {
    VectorArea area;
    for (std::size_t i = 0; i < vector_words; ++i) {
        area.word[i] = mixed(pattern, i);
    }
    if (has_wide_vectors()) {
        load_wide(&area);
    } else {
        load_narrow(&area);
    }
    // The rounding modes of both units, with all exceptions masked.
    set_modes(initial_mxcsr | static_cast<unsigned>(pattern & 3) << 13,
              initial_control | static_cast<unsigned>(pattern & 3) << 10);
}

bool vectors_hold(std::uint64_t pattern) {
    VectorArea area;
    store_vectors(area);
    for (std::size_t i = 0; i < vector_words; ++i) {
        if (word_exists(i) && area.word[i] != mixed(pattern, i)) {
            return false;
        }
    }
    return get_mxcsr() == (initial_mxcsr | static_cast<unsigned>(pattern & 3) << 13) &&
           get_control() == (initial_control | static_cast<unsigned>(pattern & 3) << 10);
}

bool vectors_are_initial() {
    VectorArea area;
    store_vectors(area);
    for (std::size_t i = 0; i < vector_words; ++i) {
        if (word_exists(i) && area.word[i] != 0) {
            return false;
        }
    }
    return get_mxcsr() == initial_mxcsr && get_control() == initial_control;
}

std::span<const Fault> faults() {
    static constexpr Fault table[] = {CHORALE_FAULTS(CHORALE_FAULT)};
    return table;
}

std::span<const unsigned char> half_an_instruction() {
    static constexpr unsigned char half_a_call[] = {0x0f};
    return half_a_call;
}

std::span<const Fault> oddities() {
    static constexpr Fault table[] = {CHORALE_ODDITIES(CHORALE_ODDITY)};
    return table;
}

bool harmless_context(KnThreadLid thread, const KnThreadCtx& good) {
    constexpr std::uint64_t interrupts = 1U << 9, input_output = 3U << 12, nested_task = 1U << 14;
    KnThreadCtx wanted = good, seen{};
    wanted.fsBase = 0xffff800000000000;
    if (threadContext(K_MYACTOR, thread, K_CURRCTX, nullptr, &wanted) != K_EINVAL) {
        return false;
    }
    wanted = good;
    wanted.flags = ~std::uint64_t{0} & ~interrupts;
    wanted.reserved0[0] = wanted.reserved0[1] = ~0U;
    wanted.vector = 8;
    if (threadContext(K_MYACTOR, thread, K_CURRCTX, nullptr, &wanted) != K_OK ||
        threadContext(K_MYACTOR, thread, K_CURRCTX, &seen, nullptr) != K_OK) {
        return false;
    }
    return (seen.flags & (interrupts | input_output | nested_task)) == interrupts &&
           seen.vector == good.vector;
}

} // namespace chorale::test
