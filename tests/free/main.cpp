// The CPUs' threads end before the process does.
#include "tests/free/world.hpp"

namespace {

class EndMachine final : public ::testing::Environment {
  public:
    void TearDown() override { chorale::test::end_machine(); }
};

} // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    ::testing::AddGlobalTestEnvironment(new EndMachine); // GoogleTest deletes it
    return RUN_ALL_TESTS();
}
