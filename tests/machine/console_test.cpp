// What is typed and what is written: lines to whom they belong, by interrupt and without one; the log.
#include "kernel/base/line_log.hpp"
#include "tests/machine/child.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/solo.hpp"

#include <machine/console.hpp>
#include <machine/user_access.hpp>

#include <cstdio>
#include <string_view>
#include <utility>

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr text_at = free_data;
constexpr unsigned room_for_text = 64;
constexpr u64 soon = 25 * millisecond; // a polled console's readers look every 10 ms

// What one reader got, read by read.
struct Reader {
    std::vector<std::pair<long, std::string>> got;
};
using Readers = std::vector<Reader>;

[[nodiscard]] Task<void> read(std::shared_ptr<Readers> readers, unsigned which, unsigned size,
                              unsigned times) {
    const VirtAddr at = text_at + which * room_for_text;
    for (unsigned i = 0; i < times; ++i) {
        co_await store(at, std::array<char, room_for_text>{"##############"});
        const long result = co_await attempt(Call::sysRead, at, size);
        const auto text = co_await load<std::array<char, room_for_text>>(at);
        (*readers)[which].got.emplace_back(result, std::string{text.data(), 8});
    }
}

[[nodiscard]] Task<void> type(const char* text) {
    machine::console_type(text);
    co_await rest(soon);
}

struct Theatre {
    std::shared_ptr<Stage> stage = std::make_shared<Stage>();
    KnCap actor{};
    std::shared_ptr<Readers> readers = std::make_shared<Readers>();
    std::vector<long> threads;
};

[[nodiscard]] Task<void> add_reader(Theatre& theatre, unsigned size, unsigned times, CpuIndex cpu) {
    const auto readers = theatre.readers;
    const auto which = static_cast<unsigned>(readers->size());
    readers->emplace_back();
    theatre.threads.push_back(co_await theatre.stage->serve(
        theatre.actor, [=](u64) { return read(readers, which, size, times); }, {cpu, 100, 1 + which}));
    co_await rest(millisecond);
}

using Got = std::vector<std::pair<long, std::string>>;
const std::string filled = "########";
// A line and what is behind it.
[[nodiscard]] std::pair<long, std::string> line(std::string text) {
    const auto size = static_cast<long>(text.size());
    text += '\0';
    return {size, text + filled.substr(0, 8 - text.size())};
}

// In the order in which they came; what is typed before anybody wants it waits.
[[nodiscard]] Task<void> lines_in_turn() {
    Theatre all;
    all.actor = co_await all.stage->actor();
    co_await type("early\r");
    co_await add_reader(all, 16, 1, 0);
    co_await rest(soon);
    co_await add_reader(all, 16, 2, 1);
    co_await add_reader(all, 4, 2, 2);
    co_await add_reader(all, 1, 1, 3);
    co_await type("on"); // the turn stays the second one's
    co_await type("e\n");
    co_await type("abcdx");                 // three of them fit
    co_await type("\x7f\bsecond\b\x7fx\r"); // the fourth is the last one's; two more for nobody yet
    const auto& readers = *all.readers;
    EXPECT_EQ(readers[0].got, (Got{line("early")}));
    EXPECT_EQ(readers[2].got.at(0), line("abc"));
    EXPECT_EQ(readers[3].got, (Got{{1, "d#######"}}));
    EXPECT_EQ(readers[1].got, (Got{line("one"), line("secox")})); // with backspaces at its beginning
    co_await type("\r");
    EXPECT_EQ(readers[2].got, (Got{line("abc"), line("")}));
    co_await all.stage->end();
    machine::console_type(nullptr);
}

