// What ktrace is asked for.
#pragma once

#include "commands/ktrace/view.hpp"

#include <span>

namespace chorale::ktrace {

struct Settings {
    Choice choice;
    unsigned records{16384};                      // of each CPU's ring
    std::uint64_t nanoseconds{};                  // how long; 0: until the command ends
    std::uint64_t limit{std::uint64_t{32} << 20}; // bytes of `file`
    bool summary{}, json{}, trusted{};
    std::string file;               // trace events; empty: none
    std::string send;               // a file to be sent; empty: trace
    std::span<char* const> command; // words; empty: none

    [[nodiscard]] bool text() const { return !summary && !json && file.empty(); }
};

// Ends the program when something is written wrongly, and after --help.
[[nodiscard]] Settings parse_settings(int argc, char** argv);

// "calls,messages": what of the five kinds is shown. False: there is no such kind.
[[nodiscard]] bool parse_events(std::string_view list, Choice& choice);

} // namespace chorale::ktrace
