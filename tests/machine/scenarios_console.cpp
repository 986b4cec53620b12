// What comes from the console, and what programs leave for others: private data of actors, the log.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

#include <machine/console.hpp>

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr line_at = free_data, text_at = free_data + 256;

[[nodiscard]] Task<void> read_lines(unsigned size) {
    for (int i = 0; i < 2; ++i) {
        const long got = co_await attempt(Call::sysRead, line_at, size);
        if (got > 0 && got >= size && size != 1) complain("more was read than there is room for");
    }
}

[[nodiscard]] Task<void> read_badly() {
    static_cast<void>(co_await attempt(Call::sysRead, VirtAddr{0x1000}, 16));
    static_cast<void>(co_await attempt(Call::sysPoll, VirtAddr{0x1000}));
    for (int i = 0; i < 3; ++i) static_cast<void>(co_await attempt(Call::sysPoll, line_at));
}

// Does not see at once that there is too little room: it waits for its turn like the others.
[[nodiscard]] Task<void> read_beyond_the_end() {
    static_cast<void>(co_await attempt(Call::sysRead, data_base + (data_size - 2), 16));
}

// Until every reader has had something to read, or was deleted.
[[nodiscard]] Task<void> type_and_delete(KnCap actor, std::vector<long> threads) {
    const char* const texts[] = {"one\rtwo\nth\bree\x7f\r", "x", "a line that is longer than there is room\r",
                                 "y\r\r"};
    for (const char* const text : texts) {
        machine::console_type(text);
        co_await rest(12 * millisecond);
    }
    machine::console_type(nullptr);
    for (const CpuIndex cpu : {2u, 1u}) {
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await bind(actor, thread, cpu));
        }
    }
    for (const long thread : threads) {
        if (thread > 0 && thread % 2 == 0)
            static_cast<void>(co_await on_thread(Call::threadAbort, actor, thread));
    }
    for (const long thread : threads) {
        if (thread > 0) static_cast<void>(co_await on_thread(Call::threadDelete, actor, thread));
    }
}

// ---- left for others -------------------------------------------------------------------------------------

[[nodiscard]] Task<void> site_data_of(KnCap other) {
    Named owner;
    Local<PdKey> key;
    Local<u64> value;
    co_await owner.set(other);
    for (int round = 0; round < 2; ++round) {
        if (co_await attempt(Call::siteKeyCreate, key.at(), 0) != K_OK) continue;
        const PdKey made = co_await key.get();
        const long set = co_await attempt(Call::siteDataSet, owner.at(), made, 40 + round);
        const long got = co_await attempt(Call::siteDataGet, owner.at(), made, value.at());
        if (set == K_OK && got == K_OK && co_await value.get() != u64{40} + static_cast<unsigned>(round))
            complain("an actor's value was lost");
        static_cast<void>(co_await attempt(Call::siteDataGet, owner.at(), made, VirtAddr{0x1000}));
        if (round == 0 && co_await attempt(Call::siteKeyDelete, made) != K_OK) complain("a key stays");
        if (round == 0 && co_await attempt(Call::siteDataGet, owner.at(), made, value.at()) == K_OK)
            complain("a value of a key that there is not");
    }
}

[[nodiscard]] Task<void> use_log() {
    Local<u64> position;
    co_await store(text_at, std::array<char, 16>{"a line\n"});
    static_cast<void>(co_await attempt(Call::sysLogWrite, text_at, 7));
    static_cast<void>(co_await attempt(Call::sysLogWrite, VirtAddr{0x1000}, 7));
    for (int i = 0; i < 3; ++i)
        static_cast<void>(co_await attempt(Call::sysLogRead, position.at(), text_at, 99));
    static_cast<void>(co_await attempt(Call::sysLogRead, position.at(), VirtAddr{0x1000}, 99));
}

} // namespace

Task<void> console_readers(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    std::vector<long> threads;
    unsigned stack = 0;
    for (const unsigned size : {16u, 1u, 5u, 200u}) {
        for (const CpuIndex cpu : {0u, 1u}) {
            threads.push_back(co_await stage->serve(actor, [size](u64) { return read_lines(size); },
                                                    {.cpu = cpu, .stack = ++stack}));
        }
    }
    threads.push_back(co_await stage->serve(actor, [](u64) { return read_beyond_the_end(); },
                                            {.cpu = 3, .stack = ++stack}));
    co_await stage->play(other, [](u64) { return read_badly(); }, {.cpu = 3, .stack = 1});
    co_await stage->play(other, [actor, threads](u64) { return type_and_delete(actor, threads); },
                         {.cpu = 2, .stack = 2});
    co_await stage->end();
    machine::console_type(nullptr);
}

Task<void> things_left_for_others(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap server = co_await stage->actor(false, K_SYSTEMACTOR), user = co_await stage->actor();
    for (const KnCap actor : {server, user}) {
        co_await stage->play(actor, [user](u64) { return site_data_of(user); }, {.stack = 1});
        co_await stage->play(actor, [](u64) { return use_log(); }, {.cpu = 1, .stack = 2});
    }
    co_await stage->end();
}

} // namespace chorale::test
