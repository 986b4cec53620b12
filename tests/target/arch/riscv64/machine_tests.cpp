// The machine's half of the target tests.
#include "../../machine_tests.hpp"

#include <actor/machine.hpp>
#include <chorus/message_registers.h>

extern "C" {
void load_floating(const void* source);
void store_floating(void* target);
void set_floating_status(unsigned status);
unsigned get_floating_status();
}

#define CHORALE_FAULTS(ENTRY)                                                                                \
    ENTRY(null_write)                                                                                        \
    ENTRY(null_read)                                                                                         \
    ENTRY(null_call)                                                                                         \
    ENTRY(text_write)                                                                                        \
    ENTRY(constant_write)                                                                                    \
    ENTRY(data_execution)                                                                                    \
    ENTRY(nucleus_read)                                                                                      \
    ENTRY(nucleus_write)                                                                                     \
    ENTRY(nucleus_jump)                                                                                      \
    ENTRY(direct_map_read)                                                                                   \
    ENTRY(last_byte_read)                                                                                    \
    ENTRY(above_39_bits_read)                                                                                \
    ENTRY(non_canonical_read)                                                                                \
    ENTRY(non_canonical_jump)                                                                                \
    ENTRY(misaligned_atomic)                                                                                 \
    ENTRY(misaligned_reservation)                                                                            \
    ENTRY(null_atomic)                                                                                       \
    ENTRY(nucleus_reservation)                                                                               \
    ENTRY(text_atomic)                                                                                       \
    ENTRY(undefined)                                                                                         \
    ENTRY(undefined_short)                                                                                   \
    ENTRY(undefined_ones)                                                                                    \
    ENTRY(breakpoint)                                                                                        \
    ENTRY(short_breakpoint)                                                                                  \
    ENTRY(supervisor_return)                                                                                 \
    ENTRY(machine_return)                                                                                    \
    ENTRY(wait_for_interrupt)                                                                                \
    ENTRY(interrupts_off)                                                                                    \
    ENTRY(status_read)                                                                                       \
    ENTRY(root_read)                                                                                         \
    ENTRY(root_write)                                                                                        \
    ENTRY(trap_vector_write)                                                                                 \
    ENTRY(scratch_read)                                                                                      \
    ENTRY(machine_register_read)                                                                             \
    ENTRY(counter_write)                                                                                     \
    ENTRY(translation_flush)                                                                                 \
    ENTRY(hypervisor_load)                                                                                   \
    ENTRY(cache_invalidate)                                                                                  \
    ENTRY(vector_use)                                                                                        \
    ENTRY(reserved_rounding)                                                                                 \
    ENTRY(stack_overflow)                                                                                    \
    ENTRY(stack_in_nucleus)                                                                                  \
    ENTRY(stack_non_canonical)                                                                               \
    ENTRY(pointers_in_nucleus)
#define CHORALE_ODDITIES(ENTRY)                                                                              \
    ENTRY(global_pointer)                                                                                    \
    ENTRY(odd_global_pointer)                                                                                \
    ENTRY(thread_pointer)                                                                                    \
    ENTRY(thread_pointer_in_direct_map)                                                                      \
    ENTRY(non_canonical_thread_pointer)                                                                      \
    ENTRY(odd_thread_pointer)                                                                                \
    ENTRY(frame_pointer)                                                                                     \
    ENTRY(stack_pointer_of_nucleus)                                                                          \
    ENTRY(stack_pointer_in_direct_map)                                                                       \
    ENTRY(non_canonical_stack_pointer)                                                                       \
    ENTRY(odd_stack_pointer)                                                                                 \
    ENTRY(null_stack_pointer)                                                                                \
    ENTRY(instruction_fence)                                                                                 \
    ENTRY(time_read)                                                                                         \
    ENTRY(counter_read)                                                                                      \
    ENTRY(reservation)                                                                                       \
    ENTRY(floating_status)

CHORALE_FAULTS(CHORALE_DECLARE_FAULT)
CHORALE_ODDITIES(CHORALE_DECLARE_ODDITY)

