// /etc/security: whose line counts, and which lines do not.
#include "formats/security.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chorale::formats {
namespace {

struct Lines final : SecurityReport {
    void on_bad_line(std::uint32_t number, SecurityFault fault) override {
        said += std::to_string(number) + ": " + std::string{text(fault)} + "\n";
    }
    std::string said;
};

constexpr std::string_view users = "# users\n"
                                   "\n"
                                   "*::500:500::*:\n"
                                   "ann:TRUSTED:0:0:1,2:host1,host2:secret\n"
                                   "bob:::::host1:\n"
                                   "bob:TRUSTED:0::::\n"
                                   "eve:::::,:x";

TEST(SecurityFile, OwnLinesComeFirst) {
    const auto ann = find_user(users, "ann"), bob = find_user(users, "bob"), any = find_user(users, "joe");
    ASSERT_TRUE(ann && bob && any);
    EXPECT_TRUE(ann->trusted);
    EXPECT_EQ(ann->group_count, 2U);
    EXPECT_EQ(ann->groups[1], 2U);
    EXPECT_EQ(ann->password, "secret");
    EXPECT_FALSE(bob->trusted);
    EXPECT_FALSE(bob->uid);
    EXPECT_EQ(any->uid, 500U);
    EXPECT_FALSE(find_user("ann::0:0::*:", "joe"));
    EXPECT_FALSE(find_user("", "joe"));
}

TEST(SecurityFile, HostsAreListed) {
    const auto ann = find_user(users, "ann"), eve = find_user(users, "eve"), any = find_user(users, "joe");
    ASSERT_TRUE(ann && eve && any);
    EXPECT_TRUE(ann->allows_host("host2"));
    EXPECT_FALSE(ann->allows_host("host3"));
    EXPECT_FALSE(ann->allows_host(""));
    EXPECT_FALSE(eve->allows_host(""));
    EXPECT_TRUE(any->allows_host("anywhere"));
}

TEST(SecurityFile, BadLinesCountForNobody) {
    std::string groups = "u::::1";
    for (int i = 0; i < 32; ++i) groups += ",1";
    const std::string bad =
        "short\n::::::\nx:YES:::::\nx::a::::\nx::4294967295::::\nx:::-1:::\nx::::1,,2::\n" + groups +
        "::\nx::::::\ty\nx:::::::\n" + std::string(5000, ':');
    Lines lines;
    EXPECT_FALSE(find_user(bad, "x", &lines));
    EXPECT_EQ(lines.said, "1: not seven fields\n2: no user\n3: neither TRUSTED nor empty\n"
                          "4: the user's number is none\n5: the user's number is none\n"
                          "6: the group's number is none\n7: the number of a further group is none\n"
                          "8: too many groups\n9: a control character\n10: not seven fields\n"
                          "11: not seven fields\n");
    EXPECT_EQ(text(SecurityFault::none), "no fault");
}

} // namespace
} // namespace chorale::formats
