// How many lines programs can make C_OS say.
#include "c_os/base/line_limit.hpp"

#include <gtest/gtest.h>

namespace chorale::c_os::test {
namespace {

constexpr u64 second = LineLimit::period;

TEST(LineLimit, SaysSoManyInASecondAndCountsTheRest) {
    LineLimit limit;
    const u64 start = 5 * second + 7;
    for (unsigned i = 0; i < LineLimit::most; ++i) EXPECT_EQ(limit.admit(start + i), 0U) << i;
    for (unsigned i = 0; i < 25; ++i) EXPECT_EQ(limit.admit(start + second - 1), std::nullopt);
    EXPECT_EQ(limit.admit(start + second), 25U);
    EXPECT_EQ(limit.admit(start + second), 0U);
}

TEST(LineLimit, FromTheFirstMomentOn) {
    LineLimit limit;
    for (unsigned i = 0; i < LineLimit::most; ++i) EXPECT_EQ(limit.admit(0), 0U);
    EXPECT_EQ(limit.admit(0), std::nullopt);
    EXPECT_EQ(limit.admit(second), 1U);
}

} // namespace
} // namespace chorale::c_os::test
