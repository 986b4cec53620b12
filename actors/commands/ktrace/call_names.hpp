// The names of calls, of their arguments and of their results. Those of the nucleus come from the one list of
// calls, at compile time; those of Linux from C_OS's table of this machine.
#pragma once

#include <exec/chTrace.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace chorale::ktrace {

inline constexpr unsigned recorded_arguments = 4; // KnTraceRecord.value

struct CallArgument {
    const char* name{};
    unsigned size{}; // bytes of the register that are the argument's
};

struct CallName {
    std::string_view name; // empty: there is no such call
    unsigned arguments{};  // how many it has; a record holds the first ones
    bool leaf{};           // it never waits, and no other call begins before its end
    CallArgument argument[recorded_arguments]{};
};

// The nucleus's; any number may be asked for.
[[nodiscard]] const CallName& nucleus_call(unsigned number);
// Linux's and C_OS's own; empty: there is no such call.
[[nodiscard]] std::string_view system_call(unsigned number);
// How many of the recorded arguments it has, as far as that is known here: else all.
[[nodiscard]] unsigned system_call_arguments(std::string_view name);

// "portCreate", "write", "call 77". `foreign`: of another system.
[[nodiscard]] std::string call_text(unsigned number, bool foreign);
// "K_EINVAL", "EAGAIN", "12", "0x7fff0000": what is large is an address, or bits.
[[nodiscard]] std::string result_text(std::int64_t result, bool foreign);
// Whether the call has failed.
[[nodiscard]] bool is_error(std::int64_t result);
// Whether no other call of the same thread can come before its end.
[[nodiscard]] bool ends_first(unsigned number, bool foreign);

} // namespace chorale::ktrace
