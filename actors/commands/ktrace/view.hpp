// What people and programs are shown of a trace: text.hpp, lines.hpp (JSON), summary.hpp, events.hpp (a file
// for Perfetto).
#pragma once

#include "commands/ktrace/site_log.hpp"

namespace chorale::ktrace {

// Which records are shown.
struct Choice {
    bool calls{true}, messages{true}, switches{true}, interrupts{true}, faults{true};
    std::vector<std::string> actors; // names; empty: all but ktrace itself

    [[nodiscard]] bool has(const TracedActor& actor) const;
    [[nodiscard]] bool has(const Happening& what) const;
};

// Nanoseconds since boot. Known when the first record comes: begin, from which times are told; at finish():
// end.
struct Span {
    std::uint64_t begin{}, end{};
    unsigned cpus{};

    // A time of the trace as it is told.
    [[nodiscard]] std::uint64_t since_begin(std::uint64_t time) const {
        return time > begin ? time - begin : 0;
    }
};

class View : public Listener {
  public:
    // The trace is over.
    virtual void finish() = 0;

  protected:
    ~View() = default;
};

} // namespace chorale::ktrace
