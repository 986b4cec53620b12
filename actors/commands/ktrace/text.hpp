// The trace as text: a line for each record.
#pragma once

#include "commands/ktrace/describe.hpp"
#include "commands/ktrace/messages.hpp"
#include "commands/ktrace/output.hpp"

namespace chorale::ktrace {

class TextView final : public View {
  public:
    TextView(Output& output, const Choice& choice, const Span& span);

    void on_record(const Happening& what) override;
    // Its end is not known, and so is no line.
    void on_abandoned(TracedActor&, TracedThread&, const OpenCall&, std::uint64_t) override {}
    void finish() override { output_.flush(); }

  private:
    // Empty: nothing to be told.
    [[nodiscard]] std::string describe(const Happening& what, std::uint64_t number);
    [[nodiscard]] std::string actor_text(const Happening& what) const;

    Output& output_;
    const Choice& choice_;
    const Span& span_;
    MessageNumbers numbers_;
    Switches switches_;
};

} // namespace chorale::ktrace
