// A random trace of made-up records through one of ktrace's views, to the standard output:
//     ktrace_random plausible|hostile events|text|lines|summary SEED RECORDS CPUS LIMIT
#include "made_up.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

using namespace chorale::ktrace;

namespace {

void run(View& view, MadeUpRecorder& recorder, Span& span) {
    SiteLog log{view, "ktrace"};
    TraceReader reader{recorder, span.cpus, span.begin, log};
    const std::uint64_t end_of_all = recorder.clock;
    // In rounds, as ktrace does it, and the rest at the end.
    for (recorder.clock = 0; recorder.clock < end_of_all / 2; recorder.clock += end_of_all / 16 + 1)
        reader.round();
    recorder.clock = end_of_all;
    span.end = reader.finish();
    view.finish();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 7) return 2;
    const std::string manner = argv[1], what = argv[2];
    std::mt19937_64 random{std::strtoull(argv[3], nullptr, 10)};
    const auto count = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10));
    const auto cpus = static_cast<unsigned>(std::strtoul(argv[5], nullptr, 10));
    MadeUpRecorder recorder{cpus};
    (manner == "hostile" ? fill_hostilely : fill_plausibly)(recorder, random, count);
    Choice choice;
    Span span{1, 0, cpus};
    Output output{STDOUT_FILENO};
    if (what == "events") {
        EventsView view{output, choice, span, std::strtoull(argv[6], nullptr, 10)};
        run(view, recorder, span);
    } else if (what == "text") {
        TextView view{output, choice, span};
        run(view, recorder, span);
    } else if (what == "lines") {
        LinesView view{output, choice, span};
        run(view, recorder, span);
    } else {
        SummaryView view{output, choice, span};
        run(view, recorder, span);
    }
    return output.error() == 0 ? 0 : 1;
}
