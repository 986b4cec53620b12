// The line discipline: what is typed, what is shown, what programs read.
#include "c_os/file/terminal.hpp"
#include "process.hpp"

#include "c_os/file/console.hpp"
#include "c_os/file/device.hpp"

#include <chorus/terminal.h>

#include <thread>
#include <vector>

namespace chorale::c_os::test {
namespace {

struct Screen final : TerminalOutput {
    void send(const char* text, std::size_t size) override { shown.append(text, size); }
    std::string take() { return std::exchange(shown, {}); }
    std::string shown;
};

struct Signals final : TerminalEvents {
    void on_signal_character(TerminalSignal signal, int group) override {
        seen.push_back(static_cast<int>(signal));
        last_group = group;
    }
    bool is_group_of_session(int group, int session) override { return group / 100 == session / 100; }
    std::vector<int> seen;
    int last_group{};
};

struct TerminalTest : FilesTest {
    Process p{root};
    Screen screen;
    Signals signals;
    Ref<Terminal> terminal = Ref<Terminal>::adopt(new (std::nothrow) Terminal{screen, &signals});

    void type(std::string_view text) {
        terminal->input({reinterpret_cast<const u8*>(text.data()), text.size()});
    }
    std::string read(std::size_t size = 4096, bool blocks = false) {
        std::string text(size, '\0');
        Buffer to = Buffer::of_memory(text.data(), size);
        const Result<std::size_t> count = terminal->read(to, blocks);
        if (!count) return "error " + std::to_string(static_cast<int>(count.error()));
        text.resize(*count);
        return text;
    }
    std::string write(const std::string& text) {
        Buffer from = Buffer::of_memory(text.data(), text.size());
        EXPECT_EQ(terminal->write(from, true), text.size());
        return screen.take();
    }
    TerminalAttributes attributes() {
        const UserPiece to = p.piece(sizeof(TerminalAttributes));
        EXPECT_TRUE(terminal->control(p.context, 0x5401, to.address));
        return to.value<TerminalAttributes>();
    }
    void set(const TerminalAttributes& wanted, u32 request = 0x5402) {
        EXPECT_TRUE(terminal->control(p.context, request, p.piece_of(wanted).address));
    }
    void make_raw(u8 minimum, u8 time) {
        TerminalAttributes raw = attributes();
        raw.local_flags &= ~(local_canonical | local_echo | local_signals);
        raw.input_flags = 0;
        raw.characters[character_minimum] = minimum;
        raw.characters[character_time] = time;
        set(raw);
    }
};

const std::string again = "error 11";

TEST_F(TerminalTest, LinesAreReadWhole) {
    EXPECT_EQ(read(), again);
    type("hello");
    EXPECT_EQ(read(), again);
    EXPECT_EQ(screen.take(), "hello");
    type("\r");
    EXPECT_EQ(screen.take(), "\r\n");
    EXPECT_EQ(read(3), "hel");
    EXPECT_EQ(read(), "lo\n");
    EXPECT_EQ(read(), again);
    type("a\nb\n");
    EXPECT_EQ(read(), "a\n");
    EXPECT_EQ(read(), "b\n");
}

TEST_F(TerminalTest, EndOfFile) {
    type("\004");
    EXPECT_EQ(read(), "");
    EXPECT_EQ(read(), again);
    type("ab\004cd\004");
    EXPECT_EQ(read(2), "ab"); // which has seen the end of the file, too
    EXPECT_EQ(read(), "cd");
    EXPECT_EQ(read(), again);
    EXPECT_EQ(screen.take(), "abcd");
}

TEST_F(TerminalTest, Editing) {
    type("ab\177c\177\177\177\177x\n");
    EXPECT_EQ(read(), "x\n");
    EXPECT_EQ(screen.take(), "ab\b \bc\b \b\b \bx\r\n");
    type("one two  \027three\027\027four\n");
    EXPECT_EQ(read(), "four\n");
    screen.take();
    type("gone\025here\n");
    EXPECT_EQ(read(), "here\n");
    EXPECT_EQ(screen.take(), "gone\b \b\b \b\b \b\b \bhere\r\n");
    type("\026\003\n"); // ^V ^C
    EXPECT_EQ(read(), "\003\n");
    EXPECT_EQ(screen.take(), "^\b^C\r\n");
    type("a\002\177\n"); // a control character takes two columns
    EXPECT_EQ(screen.take(), "a^B\b \b\b \b\r\n");
    EXPECT_EQ(read(), "a\n");
    type("a\t\177b\n"); // a tab takes some
    EXPECT_EQ(read(), "ab\n");
    EXPECT_EQ(screen.take(), "a\t\b \b\b \b\b \b\b \b\b \b\b \b\b \bb\r\n");
    type("x\303\244\177y\n"); // two bytes, one column
    EXPECT_EQ(read(), "xy\n");
    EXPECT_EQ(screen.take(), "x\303\244\b \by\r\n");
    type("ab\022c\n");
    EXPECT_EQ(screen.take(), "ab^R\r\nabc\r\n");
    EXPECT_EQ(read(), "abc\n");
    type("a\n\177\177b\n"); // not back into the line before
    EXPECT_EQ(read(), "a\n");
    EXPECT_EQ(read(), "b\n");
}

TEST_F(TerminalTest, ModesOfEditing) {
    TerminalAttributes other = attributes();
    other.local_flags &= ~(local_echo_erase | local_echo_kill_line);
    set(other);
    type("ab\177\025");
    EXPECT_EQ(screen.take(), "ab^?^U\r\n");
    other.local_flags = local_canonical | local_echo_nl;
    set(other);
    type("hidden\n");
    EXPECT_EQ(screen.take(), "\r\n");
    EXPECT_EQ(read(), "hidden\n");
    other.characters[character_end_of_line] = ';';
    set(other);
    type("a;b");
    EXPECT_EQ(read(), "a;");
    EXPECT_EQ(read(), again);
}

TEST_F(TerminalTest, InputIsMapped) {
    TerminalAttributes other = attributes();
    other.input_flags = input_ignore_cr | input_strip;
    set(other);
    type("a\r\xe2\n");
    EXPECT_EQ(read(), "ab\n");
    other.input_flags = input_nl_to_cr;
    set(other);
    type("a\n\r");
    EXPECT_EQ(read(), again);
    other.local_flags &= ~local_canonical;
    set(other);
    EXPECT_EQ(read(), "a\r\r");
}

TEST_F(TerminalTest, OutputIsProcessed) {
    EXPECT_EQ(write("a\nb\tc"), "a\r\nb\tc");
    TerminalAttributes other = attributes();
    other.output_flags = output_process | output_tabs | output_upper_case | output_no_cr_at_0;
    set(other);
    EXPECT_EQ(write("\n\r"), "\n\r");
    EXPECT_EQ(write("\rab\tc"), "AB      C");
    other.output_flags = output_process | output_cr_to_nl;
    set(other);
    EXPECT_EQ(write("a\r"), "a\n");
    other.output_flags = 0;
    set(other);
    EXPECT_EQ(write("a\r\n\t"), "a\r\n\t");
    EXPECT_EQ(write(std::string(1000, 'x')), std::string(1000, 'x'));
}

TEST_F(TerminalTest, Signals) {
    type("lost\003kept\n");
    EXPECT_EQ(signals.seen, (std::vector<int>{0}));
    EXPECT_EQ(screen.take(), "lost^Ckept\r\n");
    EXPECT_EQ(read(), "kept\n");
    type("\034\032");
    EXPECT_EQ(signals.seen, (std::vector<int>{0, 1, 2}));
    TerminalAttributes other = attributes();
    other.local_flags |= local_no_flush;
    set(other);
    type("kept\003\n");
    EXPECT_EQ(read(), "kept\n");
    other.local_flags &= ~local_signals;
    set(other);
    type("\003\n");
    EXPECT_EQ(read(), "\003\n");
    EXPECT_EQ(signals.seen.size(), 4U);
    const UserPiece window = p.piece_of(WindowSize{50, 132, 0, 0});
    EXPECT_TRUE(terminal->control(p.context, 0x5414, window.address));
    EXPECT_TRUE(terminal->control(p.context, 0x5414, window.address)); // nothing new
    EXPECT_EQ(signals.seen.size(), 5U);
    EXPECT_EQ(signals.seen.back(), static_cast<int>(TerminalSignal::window_changed));
    const UserPiece to = p.piece(8);
    EXPECT_TRUE(terminal->control(p.context, 0x5413, to.address));
    EXPECT_EQ(to.value<WindowSize>().columns, 132);
}

TEST_F(TerminalTest, RawMode) {
    make_raw(1, 0);
    type("a\003\r");
    EXPECT_EQ(read(), "a\003\r");
    EXPECT_EQ(screen.take(), "");
    EXPECT_EQ(read(), again);
    make_raw(0, 0);
    EXPECT_EQ(read(100, true), "");
    make_raw(0, 1);
    const u64 before = now();
    EXPECT_EQ(read(100, true), "");
    EXPECT_GE(now() - before, 90'000'000U);
    make_raw(3, 0);
    type("ab");
    std::jthread typist{[&] { type("cd"); }};
    EXPECT_EQ(read(3, true), "abc");
    typist.join();
    EXPECT_EQ(read(100, false), "d"); // without waiting: what there is
    make_raw(5, 1);
    type("xy");
    EXPECT_EQ(read(100, true), "xy"); // no third byte for a tenth of a second
}

TEST_F(TerminalTest, AReaderWaits) {
    std::jthread typist{[&] { type("late\n"); }};
    EXPECT_EQ(read(100, true), "late\n");
    typist.join();
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(read(100, true), "error 4");
    set_abort(nullptr);
}

TEST_F(TerminalTest, ChangesOfMode) {
    type("half");
    make_raw(1, 0);
    EXPECT_EQ(read(2), "ha");
    TerminalAttributes canonical = attributes();
    canonical.local_flags |= local_canonical;
    set(canonical);
    EXPECT_EQ(read(), "lf"); // what was there is a line
    type("x");
    set(canonical, 0x5404); // TCSETSF
    type("y\n");
    EXPECT_EQ(read(), "y\n");
}

TEST_F(TerminalTest, AFullLine) {
    for (int i = 0; i < 5000; ++i) type("x");
    type("\n");
    const std::string line = read(5000);
    EXPECT_EQ(line.size(), 4096U);
    EXPECT_EQ(line.back(), '\n');
    make_raw(1, 0);
    for (int i = 0; i < 5000; ++i) type("x");
    EXPECT_EQ(read(5000).size(), 4096U);
}

TEST_F(TerminalTest, KnowsTheColumn) {
    const UserPiece to = p.piece(sizeof(int));
    const auto column_behind = [&](const std::string& text) {
        static_cast<void>(write(text));
        EXPECT_TRUE(terminal->control(p.context, CHORUS_TIOCGCOLUMN, to.address));
        return to.value<int>();
    };
    EXPECT_EQ(column_behind("abc"), 3);
    EXPECT_EQ(column_behind("\t"), 8);
    EXPECT_EQ(column_behind("\b"), 7);
    EXPECT_EQ(column_behind("x\n"), 0);
}

TEST_F(TerminalTest, FlowAndEnd) {
    type("\023");
    Buffer from = Buffer::of_memory("x", 1);
    EXPECT_EQ(terminal->write(from, false), failed(Error::eagain));
    EXPECT_EQ(terminal->poll(nullptr) & poll_out, 0);
    type("\021");
    EXPECT_EQ(terminal->write(from, false), 1U);
    EXPECT_EQ(terminal->poll(nullptr), poll_out | poll_write_normal);
    type("a\n");
    EXPECT_NE(terminal->poll(nullptr) & poll_in, 0);
    const UserPiece to = p.piece(4);
    EXPECT_TRUE(terminal->control(p.context, 0x541b, to.address));
    EXPECT_EQ(to.value<int>(), 2);
    EXPECT_TRUE(terminal->control(p.context, 0x540b, 0));
    EXPECT_FALSE(terminal->control(p.context, 0x540b, 3));
    EXPECT_FALSE(terminal->control(p.context, 0x1234, 0));
    EXPECT_EQ(read(), again);
    terminal->hang_up();
    EXPECT_EQ(read(100, true), "");
    Buffer more = Buffer::of_memory("x", 1);
    EXPECT_EQ(terminal->write(more, true), failed(Error::eio));
}

TEST_F(TerminalTest, Sessions) {
    const UserPiece to = p.piece_of(150);
    EXPECT_EQ(terminal->control(p.context, 0x540f, to.address), failed(Error::enotty));
    p.context.set_job({101, 101, 100});
    EXPECT_EQ(terminal->control(p.context, 0x540e, 0), failed(Error::eperm)); // no leader
    p.context.set_job({100, 100, 100});
    EXPECT_TRUE(terminal->control(p.context, 0x540e, 0));
    EXPECT_TRUE(terminal->control(p.context, 0x5410, to.address));
    EXPECT_EQ(terminal->process_group(), 150);
    type("\003");
    EXPECT_EQ(signals.last_group, 150);
    EXPECT_EQ(terminal->control(p.context, 0x5410, p.piece_of(250).address), failed(Error::eperm));
    EXPECT_EQ(terminal->control(p.context, 0x5410, p.piece_of(-1).address), failed(Error::einval));
    EXPECT_TRUE(terminal->control(p.context, 0x5429, to.address));
    EXPECT_EQ(to.value<int>(), 100);
    Process q{root, 10, 10};
    q.context.set_job({200, 200, 200});
    EXPECT_EQ(terminal->control(q.context, 0x540e, 1), failed(Error::eperm)); // another session's
    Process child{root};
    ASSERT_TRUE(child.context.begin_as_child(p.context));
    EXPECT_TRUE(terminal->control(child.context, 0x540f, to.address));
    EXPECT_TRUE(terminal->control(p.context, 0x5422, 0));
    EXPECT_EQ(terminal->session(), 0);
    EXPECT_TRUE(terminal->control(q.context, 0x540e, 0));
}

TEST_F(TerminalTest, TheConsole) {
    static Signals console_signals;
    static const Done started = start_console(&console_signals);
    ASSERT_TRUE(started);
    EXPECT_EQ(p("open", "/dev/tty", open_read_write), -ENXIO);
    p.context.set_job({7, 7, 7});
    const long file = p("open", "/dev/console", open_read_write);
    ASSERT_GE(file, 0);
    console()->leave_session();
    EXPECT_EQ(p("ioctl", file, 0x540e, 0), 0);
    EXPECT_GE(p("open", "/dev/tty", open_read_write), 0);
    EXPECT_EQ(p("write", file, "hello\n", 6), 6);
    EXPECT_EQ(console_output(), "hello\r\n");
    Abort abort;
    std::jthread input{[&] {
        set_abort(&abort);
        read_console_input();
    }};
    test::type("typed\r");
    EXPECT_EQ(p.read(static_cast<int>(file), 100), "typed\n");
    EXPECT_EQ(console_output(), "typed\r\n");
    abort_wait(abort);
    input.join();
    p.context.set_terminal(nullptr);
    console()->leave_session();
}

} // namespace
} // namespace chorale::c_os::test
