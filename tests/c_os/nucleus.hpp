// What the tests of C_OS know about the nucleus that nucleus.cpp plays.
#pragma once

#include "c_os/file/attributes.hpp"
#include "kernel/base/types.hpp"

#include <atomic>
#include <span>
#include <string>
#include <string_view>

namespace chorale::c_os::test {

// The memory of the programs: addresses from user_base on.
inline constexpr u64 user_base = 0x400000;
inline constexpr std::size_t user_size = 8 << 20;
[[nodiscard]] std::byte* user_memory();
// Accesses to it from this address on are faults.
void set_user_end(u64 address = user_base + user_size);

// After so many allocations one fails, and the later ones do not. 0: none does. Whether it has failed.
void fail_allocation_after(u64 count);
[[nodiscard]] bool allocation_failed();
// For whoever allocates.
[[nodiscard]] bool allocation_fails_now();
// Pages that C_OS has.
[[nodiscard]] u64 living_pages();

// Ends the waits of the thread that this stands for, as threadAbort() does; once for each call.
struct Abort {
    std::atomic<u32> asked{};
};
void set_abort(Abort* abort); // of the calling thread
void abort_wait(Abort& abort);

// The time of files: what the tests say.
[[nodiscard]] TimeStamp file_time();
void set_file_time(std::int64_t seconds);

// The console: what was written to it, and what is going to be read.
[[nodiscard]] std::string console_output();
void type(std::string_view text);
[[nodiscard]] std::string log_text();

} // namespace chorale::c_os::test
