// The end of the nucleus by its own hand: what it says, once and in order.
#include "arch/host/root.hpp"
#include "kernel/base/log.hpp"
#include "kernel/call/names.hpp"
#include "kernel/main/symbols.hpp"
#include "tests/machine/child.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/supervising.hpp"
#include "tests/machine/world.hpp"

#include <machine/halt.hpp>

#include <csetjmp>
#include <cstdio>

namespace chorale::test {

namespace {

using namespace host;

jmp_buf end_of_machine;
int verdict;

// The machine of somebody who wants to go on after its end.
class Ending final : public Engine {
  public:
    void relax() override {}
    void ring(CpuIndex) override {}
    void wait_for_interrupt() override {}
    void interrupt_window() override {}
    u64 now() override { return 1; }
    [[noreturn]] void stop(int value) override {
        verdict = value;
        longjmp(end_of_machine, 1); // NOLINT: nothing on the way has a destructor
    }
};

// What a panic says here.
[[nodiscard]] std::string panic_report(const char* reason, u64 value) {
    Engine& before = engine();
    Ending ending;
    testing::internal::CaptureStdout();
    use_engine(&ending);
    if (setjmp(end_of_machine) == 0) panic(reason, value);
    use_engine(&before);
    return testing::internal::GetCapturedStdout();
}

// By a thread: in a program, which a test may do, as it would be in a call of it.
[[noreturn]] void panic_of_thread() {
    // Of panic() itself, which the backtrace begins with.
    char text[64];
    std::snprintf(text, sizeof text, "%016lx the_place_of_all\n", reinterpret_cast<unsigned long>(&panic));
    put_in_bank("nucleus.sym", text);
    play_in_child({}, [](u64) -> Task<void> {
        static_cast<void>(co_await use_fpu());
        own_frame().control = static_cast<u64>(Call::threadAbort) << MESSAGE_NUMBER_SHIFT; // as in that call
        panic("a thread's", 7);
    });
}

// Another CPU's report is the one that counts: this one halts and says nothing.
[[noreturn]] void panic_of_another() {
    begin_child();
    static_cast<void>(machine());
    static_cast<void>(panic_report("the first", 1));
    become(cpu(1));
    const std::string second = panic_report("the second", 2);
    leave_child(verdict == machine::verdict_failure && second.empty() ? 0 : 1);
}

// Before there are threads, and CPUs that know who they are.
[[noreturn]] void panic_too_early() {
    begin_child();
    become(cpu(0));
    const std::string report = panic_report("early", 3);
    const bool good = report.find("cpu 0\r\nroot ") != std::string::npos;
    leave_child(verdict == machine::verdict_panic && good ? 0 : 1);
}

// A supervisor actor's wish.
[[nodiscard]] Task<void> wish(u64) {
    Local<std::array<u64, 3>> arguments;
    Local<std::array<char, 16>> text;
    co_await arguments.set({10, 11, 12});
    co_await text.set({"the reason"});
    static_cast<void>(co_await attempt(Call::svSysPanic, 77, arguments.at(), 24, text.at(), VirtAddr{8}, 99));
}
[[noreturn]] void panic_by_call() {
    play_in_child({.supervisor = true},
                  [](u64) -> Task<void> { static_cast<void>(co_await supervise(wish)); });
}

// Without a word, and with more than is told.
[[nodiscard]] Task<void> poor_wish(u64) {
    Local<std::array<char, 16>> file;
    co_await file.set({"wishes.cpp"});
    static_cast<void>(co_await attempt(Call::svSysPanic, 78, VirtAddr{8}, 1000, VirtAddr{8}, file.at(), 7));
}
[[noreturn]] void panic_by_poor_call() {
    play_in_child({.supervisor = true},
                  [](u64) -> Task<void> { static_cast<void>(co_await supervise(poor_wish)); });
}

class PanicChild : public InChild {};

[[nodiscard]] formats::Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace

TEST(Panic, report) {
    static_cast<void>(machine());
    // All of the process is below one symbol, whose name is then in the backtrace.
    const std::string report = panic_report("a test", 0x1234);
    EXPECT_EQ(verdict, machine::verdict_panic);
    for (const char* const part :
         {"@panic a test (0x1234)", "cpu ", "no thread", "root ", "backtrace:", "@endpanic"})
        EXPECT_NE(report.find(part), std::string::npos) << part << " is missing in\n" << report;
    // Only one panic is reported; a second one by the same CPU is a panic in the panic.
    const std::string second = panic_report("another", 5);
    EXPECT_NE(second.find("panic in the panic: another (0x5)"), std::string::npos) << second;
    EXPECT_EQ(second.find("backtrace"), std::string::npos) << second;
}

TEST_F(PanicChild, of_a_thread) {
    EXPECT_EXIT(panic_of_thread(), testing::ExitedWithCode(aborted),
                "@panic a thread's \\(0x7\\).*actor root thread 1, last call threadAbort.*backtrace:.*"
                "the_place_of_all \\+ 0x.*@endpanic");
}
TEST_F(PanicChild, by_a_call) {
    EXPECT_EXIT(
        panic_by_call(), testing::ExitedWithCode(aborted),
        "svSysPanic 77: the reason \\(:99\\).*argument 0xa.*argument 0xc.*@panic svSysPanic \\(0x4d\\)");
}
TEST_F(PanicChild, by_a_poor_call) {
    EXPECT_EXIT(panic_by_poor_call(), testing::ExitedWithCode(aborted),
                "svSysPanic 78: +\\(wishes.cpp:7\\).*@panic svSysPanic \\(0x4e\\)");
}
TEST_F(PanicChild, of_another_cpu) { EXPECT_EXIT(panic_of_another(), testing::ExitedWithCode(0), ""); }
TEST_F(PanicChild, too_early) { EXPECT_EXIT(panic_too_early(), testing::ExitedWithCode(0), ""); }

TEST(Panic, names_of_calls) {
    EXPECT_EQ(call_name(0), "ipcCall");
    EXPECT_EQ(call_name(1), "ipcReplyReceive");
    EXPECT_EQ(call_name(static_cast<unsigned>(Call::vmCopy)), "vmCopy");
    EXPECT_EQ(call_name(static_cast<unsigned>(Call::cpuSelf)), "cpuSelf");
    for (const unsigned nobodys : {127u, 255u, 256u, ~0u}) EXPECT_EQ(call_name(nobodys), "unknown call");
}

TEST(Panic, symbols) {
    constexpr std::string_view file =
        "0000000000001000 first\n0000000000002000 second\n00000000000fabcd third\n";
    EXPECT_EQ(symbols::find_in(file, 0xfff).name, "");
    EXPECT_EQ(symbols::find_in(file, 0x1000).name, "first");
    const symbols::Place place = symbols::find_in(file, 0x2010);
    EXPECT_EQ(place.name, "second");
    EXPECT_EQ(place.offset, 0x10u);
    EXPECT_EQ(symbols::find_in(file, 0xfabcd + 7).name, "third");
    EXPECT_EQ(symbols::find_in(file, 0x1000'0000).name, "") << "too far from any symbol";
    EXPECT_EQ(symbols::find_in("", 0x1000).name, "");
    for (const char* const bad : {"short\n", "000000000000100X name\n", "0000000000001000-name\n"})
        EXPECT_EQ(symbols::find_in(bad, 0x1000).name, "") << bad;
    symbols::use(bytes_of(file));
    EXPECT_EQ(symbols::find(0x1004).name, "first");
    symbols::use({});
    EXPECT_EQ(symbols::find(0x1004).name, "");
}

} // namespace chorale::test
