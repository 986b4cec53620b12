// The small calls, the environment, and arguments that are wrong in every way.
#include "kernel/core/per_cpu.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

#include <string_view>

namespace chorale::test {

using namespace host;

namespace {

// Text in user memory, with its NUL.
struct Text {
    char bytes[K_ENVVALUEMAX + 8];
};
[[nodiscard]] Text text_of(std::string_view from) {
    Text text{};
    from.copy(text.bytes, sizeof text.bytes - 1);
    return text;
}

// Enough stack for texts: a region of the program's own.
constexpr VirtAddr name_at = free_data, value_at = free_data + 512, size_at = free_data + 1024;

[[nodiscard]] Task<void> own_names() {
    Local<KnCap> self;
    Local<KnUniqueId> port;
    if (co_await attempt(Call::nullCall) != K_OK) complain("nothing failed");
    if (co_await attempt(Call::threadSelf) <= 0) complain("a thread without a number");
    if (co_await attempt(Call::vmPageSize) != page_size) complain("another page size");
    if (co_await attempt(Call::actorSelf, self.at()) == K_OK) {
        const KnCap own = co_await self.get();
        co_await store(name_at, text_of("a name that is longer than the thirty-two bytes that there are"));
        if (co_await attempt(Call::actorName, self.at(), 0, name_at) == K_OK &&
            co_await attempt(Call::actorName, 0, value_at, 0) == K_OK &&
            (co_await load<std::array<char, 4>>(value_at))[2] != 'n') {
            complain("a name was forgotten");
        }
        co_await store(name_at, text_of("short"));
        static_cast<void>(co_await attempt(Call::actorName, self.at(), value_at, name_at));
        KnUniqueId made{};
        const long li = co_await make_port(own, made);
        if (li > 0 && co_await attempt(Call::portUi, port.at(), li) == K_OK) {
            const KnUniqueId found = co_await port.get();
            if (!uiEqual(&made, &found)) complain("a port has two names");
            const long back = co_await attempt(Call::portLi, port.at());
            if (back >= 0 && back != li) complain("a port has two numbers");
        }
    }
    co_await port.set({1, 2});
    if (co_await attempt(Call::portLi, port.at()) >= 0) complain("a port that there is not");
}

[[nodiscard]] Task<void> statistics_and_console() {
    Local<KnSysStatistics> statistics;
    if (co_await attempt(Call::sysStatistics, statistics.at()) == K_OK) {
        const KnSysStatistics now = co_await statistics.get();
        if (now.cpus != cpu_count() || now.actors < 2 || now.freePages >= now.totalPages)
            complain("odd statistics");
    }
    co_await store(name_at, text_of("a program writes\n"));
    static_cast<void>(co_await attempt(Call::sysWrite, name_at, 17));
    for (uword i = 0; i < 8; ++i) co_await store(value_at + i * 64, std::array<u64, 8>{});
    static_cast<void>(co_await attempt(Call::sysWrite, value_at, 0));
    static_cast<void>(co_await attempt(Call::sysWrite, VirtAddr{0x1000}, 300));
    // Written in pieces, the second of which is not there.
    static_cast<void>(co_await attempt(Call::sysWrite, data_base + (data_size - 700), 1000));
}

[[nodiscard]] Task<void> unknown_calls() {
    for (const u64 number : {22u, 63u, 82u, 127u, 158u, 255u}) {
        const Attempt unknown{raw_call(number, {1, 2, 3, 4, 5, 6})};
        static_cast<void>(co_await unknown);
    }
    static_cast<void>(co_await attempt(Call::sysReboot, 0)); // not for user actors
}

// ---- environment -----------------------------------------------------------------------------------------

[[nodiscard]] Task<long> set_variable(std::string_view name, std::string_view value) {
    co_await store(name_at, text_of(name));
    co_await store(value_at, text_of(value));
    co_return co_await attempt(Call::sysSetEnv, name_at, value_at);
}

[[nodiscard]] Task<long> get_variable(std::string_view name, unsigned bytes) {
    co_await store(name_at, text_of(name));
    co_await store(size_at, bytes);
    co_return co_await attempt(Call::sysGetEnv, name_at, value_at, size_at);
}

[[nodiscard]] Task<long> unset_variable(std::string_view name) {
    co_await store(name_at, text_of(name));
    co_return co_await attempt(Call::sysUnsetEnv, name_at);
}

[[nodiscard]] Task<void> variables() {
    const std::string long_name(K_ENVNAMEMAX, 'n'), long_value(K_ENVVALUEMAX, 'v');
    if (co_await set_variable("first", "value") == K_OK) {
        if (co_await get_variable("first", K_ENVVALUEMAX) == K_OK &&
            co_await load<char>(value_at + 4) != 'e') {
            complain("a variable has another value");
        }
        if (co_await get_variable("first", 3) == K_OK) complain("a value fits where there is no room");
        co_await store(size_at, 100u);
        if (co_await attempt(Call::sysGetEnv, name_at, VirtAddr{0x1000}, size_at) == K_OK)
            complain("a value was written to nowhere");
        static_cast<void>(co_await set_variable("first", "another"));
    }
    if (co_await set_variable("", "value") == K_OK) complain("an empty name");
    if (co_await set_variable("a=b", "value") == K_OK) complain("a name with a sign of equality");
    if (co_await set_variable(long_name, "value") == K_OK) complain("too long a name");
    if (co_await set_variable("second", long_value) == K_OK) complain("too long a value");
    if (co_await get_variable(long_name, 8) == K_OK) complain("a variable of too long a name");
    if (co_await get_variable("", 8) == K_OK) complain("a variable without a name");
    if (co_await get_variable("unknown", 8) == K_OK) complain("a variable that nobody set");
    if (co_await unset_variable("") == K_OK) complain("an empty name was forgotten");
    if (co_await unset_variable("unknown") == K_OK) complain("what is unknown was forgotten");
    for (int tries = 0; tries < 3 && co_await unset_variable("first") == K_EFAULT; ++tries) {
    }
}

// All the room that there is.
[[nodiscard]] Task<void> many_variables() {
    unsigned made = 0;
    for (; made < 300; ++made) {
        if (co_await set_variable("v" + std::to_string(made), "x") != K_OK) break;
    }
    if (made == 300) complain("an environment without an end");
    for (unsigned i = 0; i <= made; ++i) {
        for (int tries = 0; tries < 2; ++tries)
            static_cast<void>(co_await unset_variable("v" + std::to_string(i)));
    }
}

// ---- wrong arguments -------------------------------------------------------------------------------------

// Every call with pointers that lead nowhere, capabilities of nobody, numbers out of range.
[[nodiscard]] Task<void> nonsense() {
    constexpr u64 nothing_there = 0x1000;
    Local<KnCap> stranger;
    co_await stranger.set({{u64{5} << 51 | u64{1} << 47, 3}, 4});
    for (const u64 bad : {nothing_there, u64{0}, ~u64{0}, stranger.at().raw()}) {
        for (u64 number = 0; number < 130; ++number) {
            // Those that would wait for ever, end the program or give away what it stands on.
            const auto call = static_cast<Call>(number);
            const bool own = bad == 0 && (call == Call::actorDelete || call == Call::threadDelete);
            if (own || (call == Call::threadDelay && bad > nothing_there)) continue;
            const Attempt wild{raw_call(number, {bad, bad, bad, bad, bad, bad})};
            const bool message = number < 2 || call == Call::message_send || call == Call::ipcReceiveMessage;
            if (!message) static_cast<void>(co_await wild);
        }
    }
}

} // namespace

Task<void> names_and_numbers(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    co_await stage->play(actor, [](u64) { return own_names(); }, {.stack = 1});
    co_await stage->play(actor, [](u64) { return statistics_and_console(); }, {.cpu = 0, .stack = 2});
    co_await stage->play(actor, [](u64) { return unknown_calls(); }, {.cpu = 3, .stack = 3});
    // By the root, which may: a mode that there is not.
    Local<KnRebootDesc> mode;
    co_await mode.set({99});
    static_cast<void>(co_await attempt(Call::sysReboot, mode.at()));
    co_await stage->end();
}

Task<void> environment_of_all(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    co_await stage->play(actor, [](u64) { return variables(); }, {.stack = 1});
    co_await stage->play(other, [](u64) { return many_variables(); }, {.stack = 1});
    co_await stage->end();
}

Task<void> wrong_arguments(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    co_await stage->play(actor, [](u64) { return nonsense(); }, {.stack = 1});
    co_await stage->end();
}

} // namespace chorale::test