namespace chorale::test {
namespace {

// Numbers of registers.
enum Index : unsigned { sp = 2, gp = 3, tp = 4, s0 = 8, s1 = 9, a0 = 10, a7 = 17 };
constexpr unsigned register_count = 32;
constexpr const char* names[register_count] = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
// Bits by number.
constexpr std::uint32_t lost_by_call = 0xf003fce0;         // t0 to t6, a0 to a7
constexpr std::uint32_t kept_by_message_call = 0x00000318; // gp, tp, s0, s1
constexpr std::uint32_t not_looked_at = 1U << 0 | 1U << sp;

// Of the nucleus's half; its error codes are no addresses.
constexpr std::uint64_t first_nucleus_address = 0xffff800000000000;
constexpr std::int64_t smallest_result = -128;

constexpr std::size_t floating_words = 32;
struct FloatingArea {
    std::uint64_t word[floating_words]{};
};

// All exception flags clear, a rounding mode.
constexpr unsigned status_of(std::uint64_t pattern) { return static_cast<unsigned>(pattern & 3) << 5; }

// A value that was the program's own before tells nothing, in whatever register it comes back.
bool is_own(const Registers& before, std::uint64_t value) {
    for (const std::uint64_t own : before.value) {
        if (own == value) {
            return true;
        }
    }
    return false;
}

const char* first_broken(const Registers& before, const Registers& after, std::uint32_t kept) {
    for (unsigned i = 0; i < register_count; ++i) {
        const std::uint64_t value = after.value[i];
        const bool shows_address = value >= first_nucleus_address &&
                                   static_cast<std::int64_t>(value) < smallest_result &&
                                   !is_own(before, value);
        if ((not_looked_at >> i & 1) == 0 &&
            ((kept >> i & 1) != 0 ? before.value[i] != value : shows_address)) {
            return names[i];
        }
    }
    return nullptr;
}

} // namespace

// A program that puts another control word beside it gets an error.
bool is_message_call(std::uint64_t number) {
    return static_cast<std::int64_t>(number) < 0 || number == call_of(MESSAGE_SEND) ||
           number == call_of(MESSAGE_RECEIVE);
}

long result_of(const Registers& after) { return static_cast<long>(after.value[a0]); }

void describe_call(Registers& registers, const RawCall& call, std::uint64_t pattern) {
    for (unsigned i = 0; i < register_count; ++i) {
        registers.value[i] = pattern + i * 0x0101010101U;
    }
    registers.value[a7] = call.number;
    for (unsigned i = 0; i < 6; ++i) {
        registers.value[a0 + i] = call.argument[i];
    }
}

void describe_message_call(Registers& registers, unsigned number, unsigned size, std::uint64_t pattern) {
    const std::uint64_t control = MESSAGE_CONTROL(number, size);
    std::uint64_t a7_value = call_of(number);
    if (number == MESSAGE_CALL) a7_value = static_cast<std::uint64_t>(MESSAGE_CALL_NUMBER);
    if (number == MESSAGE_REPLY_RECEIVE) a7_value = control << MESSAGE_REPLY_SHIFT;
    describe_call(registers, {a7_value, {0, pattern + 1, pattern + 2, control}}, pattern);
    registers.value[s1] = 0;
}

const char* broken_by_foreign_call(const Registers& before, const Registers& after) {
    for (unsigned i = 0; i < register_count; ++i) {
        if (i != a0 && (not_looked_at >> i & 1) == 0 && before.value[i] != after.value[i]) return names[i];
    }
    return nullptr;
}

std::uint64_t foreign_sum(const Registers& before) { return before.value[a0] + before.value[a0 + 5]; }

const char* broken_register(const Registers& before, const Registers& after) {
    const char* broken = first_broken(before, after, ~lost_by_call);
    // The result is an int: a small error or not negative, never an address.
    const long result = result_of(after);
    return broken == nullptr && (result < smallest_result || result > 0x1ffffffff) ? names[a0] : broken;
}

const char* broken_by_message_call(const Registers& before, const Registers& after) {
    return first_broken(before, after, kept_by_message_call);
}

void fill_vectors(std::uint64_t pattern) {
    FloatingArea area;
    for (std::size_t i = 0; i < floating_words; ++i) {
        area.word[i] = mixed(pattern, i);
    }
    load_floating(&area);
    set_floating_status(status_of(pattern));
}

bool vectors_hold(std::uint64_t pattern) {
    FloatingArea area;
    store_floating(&area);
    for (std::size_t i = 0; i < floating_words; ++i) {
        if (area.word[i] != mixed(pattern, i)) {
            return false;
        }
    }
    return get_floating_status() == status_of(pattern);
}

bool vectors_are_initial() {
    FloatingArea area;
    store_floating(&area);
    for (const std::uint64_t word : area.word) {
        if (word != 0) {
            return false;
        }
    }
    return get_floating_status() == 0;
}

std::span<const Fault> faults() {
    static constexpr Fault table[] = {CHORALE_FAULTS(CHORALE_FAULT)};
    return table;
}

std::span<const unsigned char> half_an_instruction() {
    static constexpr unsigned char half_a_call[] = {0x73, 0x00};
    return half_a_call;
}

std::span<const Fault> oddities() {
    static constexpr Fault table[] = {CHORALE_ODDITIES(CHORALE_ODDITY)};
    return table;
}

bool harmless_context(KnThreadLid thread, const KnThreadCtx& good) {
    KnThreadCtx wanted = good, seen{};
    wanted.control = wanted.reserved[0] = ~std::uint64_t{0}; // supervisor mode, among others
    wanted.cause = wanted.value = ~std::uint64_t{0};
    if (threadContext(K_MYACTOR, thread, K_CURRCTX, nullptr, &wanted) != K_OK ||
        threadContext(K_MYACTOR, thread, K_CURRCTX, &seen, nullptr) != K_OK) {
        return false;
    }
    return seen.control == good.control && seen.reserved[0] == 0 && seen.cause == good.cause &&
           seen.value == good.value;
}

} // namespace chorale::test

// Whichever counter the nucleus says is open.
extern "C" void oddity_counter_read(std::uintptr_t) {
    const std::uint64_t before = chorale::machine::counter();
    if (chorale::machine::counter() < before) {
        __builtin_trap();
    }
}
