// The trace for programs: an object of JSON for each record, one a line. 64-bit numbers are text, in
// hexadecimal, for not every reader of JSON has so large ones; times and results are numbers.
#pragma once

#include "commands/ktrace/messages.hpp"
#include "commands/ktrace/output.hpp"
#include "commands/ktrace/view.hpp"

namespace chorale::ktrace {

class LinesView final : public View {
  public:
    // Times are told from `begin` on.
    LinesView(Output& output, const Choice& choice, std::uint64_t begin)
        : output_{output}, choice_{choice}, begin_{begin} {}

    void on_record(const Happening& what) override;
    void on_abandoned(TracedActor&, TracedThread&, const OpenCall&, std::uint64_t) override {}
    void finish(const Span&) override { output_.flush(); }

  private:
    Output& output_;
    const Choice& choice_;
    std::uint64_t begin_;
    MessageNumbers numbers_;
};

} // namespace chorale::ktrace