// Nobody reads: characters come one by one. Somebody does: they are his.
[[nodiscard]] Task<void> single_characters() {
    Theatre all;
    all.actor = co_await all.stage->actor();
    const auto poll = [] { return attempt(Call::sysPoll, text_at); };
    EXPECT_EQ(co_await poll(), 0);
    machine::console_type("ab");
    EXPECT_EQ(co_await poll(), 1);
    EXPECT_EQ(co_await load<char>(text_at), 'a');
    EXPECT_EQ(co_await attempt(Call::sysPoll, nowhere), K_EFAULT); // and loses nothing
    EXPECT_EQ(co_await attempt(Call::sysRead, text_at, 0), 0);
    EXPECT_EQ(co_await attempt(Call::sysRead, nowhere, 8), K_EFAULT);
    EXPECT_EQ(co_await poll(), 1);
    EXPECT_EQ(co_await load<char>(text_at), 'b');
    co_await add_reader(all, 8, 1, 2);
    machine::console_type("xyz");
    EXPECT_EQ(co_await poll(), 0);
    co_await rest(soon);
    co_await type("\r");
    EXPECT_EQ(all.readers->at(0).got, (Got{line("xyz")}));
    // Readers whose memory ends, or is gone when something is typed.
    machine::console_type("abcd\r");
    EXPECT_EQ(co_await attempt(Call::sysRead, data_base + (data_size - 2), 16), K_EFAULT);
    for (const Call call : {Call::sysRead, Call::sysPoll}) {
        machine::console_type("a");
        machine::fail_user_copy_after(2);
        EXPECT_EQ(co_await attempt(call, text_at, 1), K_EFAULT);
    }
    const long found = co_await attempt(Call::sysRead, data_base + (data_size - 2), 1);
    EXPECT_EQ(found, K_EABORT);
    co_await all.stage->end();
    machine::console_type(nullptr);
}

// By another thread: what ends the last read of single_characters().
[[nodiscard]] Task<void> abort_first_of(KnCap actor) {
    co_await rest(6 * soon);
    EXPECT_EQ(co_await on_thread(Call::threadAbort, actor, 1), K_OK);
}

[[nodiscard]] Task<void> characters_and_abort() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    co_await stage->play(actor, [](u64) { return single_characters(); }, {.cpu = 1, .stack = 20});
    co_await stage->play(other, [actor](u64) { return abort_first_of(actor); }, {.cpu = 3, .stack = 1});
    co_await stage->end(1000);
}

// The first readers go while something is typed: whoever is next gets the whole line that comes then.
[[nodiscard]] Task<void> readers_that_go() {
    Theatre all;
    all.actor = co_await all.stage->actor();
    for (const CpuIndex cpu : {1u, 2u, 3u, 1u, 2u}) co_await add_reader(all, 16, 1, cpu);
    for (unsigned i = 0; i < 4; ++i) {
        machine::console_type("lost");
        co_await rest(i * 400);
        const Call end = i % 2 == 0 ? Call::threadAbort : Call::threadDelete;
        EXPECT_EQ(co_await on_thread(end, all.actor, all.threads[i]), K_OK);
        co_await rest(soon);
        for (int tries = 0; tries < 8; ++tries) { // what the next one has taken already
            machine::console_type("\b\b\b\b");
            co_await rest(soon);
        }
    }
    co_await type("kept\r");
    EXPECT_EQ(all.readers->at(4).got, (Got{line("kept")}));
    co_await all.stage->end();
    machine::console_type(nullptr);
}

// ---- writing ---------------------------------------------------------------------------------------------

struct Written {
    unsigned whole{};
};

// Begins while the one before it is being sent.
[[nodiscard]] Task<void> write_soon(std::shared_ptr<Written> written, unsigned which) {
    co_await rest(millisecond + which * 300);
    const long result = co_await attempt(Call::sysWrite, text_at + which * 256, 256);
    written->whole += result == 256 ? 1 : 0;
}

