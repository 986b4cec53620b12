// A typed line, taken apart.
#include "c_init/command_line.hpp"

#include <gtest/gtest.h>

#include <map>

namespace chorale::c_init {

namespace {

class MapVariables final : public Variables {
  public:
    explicit MapVariables(std::map<std::string, std::string, std::less<>> values)
        : values_{std::move(values)} {}
    void append_value(std::string_view name, std::string& to) const override {
        if (const auto found = values_.find(name); found != values_.end()) to += found->second;
    }

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

const MapVariables variables{{{"A", "one two"}, {"HOME", "/"}, {"?", "3"}}};

CommandLine parsed(std::string_view text) {
    CommandLine line;
    EXPECT_EQ(parse_line(text, variables, line), "") << text;
    return line;
}

std::string problem(std::string_view text) {
    CommandLine line;
    return parse_line(text, variables, line);
}

using Words = std::vector<std::string>;

TEST(CommandLine, BlanksPartWords) {
    EXPECT_EQ(parsed("arun  /bin/x\ta  b ").words, (Words{"arun", "/bin/x", "a", "b"}));
    EXPECT_TRUE(parsed("").words.empty());
    EXPECT_TRUE(parsed(" \t\r").words.empty());
    EXPECT_EQ(parsed("echo a\r").words, (Words{"echo", "a"}));
}

TEST(CommandLine, QuotesAndBackslashes) {
    EXPECT_EQ(parsed(R"(echo 'a  b' "c  d" e\ f)").words, (Words{"echo", "a  b", "c  d", "e f"}));
    EXPECT_EQ(parsed(R"(echo '' "")").words, (Words{"echo", "", ""}));
    EXPECT_EQ(parsed(R"(echo a'b'"c"\d)").words, (Words{"echo", "abcd"}));
    EXPECT_EQ(parsed(R"(echo "a\"b\\c\d\$A")").words, (Words{"echo", R"(a"b\c\d$A)"}));
    EXPECT_EQ(parsed(R"(echo 'a\b$A')").words, (Words{"echo", R"(a\b$A)"}));
    EXPECT_EQ(parsed(R"(echo \> \& \; '|' \#)").words, (Words{"echo", ">", "&", ";", "|", "#"}));
}

TEST(CommandLine, Variables) {
    EXPECT_EQ(parsed("echo $A.${A}x").words, (Words{"echo", "one two.one twox"}));
    EXPECT_EQ(parsed("echo \"$A\" $? $none").words, (Words{"echo", "one two", "3", ""}));
    EXPECT_EQ(parsed("echo $ a$ $-").words, (Words{"echo", "$", "a$", "$-"}));
    EXPECT_NE(problem("echo ${A").find("${"), std::string::npos);
    EXPECT_NE(problem("echo ${}").find("${"), std::string::npos);
    EXPECT_NE(problem("echo ${a-b}").find("${"), std::string::npos);
}

TEST(CommandLine, ValuesOfVariablesAreBounded) {
    const MapVariables large{{{"L", std::string(60000, 'x')}}};
    CommandLine line;
    EXPECT_EQ(parse_line("echo $L", large, line), "");
    EXPECT_EQ(parse_line("echo $L$L", large, line), "the values of the variables are too long");
}

TEST(CommandLine, Comments) {
    EXPECT_TRUE(parsed("# a comment").words.empty());
    EXPECT_EQ(parsed("echo a # b").words, (Words{"echo", "a"}));
    EXPECT_EQ(parsed("echo a#b").words, (Words{"echo", "a#b"}));
    EXPECT_TRUE(parsed("arun x & # b").background);
}

TEST(CommandLine, Redirections) {
    const CommandLine line = parsed("cmd <in >out 2> err >> more 2>>again a");
    ASSERT_EQ(line.redirections.size(), 5U);
    const auto is = [&](std::size_t i, int descriptor, Redirection::Kind kind, const char* path) {
        EXPECT_EQ(line.redirections[i].descriptor, descriptor);
        EXPECT_EQ(line.redirections[i].kind, kind);
        EXPECT_EQ(line.redirections[i].path, path);
    };
    is(0, 0, Redirection::Kind::read, "in");
    is(1, 1, Redirection::Kind::write, "out");
    is(2, 2, Redirection::Kind::write, "err");
    is(3, 1, Redirection::Kind::append, "more");
    is(4, 2, Redirection::Kind::append, "again");
    EXPECT_EQ(line.words, (Words{"cmd", "a"}));
    EXPECT_EQ(parsed("echo a2>f").words, (Words{"echo", "a2"}));
    EXPECT_EQ(parsed("echo a 2>f").words, (Words{"echo", "a"}));
    EXPECT_EQ(parsed("echo a>'f g'").redirections[0].path, "f g");
}

TEST(CommandLine, Background) {
    EXPECT_TRUE(parsed("arun x &").background);
    EXPECT_TRUE(parsed("arun x&").background);
    EXPECT_FALSE(parsed("arun x '&'").background);
    EXPECT_EQ(problem("arun x & y"), "`&` is not at the end of the line");
    EXPECT_EQ(problem("arun x & &"), "`&` is not at the end of the line");
    EXPECT_EQ(problem("&"), "there is no command");
}

TEST(CommandLine, Errors) {
    EXPECT_EQ(problem("echo 'a"), "a ' without a second one");
    EXPECT_EQ(problem("echo \"a"), "a \" without a second one");
    EXPECT_EQ(problem("echo \"a\\"), "a \" without a second one");
    EXPECT_EQ(problem("echo a\\"), "nothing behind the \\");
    EXPECT_EQ(problem("echo >"), "`>` without a file");
    EXPECT_EQ(problem("echo > # f"), "`>` without a file");
    EXPECT_EQ(problem("echo 2> > f"), "`2>` without a file");
    EXPECT_EQ(problem("> f"), "there is no command");
    EXPECT_NE(problem("a | b").find("`|`"), std::string::npos);
    EXPECT_NE(problem("a; b").find("`;`"), std::string::npos);
}

TEST(CommandLine, HostileLines) {
    using namespace std::string_view_literals;
    EXPECT_EQ(problem("echo a\0b"sv), "a NUL character in the line");
    EXPECT_EQ(problem(std::string(line_limit + 1, 'x')), "the line is too long: 65537 bytes, at most 65536");
    EXPECT_EQ(parsed(std::string(line_limit, 'x')).words.front().size(), line_limit);
    std::string many = "echo";
    for (int i = 0; i < 10000; ++i) many += " a";
    EXPECT_EQ(parsed(many).words.size(), 10001U);
}

// Whatever a line is, it is taken apart or refused, and what is quoted comes back as it was.
TEST(CommandLine, RandomLines) {
    constexpr std::string_view letters = "ab 2>&<|;#'\"\\$A{}?\t\r";
    unsigned state = 1;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (unsigned i = state >> 8 & 31; i > 0; --i) {
            state = state * 1664525 + 1013904223;
            text += letters[(state >> 16) % letters.size()];
        }
        state = state * 1664525 + 1013904223;
        CommandLine line;
        if (parse_line(text, variables, line).empty() && line.words.empty()) {
            EXPECT_TRUE(line.redirections.empty() && !line.background);
        }
        if (!text.empty()) {
            EXPECT_EQ(parsed("x " + c_init::quoted(text)).words, (Words{"x", text}));
        }
    }
}

} // namespace

} // namespace chorale::c_init
