// The system environment: setting, replacing, limits, and many CPUs at once.
#include "kernel/core/environment.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace chorale::environment {
namespace {

struct Environment : ::testing::Test {
    ~Environment() override {
        for (const std::string& name : set_names) static_cast<void>(unset(name));
    }
    Status put(const std::string& name, const std::string& value) {
        set_names.push_back(name);
        return set(name, value);
    }
    static std::string value_of(std::string_view name) {
        char buffer[K_ENVVALUEMAX];
        const Result<unsigned> size = get(name, buffer);
        if (!size.ok()) return "error " + std::to_string(static_cast<int>(size.status()));
        EXPECT_EQ(buffer[size.value() - 1], '\0');
        return {buffer, size.value() - 1};
    }
    std::vector<std::string> set_names;
};

TEST_F(Environment, SetGetReplaceUnset) {
    EXPECT_EQ(put("bench", "all"), Status::ok);
    EXPECT_EQ(value_of("bench"), "all");
    EXPECT_EQ(put("bench", "same"), Status::ok);
    EXPECT_EQ(value_of("bench"), "same");
    EXPECT_EQ(unset("bench"), Status::ok);
    EXPECT_EQ(value_of("bench"), value_of("never set"));
    EXPECT_EQ(unset("bench"), Status::unknown);
}

TEST_F(Environment, AnEmptyValueIsAValue) {
    EXPECT_EQ(put("empty", ""), Status::ok);
    EXPECT_EQ(value_of("empty"), "");
}

TEST_F(Environment, BadNames) {
    EXPECT_EQ(set("", "x"), Status::invalid);
    EXPECT_EQ(set("a=b", "x"), Status::invalid);
    EXPECT_EQ(unset(""), Status::invalid);
    char buffer[K_ENVVALUEMAX];
    EXPECT_EQ(get("", buffer).status(), Status::invalid);
}

TEST_F(Environment, TheLimitsCountTheNul) {
    const std::string name(K_ENVNAMEMAX - 1, 'n');
    const std::string value(K_ENVVALUEMAX - 1, 'v');
    EXPECT_EQ(put(name, value), Status::ok);
    EXPECT_EQ(value_of(name), value);
    EXPECT_EQ(set(name + "n", "x"), Status::no_memory);
    EXPECT_EQ(set(name, value + "v"), Status::no_memory);
    EXPECT_EQ(value_of(name), value);
}

TEST_F(Environment, APrefixIsAnotherName) {
    EXPECT_EQ(put("cpu", "1"), Status::ok);
    EXPECT_EQ(put("cpus", "4"), Status::ok);
    EXPECT_EQ(value_of("cpu"), "1");
    EXPECT_EQ(value_of("cpus"), "4");
}

TEST_F(Environment, AFullTableRefusesAndReplacesStill) {
    unsigned fitted = 0;
    while (put("name" + std::to_string(fitted), "x") == Status::ok) ASSERT_LE(++fitted, entry_limit);
    EXPECT_EQ(fitted, entry_limit);
    EXPECT_EQ(set("name0", "y"), Status::ok);
    EXPECT_EQ(value_of("name0"), "y");
    EXPECT_EQ(unset("name7"), Status::ok);
    EXPECT_EQ(put("late", "z"), Status::ok);
    EXPECT_EQ(value_of("late"), "z");
}

// Those that are fixed once are nobody's to change; each entry can be found by its place.
TEST_F(Environment, FixedForEver) {
    fix("limit", "64");
    EXPECT_EQ(put("limit", "65"), Status::invalid);
    EXPECT_EQ(unset("limit"), Status::invalid);
    EXPECT_EQ(value_of("limit"), "64");
    unsigned found = 0;
    for (unsigned i = 0; i < entry_limit; ++i) {
        char name[K_ENVNAMEMAX];
        name_at(i, name);
        found += std::string_view{name} == "limit" ? 1 : 0;
    }
    EXPECT_EQ(found, 1U);
}

TEST_F(Environment, ReadersSeeWholeValues) {
    EXPECT_EQ(put("shared", std::string(200, 'a')), Status::ok);
    std::thread writer{[] {
        for (int i = 0; i < 2000; ++i)
            EXPECT_EQ(set("shared", std::string(200, i % 2 == 0 ? 'a' : 'b')), Status::ok);
    }};
    for (int i = 0; i < 2000; ++i) {
        const std::string value = value_of("shared");
        ASSERT_EQ(value, std::string(200, value.front()));
    }
    writer.join();
}

} // namespace
} // namespace chorale::environment
