// Message handlers that change while many threads are on their way to them. Much time passes in it: it is not
// played in all the ways that there are for the other scenarios.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/solo.hpp"

namespace chorale::test {

TEST(MessageHandlers, that_change_amid_calls) {
    expect_clean(host::Program{handlers_that_change_amid_calls});
    for (u64 seed = 1; seed <= 5; ++seed) {
        Random random{seed};
        expect_clean(host::Program{handlers_that_change_amid_calls}, random, 100);
    }
}

} // namespace chorale::test
