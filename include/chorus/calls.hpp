// The one list of nucleus calls. From it come the dispatch table (kernel/call/table.cpp), the user stubs
// (lib/arch/stubs.cpp), the trace names and the fuzzer's grammar.
//
// An entry: CALL(number, name, flow, privilege, level, errors, arguments…)
//   flow       fast   0 and 1: the register message path (docs/fast-path.md)
//              leaf   never blocks: runs on the short entry, its result comes back in the same registers
//              block  may block or switch threads: runs on the full entry
//   privilege  user | system (SYSTEM actors, supervisor threads) | supervisor (threads in supervisor mode);
//              others get K_EPRIV before the handler
//   level      thread | interrupt (may also be called from interrupt handlers)
//   errors     every code that the call itself can return; any: its results are the caller's own values
//   arguments  in order, at most six: value<T>, in<T>, in_opt<T>, out<T>, out_opt<T>, inout<T>, in_bytes,
//              out_bytes, text
//
// Numbers: fast 0–1, leaf 2–127, block 128–255; one byte, as the message registers share a word with them.
// Each area of the list has a part of both ranges: chorus/calls/.
#pragma once

#include <chorus.h>
#include <chorus/calls/core.hpp>
#include <chorus/calls/ipc.hpp>
#include <chorus/calls/memory.hpp>
#include <chorus/calls/mipc.hpp>
#include <chorus/calls/supervisor.hpp>
#include <chorus/calls/sync.hpp>
#include <chorus/calls/system.hpp>
#include <chorus/calls/time.hpp>

#include <cstddef>
#include <cstdint>

namespace chorus {

enum class Flow : std::uint8_t { fast, leaf, block };
enum class Privilege : std::uint8_t { user, system, supervisor };
enum class Level : std::uint8_t { thread, interrupt };
enum class Direction : std::uint8_t { value, in, in_opt, out, out_opt, inout, in_bytes, out_bytes, text };

struct ArgumentInfo {
    Direction direction{};
    const char* name{};
    const char* type{};
    std::size_t size{};  // of the object or of the value; 0 where another argument gives the length
};

inline constexpr unsigned first_leaf_call = 2;
inline constexpr unsigned first_block_call = 128;
inline constexpr unsigned call_limit = 256;

}  // namespace chorus

#define CHORUS_VALUE(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::value, #name, #type, sizeof(type) }
#define CHORUS_IN(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in, #name, #type, sizeof(type) }
#define CHORUS_IN_OPT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in_opt, #name, #type, sizeof(type) }
#define CHORUS_OUT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out, #name, #type, sizeof(type) }
#define CHORUS_OUT_OPT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out_opt, #name, #type, sizeof(type) }
#define CHORUS_INOUT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::inout, #name, #type, sizeof(type) }
#define CHORUS_IN_BYTES(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in_bytes, #name, "const void*", 0 }
#define CHORUS_OUT_BYTES(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out_bytes, #name, "void*", 0 }
#define CHORUS_TEXT(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::text, #name, "const char*", 0 }

#define CHORUS_LEAF_CALLS(CALL) \
    CHORUS_CORE_LEAF_CALLS(CALL) \
    CHORUS_IPC_LEAF_CALLS(CALL) \
    CHORUS_MEMORY_LEAF_CALLS(CALL) \
    CHORUS_MIPC_LEAF_CALLS(CALL) \
    CHORUS_SYNC_LEAF_CALLS(CALL) \
    CHORUS_TIME_LEAF_CALLS(CALL) \
    CHORUS_SYSTEM_LEAF_CALLS(CALL) \
    CHORUS_SUPERVISOR_LEAF_CALLS(CALL)

#define CHORUS_BLOCK_CALLS(CALL) \
    CHORUS_CORE_BLOCK_CALLS(CALL) \
    CHORUS_IPC_BLOCK_CALLS(CALL) \
    CHORUS_MEMORY_BLOCK_CALLS(CALL) \
    CHORUS_MIPC_BLOCK_CALLS(CALL) \
    CHORUS_SYNC_BLOCK_CALLS(CALL) \
    CHORUS_TIME_BLOCK_CALLS(CALL) \
    CHORUS_SYSTEM_BLOCK_CALLS(CALL) \
    CHORUS_SUPERVISOR_BLOCK_CALLS(CALL)
