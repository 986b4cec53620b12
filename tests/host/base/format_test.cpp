// format_to(): every kind of argument, braces, too few and too many arguments, and texts that do not fit.
#include "kernel/base/log.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>

namespace chorale {
namespace {

template <class... Args>
std::string formatted(std::string_view format, const Args&... args) {
    char text[512];
    const Argument list[] = {Argument{args}..., Argument{""}};
    return {text, format_to(text, sizeof text, format, list, sizeof...(args))};
}

// The same into a buffer of exactly `size` bytes on the heap, where the sanitizer watches its end.
template <class... Args>
std::string formatted_into(std::size_t size, std::string_view format, const Args&... args) {
    const std::unique_ptr<char[]> text{new char[size]};
    const Argument list[] = {Argument{args}..., Argument{""}};
    const std::size_t length = format_to(text.get(), size, format, list, sizeof...(args));
    EXPECT_LE(length, size);
    return {text.get(), length};
}

TEST(Format, PlainTextStaysAsItIs) {
    EXPECT_EQ(formatted(""), "");
    EXPECT_EQ(formatted("cpus: all running"), "cpus: all running");
}

TEST(Format, Numbers) {
    EXPECT_EQ(formatted("{} {} {}", 0, 7u, -7), "0 7 -7");
    EXPECT_EQ(formatted("{}", std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(formatted("{}", std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
    EXPECT_EQ(formatted("{}", std::numeric_limits<u64>::max()), "18446744073709551615");
    EXPECT_EQ(formatted("{} {}", static_cast<u8>(255), static_cast<signed char>(-128)), "255 -128");
}

TEST(Format, Hexadecimal) {
    EXPECT_EQ(formatted("{}", Hex{0}), "0x0");
    EXPECT_EQ(formatted("{}", Hex{0xffff'ffff'8010'00a0}), "0xffffffff801000a0");
}

TEST(Format, Text) {
    EXPECT_EQ(formatted("[{}] [{}]", "literal", std::string_view{"a view, cut", 6}), "[literal] [a view]");
    EXPECT_EQ(formatted("[{}]", std::string_view{}), "[]");
}

TEST(Format, TextArgumentsAreNotFormatsThemselves) { EXPECT_EQ(formatted("{} {}", "{}", 1), "{} 1"); }

TEST(Format, TooFewArgumentsLeaveTheMistakeVisible) {
    EXPECT_EQ(formatted("{} and {}", 1), "1 and {}");
    EXPECT_EQ(formatted("{}"), "{}");
}

TEST(Format, TooManyArgumentsAreLeftOut) { EXPECT_EQ(formatted("one {}", 1, 2, 3), "one 1"); }

TEST(Format, Braces) {
    EXPECT_EQ(formatted("{{}}", 1), "{}");
    EXPECT_EQ(formatted("{{{}}}", 1), "{1}");
    EXPECT_EQ(formatted("{{ {} }}", 1), "{ 1 }");
    EXPECT_EQ(formatted("open { close } end {", 1), "open { close } end {");
    EXPECT_EQ(formatted("}{", 1), "}{");
    EXPECT_EQ(formatted("{x}", 1), "{x}");
}

TEST(Format, IsCutAtTheEndOfTheBuffer) {
    const std::string whole = formatted("thread {} of {}: {}", 17, "ipcserver", Hex{0xdead});
    for (std::size_t size = 0; size <= whole.size() + 2; ++size) {
        EXPECT_EQ(formatted_into(size, "thread {} of {}: {}", 17, "ipcserver", Hex{0xdead}),
                  whole.substr(0, size));
    }
}

TEST(Format, NothingIsWrittenWithoutABuffer) {
    const Argument argument{1};
    EXPECT_EQ(format_to(nullptr, 0, "{} and more", &argument, 1), 0u);
}

} // namespace
} // namespace chorale
