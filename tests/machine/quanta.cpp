#include "tests/machine/quanta.hpp"

namespace chorale::test {

using namespace host;

Task<void> work_for(u64 nanoseconds) {
    for (const u64 end = now() + nanoseconds; now() < end;) co_await pause();
}

Task<void> make_real_time(KnCap actor, long thread, u64 quantum) {
    Named owner;
    Local<KnRtThParms> wanted;
    co_await owner.set(actor);
    co_await wanted.set({K_SCHED_RT, real_time_number, {0, static_cast<long>(quantum)}});
    EXPECT_EQ(co_await attempt(Call::threadScheduler, owner.at(), thread, 0, wanted.at()), K_OK);
}

void Show::expect(unsigned who, u64 least, u64 most) const {
    unsigned seen = 0;
    for (std::size_t i = 3; i < stints.size(); ++i) {
        if (stints[i - 1].who != who) continue;
        const u64 lasted = stints[i].begun - stints[i - 1].begun - (stints[i].lost - stints[i - 1].lost);
        EXPECT_GE(lasted + slack, least) << "stint " << i;
        EXPECT_LE(lasted, most + slack) << "stint " << i;
        ++seen;
    }
    EXPECT_GE(seen, 3u);
}

Task<void> take_turns(ShowPointer show, unsigned who) {
    while (!show->over) {
        show->hold(who);
        co_await pause();
    }
}

} // namespace chorale::test
