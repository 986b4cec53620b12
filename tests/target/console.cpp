// Suite console: what is typed. Reading needs somebody who types: with console.typed=on the harness answers
// each line "type: <text>" by typing the text (tools/guest-test --types); without, those cases are skipped.
#include "check.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>

namespace chorale::test {
namespace {

[[nodiscard]] bool typist(Report& report) {
    char buffer[K_ENVVALUEMAX];
    const bool there = same_text(environment_text("console.typed", buffer, "off"), "on");
    if (!there) {
        report.skip("nobody types");
    }
    return there;
}

// \\r, \\n, \\b and \\d (delete) stand for the characters.
void type(const char* text) { print("type: %s\n", text); }

char line[64];
std::atomic<int> result;

void read_line(std::uintptr_t size) { result = sysRead(line, static_cast<unsigned>(size)); }

// Reads while `text` is being typed.
int read_typed(Report& report, const char* text, unsigned size) {
    for (char& character : line) {
        character = 'x';
    }
    result = 1000;
    Helper helper;
    if (helper.start(read_line, size, higher_priority, cpu_count() - 1) <= 0) {
        return -1000;
    }
    type(text);
    CHECK(helper.join());
    print("\n"); // the echo may not have ended its line
    return result;
}

void lines(Report& report) {
    if (!typist(report)) {
        return;
    }
    CHECK_EQ(read_typed(report, "hello\\r", sizeof(line)), 5);
    CHECK(same_text(line, "hello"));
    CHECK_EQ(line[6], 'x');
    CHECK_EQ(read_typed(report, "\\n", sizeof(line)), 0);
    CHECK(same_text(line, ""));
    // Without an end of the line when the buffer is full.
    CHECK_EQ(read_typed(report, "abcd", 5), 4);
    CHECK(same_text(line, "abcd"));
    CHECK_EQ(read_typed(report, "ab\\bc\\d\\d\\d\\dz\\r", sizeof(line)), 1);
    CHECK(same_text(line, "z"));
}

void one_character(Report& report) {
    if (!typist(report)) {
        return;
    }
    CHECK_EQ(read_typed(report, "\\r", 1), 1);
    CHECK_EQ(line[0], '\r');
    CHECK_EQ(line[1], 'x');
}

struct Turn {
    char text[16];
    std::atomic<int> result;
};
Turn turns[3];

void take_turn(std::uintptr_t index) { turns[index].result = sysRead(turns[index].text, 16); }

// Readers get whole lines, in the order in which they asked; one that is gone or held takes none.
void several_readers(Report& report) {
    if (!typist(report)) {
        return;
    }
    Helper first, second, third;
    for (Turn& turn : turns) {
        turn.result = 1000;
    }
    REQUIRE(first.start(take_turn, 0, higher_priority, 0) > 0);
    sleep_milliseconds(1);
    REQUIRE(second.start(take_turn, 1, higher_priority, cpu_count() - 1) > 0);
    sleep_milliseconds(1);
    REQUIRE(third.start(take_turn, 2, higher_priority, 0) > 0);
    sleep_milliseconds(1);
    CHECK_EQ(threadBind(K_MYACTOR, third.thread(), cpu_count() - 1, nullptr, K_NONEXCLUSIVE), K_OK);
    CHECK_EQ(threadDelete(K_MYACTOR, second.thread()), K_OK);
    type("one\\rtwo\\r");
    CHECK(first.join());
    CHECK(third.join());
    CHECK_EQ(turns[0].result, 3);
    CHECK(same_text(turns[0].text, "one"));
    CHECK_EQ(turns[1].result, 1000);
    CHECK(same_text(turns[2].text, "two"));
}

void polling(Report& report) {
    if (!typist(report)) {
        return;
    }
    char character = 'x';
    CHECK_EQ(sysPoll(&character), 0);
    type("q");
    CHECK(eventually([&] { return sysPoll(&character) == 1; }));
    print("\n");
    CHECK_EQ(character, 'q');
    CHECK_EQ(sysPoll(&character), 0);
}

void aborted(Report& report) {
    result = 1000;
    Helper helper;
    REQUIRE(helper.start(read_line, 16, higher_priority, cpu_count() - 1) > 0);
    sleep_milliseconds(3);
    CHECK_EQ(result, 1000);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK(helper.join());
    CHECK_EQ(result, K_EABORT);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK); // before the wait
    CHECK_EQ(sysRead(line, 16), K_EABORT);
    CHECK_EQ(sysRead(line, 0), 0);
    CHECK_EQ(sysRead(nullptr, 16), K_EFAULT);
    CHECK_EQ(sysPoll(nullptr), K_EFAULT);
}

constexpr Case cases[] = {
    {"lines", lines},
    {"one_character", one_character},
    {"several_readers", several_readers},
    {"polling", polling},
    {"aborted", aborted},
};

} // namespace

const Suite console_suite{"console", cases};

} // namespace chorale::test
