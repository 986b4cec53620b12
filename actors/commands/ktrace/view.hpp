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

struct Span {
    std::uint64_t begin{}, end{}; // nanoseconds since boot
    unsigned cpus{};
};

class View : public Listener {
  public:
    // The trace is over.
    virtual void finish(const Span& span) = 0;

  protected:
    ~View() = default;
};

} // namespace chorale::ktrace
