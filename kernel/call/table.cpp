// The dispatch tables, from the call list. Both are padded to their full range, so that one compare in the entry code
// bounds the index.
#include "kernel/call/table.hpp"

#include "kernel/call/handlers.hpp"
#include "kernel/call/shim.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/schedule.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

namespace chorale {

namespace calls {
inline constexpr auto& ipcReceiveMessage = message_receive;  // takes the register convention, not C arguments
}

namespace {

// A table of plain code addresses: the entry stub calls leaf handlers with the C convention.
using LeafEntry = void (*)();
using BlockEntry = long (*)(Thread&);

long no_such_leaf() { return K_ENOTIMP; }
long no_such_call(Thread&) { return K_ENOTIMP; }

template <class... Arguments>
consteval auto list(Arguments... arguments) {
    return std::array<ArgumentInfo, sizeof...(Arguments)>{arguments...};
}

// What is wrong with an entry is a static_assert that names it.
#define CALL(number, name, flow, privilege, level, errors, ...)                                     \
    static_assert(Shim<&calls::name>::matches(list(__VA_ARGS__)), "the handler of " #name           \
                                                                  " differs from the call list");
CHORUS_LEAF_CALLS(CALL)
#undef CALL

template <auto Handler, std::size_t N>
consteval bool block_matches(const std::array<ArgumentInfo, N>& arguments) {
    if constexpr (std::is_same_v<decltype(Handler), BlockEntry>) {
        return true;
    } else {
        return Shim<Handler>::matches(arguments);
    }
}
#define CALL(number, name, flow, privilege, level, errors, ...)                                     \
    static_assert(block_matches<&calls::name>(list(__VA_ARGS__)), "the handler of " #name           \
                                                                  " differs from the call list");
CHORUS_BLOCK_CALLS(CALL)
#undef CALL

template <auto Handler>
consteval BlockEntry block_entry() {
    if constexpr (std::is_same_v<decltype(Handler), BlockEntry>) {
        return Handler;
    } else {
        return &Shim<Handler>::block;
    }
}

struct BlockTable {
    BlockEntry entry[chorus::call_limit]{};
};

consteval BlockTable make_block_table() {
    BlockTable table;
    for (BlockEntry& entry : table.entry) entry = no_such_call;
    table.entry[MESSAGE_CALL] = calls::message_call;
    table.entry[MESSAGE_REPLY_RECEIVE] = calls::message_reply_receive;
#define CALL(number, name, ...) table.entry[number] = block_entry<&calls::name>();
    CHORUS_BLOCK_CALLS(CALL)
#undef CALL
    return table;
}

constexpr BlockTable block_table = make_block_table();

struct LeafTable {
    LeafEntry entry[chorus::first_block_call];
};

LeafTable make_leaf_table() {
    LeafTable table{};
    for (LeafEntry& entry : table.entry) entry = reinterpret_cast<LeafEntry>(&no_such_leaf);
#define CALL(number, name, ...) table.entry[number] = reinterpret_cast<LeafEntry>(&Shim<&calls::name>::leaf);
    CHORUS_LEAF_CALLS(CALL)
#undef CALL
    return table;
}

// Message calls keep flags above their number; every other call is its number and nothing else.
[[nodiscard]] u64 call_index(u64 rax) {
    const u64 low = rax & 0xff;
    const bool message = low == MESSAGE_CALL || low == MESSAGE_REPLY_RECEIVE || low == MESSAGE_RECEIVE;
    return message ? low : rax;
}

}  // namespace

extern "C" {

// Read by the entry stub; written once, before the first user thread.
extern LeafTable leaf_call_table;
LeafTable leaf_call_table;

[[noreturn]] void block_call(Thread* thread);

// Calls that may block, from the entry stub and from the fast path's slow door, with the frame complete.
[[noreturn]] void block_call(Thread* thread) {
    PerCpu& cpu = this_cpu();
    ++cpu.counters.calls;
    const u64 index = call_index(thread->frame.message_control());
    const long result = index < chorus::call_limit ? block_table.entry[index](*thread) : K_ENOTIMP;
    // A thread that has ended or left is not this CPU's any more.
    if (result != no_result && cpu.current == thread) thread->frame.set_result(result);
    leave();
}
}

void init_calls() { leaf_call_table = make_leaf_table(); }

}  // namespace chorale
