// When nothing goes on in the system any more.
#include "settled.hpp"

#include <actor/environment.hpp>

namespace chorale::test {

KnSysStatistics settled_statistics() {
    constexpr unsigned quiet_rounds = 10; // milliseconds
    KnSysStatistics last{};
    sysStatistics(&last);
    unsigned quiet = 0;
    for (unsigned waited = 0; quiet < quiet_rounds && waited < patience; ++waited) {
        sleep_milliseconds(1);
        KnSysStatistics next{};
        sysStatistics(&next);
        const bool same = next.actors == last.actors && next.threads == last.threads &&
                          next.ports == last.ports && next.messages == last.messages &&
                          next.regions == last.regions && next.freePages == last.freePages;
        quiet = same ? quiet + 1 : 0;
        last = next;
    }
    return last;
}

void check_same_objects(Report& report, const KnSysStatistics& before, const KnSysStatistics& after) {
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.ports, before.ports);
    CHECK_EQ(after.messages, before.messages);
    CHECK_EQ(after.regions, before.regions);
    CHECK_EQ(after.slabObjects, before.slabObjects);
}

Counted::~Counted() {
    Report& report = report_;
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.regions, before_.regions);
    // Less: this thread's current message, which a case before left to it, has been replaced.
    CHECK(after.messages <= before_.messages);
}

} // namespace chorale::test