// More than the console's ring takes at once.
[[nodiscard]] Task<void> write_much(std::shared_ptr<Written> written) {
    constexpr unsigned writers = 28;
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const auto fill = [](u64) -> Task<void> {
        for (unsigned i = 0; i < writers * 4; ++i) {
            std::array<char, 64> text{};
            text.fill(static_cast<char>('a' + i / 4 % 26));
            co_await store(text_at + i * 64, text);
        }
    };
    co_await stage->play(actor, fill, {.stack = 30});
    for (unsigned i = 0; i < writers; ++i)
        co_await stage->play(actor, [=](u64) { return write_soon(written, i); }, {1, 150 - i, i});
    co_await stage->end();
    EXPECT_EQ(written->whole, writers);
}

// What chIo.h promises to be in one piece: a line of a letter of the writer's own.
constexpr unsigned one_piece = 512, writers_at_once = 4, lines_of_each = 6;

[[nodiscard]] Task<void> write_lines(VirtAddr line_at, char letter) {
    for (unsigned i = 0; i < one_piece / 64; ++i) {
        std::array<char, 64> part{};
        part.fill(letter);
        if (i == one_piece / 64 - 1) part.back() = '\n';
        co_await store(line_at + i * 64, part);
    }
    for (unsigned i = 0; i < lines_of_each; ++i)
        EXPECT_EQ(co_await attempt(Call::sysWrite, line_at, one_piece), long{one_piece});
}

// On all CPUs at once, and two to a CPU that take turns. More than the ring takes.
[[nodiscard]] Task<void> write_at_once() {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    for (unsigned i = 0; i < writers_at_once; ++i) {
        const VirtAddr line_at = text_at + i * one_piece;
        const char letter = static_cast<char>('a' + i);
        co_await stage->play(actor, [=](u64) { return write_lines(line_at, letter); }, {1 + i % 3, 100, i});
    }
    co_await stage->end(1000);
}

void expect_whole_lines(const std::string& output) {
    unsigned whole = 0, mixed = 0;
    for (std::size_t begin = 0, end = 0; (end = output.find("\r\n", begin)) != std::string::npos;
         begin = end + 2) {
        const std::string_view line{output.data() + begin, end - begin};
        const bool alike = line.find_first_not_of(line.empty() ? ' ' : line.front()) == line.npos;
        ++(alike && line.size() == one_piece - 1 ? whole : mixed);
    }
    EXPECT_EQ(whole, writers_at_once * lines_of_each);
    EXPECT_EQ(mixed, 0u);
}

// ---- the log ---------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> log_of_all() {
    Local<u64> position;
    constexpr VirtAddr read_at = text_at + 1024;
    co_await position.set(~u64{0}); // its end
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 10), 0);
    const u64 begin = co_await position.get();
    co_await store(text_at, std::array<char, 8>{"a line\n"});
    EXPECT_EQ(co_await attempt(Call::sysLogWrite, text_at, 7), 7);
    EXPECT_EQ(co_await attempt(Call::sysLogWrite, text_at, 2000), SYSLOG_MAX_LINE); // the rest is cut
    EXPECT_EQ(co_await attempt(Call::sysLogWrite, nowhere, 7), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 7), 7);
    EXPECT_EQ((co_await load<std::array<char, 7>>(read_at))[5], 'e');
    EXPECT_EQ(co_await position.get(), begin + 7);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, nowhere, read_at, 7), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), nowhere, 7), K_EFAULT);
    EXPECT_EQ(co_await position.get(), begin + 7);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(co_await attempt(Call::sysLogWrite, text_at, SYSLOG_MAX_LINE), SYSLOG_MAX_LINE);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 1000), 256); // at most
    // A reader who is late goes on with the oldest that is left.
    for (unsigned i = 0; i < line_log_size / SYSLOG_MAX_LINE + 1; ++i)
        EXPECT_EQ(co_await attempt(Call::sysLogWrite, text_at, SYSLOG_MAX_LINE), SYSLOG_MAX_LINE);
    co_await position.set(begin);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 8), 8);
    EXPECT_GT(co_await position.get(), begin + SYSLOG_MAX_LINE);
}

