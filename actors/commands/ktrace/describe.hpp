// Words for what has happened, shared by the views.
#pragma once

#include "commands/ktrace/output.hpp"
#include "commands/ktrace/view.hpp"

namespace chorale::ktrace {

// "ipcping/2"; "-" when it is about no thread.
[[nodiscard]] std::string who(const Happening& what);
// A call's arguments: how many the record has, the name and the value of each.
[[nodiscard]] unsigned argument_count(const KnTraceRecord& record);
[[nodiscard]] std::string argument_name(const KnTraceRecord& record, unsigned place);
[[nodiscard]] std::uint64_t argument(const KnTraceRecord& record, unsigned place);
// "portEnable(0x0, 0x1, 0x5)", "ipcCall(0041…:…, 4 bytes)"
[[nodiscard]] std::string call_with_arguments(const KnTraceRecord& record);
// "timer", "doorbell", "line 4"
[[nodiscard]] std::string interrupt_text(const KnTraceRecord& record);

// Leaves out switches to and from ktrace itself, and what they interrupted: a CPU that goes on with what it
// did before has not switched, for whoever does not see ktrace.
class Switches {
  public:
    // Whether a K_TRACE_RUN or K_TRACE_IDLE that is shown is one for who looks.
    [[nodiscard]] bool is_news(const Happening& what);

  private:
    struct Latest {
        unsigned actor{};
        int thread{-2}; // none that there is
    };
    std::vector<Latest> latest_; // by CPU
};

// Who has a CPU after this, if that is known from it. A switch tells it; while it is not known, so does the
// first call that is made there, and an interrupt of nobody. Lost records may have been switches.
enum class Owner { as_before, the_thread, nobody, unknown };
[[nodiscard]] Owner owner_after(const Happening& what, bool known);

} // namespace chorale::ktrace
