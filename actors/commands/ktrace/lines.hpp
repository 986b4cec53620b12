// The trace for programs: an object of JSON for each record, one a line. 64-bit numbers are text, in
// hexadecimal, for not every reader of JSON has so large ones; times and results are numbers.
#pragma once

#include "commands/ktrace/messages.hpp"
#include "commands/ktrace/output.hpp"
#include "commands/ktrace/view.hpp"

namespace chorale::ktrace {

class LinesView final : public View {
  public:
    LinesView(Output& output, const Choice& choice, const Span& span)
        : output_{output}, choice_{choice}, span_{span} {}

    void on_record(const Happening& what) override;
    void on_abandoned(TracedActor&, TracedThread&, const OpenCall&, std::uint64_t) override {}
    void finish() override { output_.flush(); }

  private:
    Output& output_;
    const Choice& choice_;
    const Span& span_;
    MessageNumbers numbers_;
};

} // namespace chorale::ktrace
