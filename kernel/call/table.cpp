// The dispatch tables, from the call list. Both are padded to their full range, so that one compare in the
// entry code bounds the index.
#include "kernel/call/table.hpp"

#include "kernel/call/handlers.hpp"
#include "kernel/call/shim.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/call.hpp>

#include <atomic>

namespace chorale {

namespace {

// Both tables hold plain code addresses: the entry stub calls every handler with the C convention.
using Entry = void (*)();

long no_such_call() { return K_ENOTIMP; }

template <class... Arguments>
consteval auto list(Arguments... arguments) {
    return std::array<ArgumentInfo, sizeof...(Arguments)>{arguments...};
}

// What is wrong with an entry is a static_assert that names it.
#define CALL(number, name, flow, privilege, level, errors, ...)                                              \
    static_assert(Shim<&calls::name, chorus::Privilege::privilege>::matches(list(__VA_ARGS__)),              \
                  "the handler of " #name " differs from the call list");
CHORUS_LEAF_CALLS(CALL)
CHORUS_BLOCK_CALLS(CALL)
#undef CALL

// ---- calls that are given memory: when a page of it has to come from a mapper first, they begin again ----

Entry memory_calls[chorus::call_limit - chorus::first_block_call];

// As the entry code calls it: whatever the handler's parameters are.
[[clang::no_sanitize("function")]] long run_memory_call(Thread& self) {
    const u64(&a)[6] = self.paging.arguments;
    const Entry entry = memory_calls[self.frame.call_number() - chorus::first_block_call];
    return reinterpret_cast<long (*)(u64, u64, u64, u64, u64, u64)>(entry)(a[0], a[1], a[2], a[3], a[4],
                                                                           a[5]);
}

long memory_call(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
    Thread& self = *this_cpu().current;
    u64* const kept = self.paging.arguments;
    kept[0] = a;
    kept[1] = b;
    kept[2] = c;
    kept[3] = d;
    kept[4] = e;
    kept[5] = f;
    return run_memory_call(self);
}

template <class Call>
long option_call(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
    return a == 0 ? Call::entry(a, b, c, d, e, f) : memory_call(a, b, c, d, e, f);
}

// A thread that has ended or left is not this CPU's any more; one that waits gets its result later.
void end_call(Thread& self, long result) {
    if (result == no_result || this_cpu().current != &self) return;
    if (result == K_EFAULT && await_missed(self, begin_again)) return;
    self.frame.set_result(result);
}

template <std::size_t Size>
struct Table {
    Entry entry[Size];
};

} // namespace

void begin_again(Thread& self) { end_call(self, run_memory_call(self)); }

extern "C" {

// At interrupt level, any call that is not for it.
long not_at_interrupt_level();
long not_at_interrupt_level() { return K_EINVAL; }

// Read by the entry stub; written once, before the first user thread. Entry 0 of the second answers numbers
// that are nobody's.
extern Table<chorus::first_block_call> leaf_call_table;
extern Table<chorus::call_limit> block_call_table;
Table<chorus::first_block_call> leaf_call_table;
Table<chorus::call_limit> block_call_table;

// Read by the gates at interrupt level (arch/*/supervisor/gates.S).
extern Table<chorus::call_limit> interrupt_call_table;
Table<chorus::call_limit> interrupt_call_table;

// The end of a call that may have blocked.
[[noreturn]] CHORALE_NO_RETURN_CALL void block_return(long result, Thread* thread);
// Messages in the register convention that do not take the fast path, with the frame complete.
[[noreturn]] CHORALE_NO_RETURN_CALL void message_call_entry(Thread* thread);

void block_return(long result, Thread* thread) {
    end_call(*thread, result);
    leave();
}

[[noreturn, gnu::noinline]] static CHORALE_NO_RETURN_CALL void message_send_entry(Thread& thread) {
    thread.frame.set_result(calls::message_send(thread));
    leave_as(thread);
}

void message_call_entry(Thread* thread) {
    long result;
    const u64 number = thread->frame.call_number();
    if (number == MESSAGE_SEND) message_send_entry(*thread);
    switch (number) {
    case MESSAGE_CALL:
        result = calls::message_call(*thread);
        break;
    case MESSAGE_REPLY_RECEIVE:
        result = calls::message_reply_receive(*thread);
        break;
    default: // which sees whether it is one: the entry code has not looked at all of the control word
        result = calls::message_receive(*thread);
        break;
    }
    if (result != no_result) thread->frame.set_result(result);
    leave();
}
}

static Entry unwrapped[chorus::call_limit];

[[nodiscard]] static Entry& place_of(u64 number) {
    return number < chorus::first_block_call ? leaf_call_table.entry[number] : block_call_table.entry[number];
}

void wrap_calls(void (*wrapper)()) {
    for (u64 number = 0; number < chorus::call_limit; ++number) {
        const Entry entry = wrapper != nullptr ? wrapper : unwrapped[number];
        // relaxed: both are functions that were there from the beginning
        std::atomic_ref{place_of(number)}.store(entry, std::memory_order_relaxed);
    }
}

void (*unwrapped_call(u64 number))() { return unwrapped[number]; }

template <class Call>
static void enter_block_call(unsigned number) {
    Entry& entry =
        Call::takes_memory ? memory_calls[number - chorus::first_block_call] : block_call_table.entry[number];
    entry = reinterpret_cast<Entry>(&Call::entry);
    if constexpr (Call::takes_option) {
        block_call_table.entry[number] = reinterpret_cast<Entry>(&option_call<Call>);
    } else if (Call::takes_memory) {
        block_call_table.entry[number] = reinterpret_cast<Entry>(&memory_call);
    }
}

void init_calls() {
    for (Entry& entry : leaf_call_table.entry) entry = reinterpret_cast<Entry>(&no_such_call);
    for (Entry& entry : block_call_table.entry) entry = reinterpret_cast<Entry>(&no_such_call);
    for (Entry& entry : interrupt_call_table.entry) entry = reinterpret_cast<Entry>(&not_at_interrupt_level);
#define CALL(number, name, flow, privilege, level, ...)                                                      \
    if (chorus::Level::level == chorus::Level::interrupt)                                                    \
        interrupt_call_table.entry[number] =                                                                 \
            reinterpret_cast<Entry>(&Shim<&calls::name, chorus::Privilege::privilege>::entry);
    CHORUS_LEAF_CALLS(CALL)
    CHORUS_BLOCK_CALLS(CALL)
#undef CALL
#define CALL(number, name, flow, privilege, ...)                                                             \
    leaf_call_table.entry[number] =                                                                          \
        reinterpret_cast<Entry>(&Shim<&calls::name, chorus::Privilege::privilege>::entry);
    CHORUS_LEAF_CALLS(CALL)
#undef CALL
#define CALL(number, name, flow, privilege, ...)                                                             \
    enter_block_call<Shim<&calls::name, chorus::Privilege::privilege>>(number);
    CHORUS_BLOCK_CALLS(CALL)
#undef CALL
    for (u64 number = 0; number < chorus::call_limit; ++number) unwrapped[number] = place_of(number);
}

} // namespace chorale
