// The functions of the nucleus that run as their caller: copies to and from the memory of the user thread in
// whose LAP or handler it is, masks.
#include "arch/host/machine.hpp"
#include "kernel/supervisor/thread_level.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/supervising.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr nowhere{0x90'0000};

struct Late {
    std::array<long, 5> results{};
    bool called{};
};
Late late; // of a function at interrupt level, which has no other way to it

void copy_late(u64, u64) {
    char text[8];
    late.results = {thread_level::copy_in(free_data.raw(), text, 4),
                    thread_level::copy_in_string(free_data.raw(), text, 4),
                    thread_level::copy_out(text, free_data.raw(), 4),
                    thread_level::copy_inside(text, text, 4),
                    native_call(Call::svTimeoutGetRes, machine::supervisor_end - 8)};
    late.called = true;
}

[[nodiscard]] Task<void> copy_strings() {
    using thread_level::copy_in_string, thread_level::copy_out;
    std::array<char, 64> long_text{};
    long_text.fill('x');
    long_text[40] = '\0';
    // Its last byte is the last of the actor's memory: nothing behind it is touched.
    const VmAddr place = data_base.raw() + data_size - 41;
    const int written = copy_out(long_text.data(), place, 41);
    expect(written, K_OK, "svCopyOut of a text");
    if (written != K_OK) co_return;
    std::array<char, 64> read{};
    expect(copy_in_string(place, read.data(), 64), 41, "svCopyInString with its NUL");
    expect(copy_in_string(place, read.data(), 41), 41, "svCopyInString into what just fits");
    expect(copy_in_string(place, read.data(), 40), K_ENOMEM, "svCopyInString into less");
    expect(copy_in_string(place, read.data(), 0), K_ENOMEM, "svCopyInString into nothing");
    const char visible = 'x';
    expect(copy_out(&visible, place + 40, 1), K_OK, "svCopyOut of a byte");
    if (!failures_expected()) expect(copy_in_string(place, read.data(), 64), K_EFAULT, "a text without end");
}

[[nodiscard]] Task<void> copy_words() {
    using thread_level::copy_in, thread_level::copy_out;
    u64 word = 0x1234, back = 0;
    const VmAddr place = free_data.raw();
    const int out = copy_out(&word, place, sizeof word), in = copy_in(place, &back, sizeof back);
    expect(out, K_OK, "svCopyOut");
    expect(in, K_OK, "svCopyIn");
    if (out == K_OK && in == K_OK && back != word) complain("what was copied out is not there");
    for (const VmAddr bad : {VmAddr{0}, nowhere.raw(), ~VmAddr{0}, machine::supervisor_begin}) {
        expect(copy_in(bad, &back, sizeof back), K_EFAULT, "svCopyIn from nowhere");
        expect(copy_out(&back, bad, sizeof back), K_EFAULT, "svCopyOut to nowhere");
    }
    expect(copy_in(place, &back, -1), K_EFAULT, "svCopyIn of less than nothing");
    expect(copy_out(&back, place, -1), K_EFAULT, "svCopyOut of less than nothing");
    co_await copy_strings();
}

// Within the supervisor space: here nothing is there that a copy could reach.
void copy_inside() {
    u64 word = 0;
    auto* const there = reinterpret_cast<void*>(machine::supervisor_begin + page_size);
    auto* const end = reinterpret_cast<void*>(machine::supervisor_end - 4);
    auto* const user = reinterpret_cast<void*>(free_data.raw());
    const auto refused = [](const void* source, void* target, int count) {
        expect(thread_level::copy_inside(source, target, count), K_EFAULT, "svCopyInside of nothing");
    };
    refused(there, there, -1);
    refused(user, there, sizeof word);
    refused(there, user, sizeof word);
    refused(&word, there, sizeof word);
    refused(there, &word, sizeof word);
    refused(end, there, sizeof word);
    refused(there, end, sizeof word);
    expect(thread_level::symbol_address("") == 0, true, "svSymbolAddress of no name");
    const std::string long_name(100, 'x');
    expect(thread_level::symbol_address(long_name.c_str()) == 0, true, "svSymbolAddress of a long name");
}

// At interrupt level there is no user memory: whose would it be?
[[nodiscard]] Task<void> copy_at_interrupt_level() {
    constexpr unsigned line = 0;
    const auto handler = reinterpret_cast<u64>(&copy_late);
    Local<CpuIntrId> place;
    const long connected = co_await attempt(Call::svIntrConnect, line, handler, 0, place.at());
    if (connected != K_OK) co_return;
    late = {};
    raise_line(line);
    if (!co_await until([] { return late.called; })) complain("an interrupt is lost");
    for (const long result : late.results)
        if (late.called && result != K_EFAULT) complain("user memory at interrupt level");
    expect(co_await attempt(Call::svIntrDetach, co_await place.get()), K_OK, "svIntrDetach");
}

// Masks nest.
[[nodiscard]] Task<void> mask() {
    const auto masks = [](unsigned wanted) {
        if (thread_level::count_masks() != wanted) complain("interrupts are masked more or less often");
    };
    masks(0);
    thread_level::mask_interrupts();
    thread_level::mask_interrupts();
    co_await pause();
    masks(2);
    thread_level::unmask_interrupts();
    co_await pause();
    masks(1);
    thread_level::unmask_interrupts();
    masks(0);
    co_await copy_at_interrupt_level();
}

[[nodiscard]] Task<void> supervise_only(Program program) { static_cast<void>(co_await supervise(program)); }

} // namespace

Task<void> thread_level_functions(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap user = co_await stage->actor();
    copy_inside();
    const Program copies = [](u64) { return copy_words(); }, masks = [](u64) { return mask(); };
    co_await stage->play(user, [copies](u64) { return supervise_only(copies); }, {.cpu = 1, .stack = 1});
    co_await stage->play(user, [masks](u64) { return supervise_only(masks); }, {.cpu = 2, .stack = 2});
    co_await stage->end();
}

} // namespace chorale::test
