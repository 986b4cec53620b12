// One test for each fault that was found in the nucleus on the host machine, by its name.
#include "kernel/core/actor.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <machine/user_access.hpp>

namespace chorale::test {

namespace {

using namespace host;

// The place is probed first: the second copy is the one that tells the name.
[[nodiscard]] Task<void> create_without_a_place() {
    Local<KnCap> place;
    const unsigned before = live_actors();
    machine::fail_user_copy_after(2);
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, place.at(), K_USERACTOR, K_ACTIVE), K_EFAULT);
    EXPECT_EQ(machine::user_copies_before_failure(), 0u);
    EXPECT_EQ(live_actors(), before);
}

} // namespace

// actorCreate returned K_EFAULT and left an actor whose name nobody knew: it could never be deleted.
TEST(Regressions, actor_without_a_name) {
    for (const std::string& finding :
         run_once([](u64) { return create_without_a_place(); }, plain_chooser())) {
        ADD_FAILURE() << finding;
    }
}

} // namespace chorale::test