// What could not be delivered, or of which the reader was not told, comes again.
[[nodiscard]] Task<void> log_read_again() {
    constexpr VirtAddr read_at = text_at + 1024;
    constexpr uword two_pages = 2 * page_size;
    Local<u64> position;
    co_await position.set(~u64{0});
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 1), 0);
    const u64 begin = co_await position.get();
    co_await store(text_at, std::array<char, 8>{"a line\n"});
    for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(co_await attempt(Call::sysLogWrite, text_at, 7), 7);
    // The position, the text, the position again.
    for (const u64 copy : {1u, 2u, 3u}) {
        machine::fail_user_copy_after(copy);
        EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 7), K_EFAULT);
        EXPECT_EQ(machine::user_copies_before_failure(), 0u);
        EXPECT_EQ(co_await position.get(), begin);
    }
    // Text that would fit in part; a position half of which cannot be written.
    KnRgnDesc region{};
    region.startAddr = 0xa0'0000;
    region.size = page_size;
    region.options = K_WRITABLE | K_NODEMAND;
    const VirtAddr last{region.startAddr + page_size};
    EXPECT_GT(co_await allocate(nobody, region), 0);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), last - 3, 7), K_EFAULT);
    EXPECT_EQ(co_await position.get(), begin);
    region.startAddr = last.raw();
    region.options = K_NODEMAND;
    EXPECT_GT(co_await allocate(nobody, region), 0);
    co_await store(last - 4, static_cast<u32>(begin));
    EXPECT_EQ(co_await attempt(Call::sysLogRead, last - 4, read_at, 256), K_EFAULT);
    EXPECT_EQ(co_await load<u32>(last - 4), static_cast<u32>(begin));
    // Now all of it.
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 256), 256);
    EXPECT_EQ(co_await attempt(Call::sysLogRead, position.at(), read_at, 256), 40 * 7 - 256);
    EXPECT_EQ(co_await position.get(), begin + u64{40} * 7);
    region.startAddr = last.raw() - page_size;
    region.size = two_pages;
    region.options = 0;
    EXPECT_EQ(co_await release(nobody, region), K_OK);
}

void readers_and_typists() {
    expect_clean(lines_in_turn);
    expect_clean([](u64) { return characters_and_abort(); });
    for (u64 seed = 1; seed <= 10; ++seed) {
        Random random{seed};
        expect_clean([](u64) { return in_actor(readers_that_go, 0); }, random, 50);
    }
}

// A firmware's console has no line: readers look for themselves.
[[noreturn]] void read_without_line() {
    begin_child();
    machine::use_console_line(false);
    readers_and_typists();
    Random random{5};
    for (Chooser* const chooser : {&plain_chooser(), static_cast<Chooser*>(&random)}) {
        for (const std::string& finding : play({"console_readers", console_readers}, *chooser, 100))
            ADD_FAILURE() << finding;
    }
    leave_child(report_failures() ? 1 : 0);
}

class ConsoleChild : public InChild {};

} // namespace

TEST(Console, Readers) { readers_and_typists(); }
TEST(Console, WritesMoreThanTheRing) {
    const auto written = std::make_shared<Written>();
    expect_clean([written](u64) { return write_much(written); });
}
TEST(Console, WritesInOnePiece) {
    static_cast<void>(machine()); // what the boot has to say is not looked at
    const bool silent = std::exchange(machine::console_silent, false);
    for (u64 seed = 1; seed <= 4; ++seed) {
        Random random{seed};
        testing::internal::CaptureStdout();
        expect_clean([](u64) { return write_at_once(); }, random, 500);
        expect_whole_lines(testing::internal::GetCapturedStdout());
    }
    machine::console_silent = silent;
}
TEST(Console, Log) { expect_clean(log_of_all, 1); }
TEST(Console, LogReadAgain) { expect_clean(log_read_again, 1); }

TEST_F(ConsoleChild, readers_without_a_line) {
    EXPECT_EXIT(read_without_line(), testing::ExitedWithCode(0), "console: input is polled");
}

} // namespace chorale::test
