// What scenarios have in common, made of real calls: actors with memory, threads on chosen CPUs, messages
// with descriptors. For the root thread, and for any thread of an actor that was made here.
#pragma once

#include "arch/host/user.hpp"

namespace chorale::host {

// In each actor: a page for programs, and memory of its own for stacks and data.
inline constexpr VirtAddr data_base{0x50'0000};
inline constexpr uword stack_room = 1024; // for each thread, from data_base up
inline constexpr uword data_size = 24 * page_size;
inline constexpr unsigned stacks_limit = 48;
inline constexpr VirtAddr free_data{data_base.raw() + stacks_limit * stack_room}; // to the end: the program's
inline constexpr uword free_data_size = data_size - stacks_limit * stack_room;

// A new actor with that memory; a capability of zeros when there is none, and nothing is left behind.
[[nodiscard]] Task<KnCap> create_actor(u32 privilege = K_USERACTOR);
[[nodiscard]] Task<long> delete_actor(KnCap actor);

struct ThreadSettings {
    CpuIndex cpu = 0;
    unsigned priority = 100;
    unsigned stack = 0; // which of the actor's stacks
};
// What threadCreate wants to know of a thread that runs `program` on that stack.
[[nodiscard]] KnDefaultStartInfo_f start_info(Program program, const ThreadSettings& settings);

// A thread as described, on that CPU; its local id, or an error.
[[nodiscard]] Task<long> start_thread(KnCap actor, KnDefaultStartInfo_f info, CpuIndex cpu,
                                      unsigned priority);
// `program` in an actor that create_actor() made.
[[nodiscard]] Task<long> start_thread(KnCap actor, Program program, ThreadSettings settings = {});

// A port of `actor` (a capability of zeros: the own one): its local id, or an error; `name` is set.
[[nodiscard]] Task<long> create_port(KnCap actor, KnUniqueId& name);

[[nodiscard]] Task<long> sleep(u64 nanoseconds);

} // namespace chorale::host
