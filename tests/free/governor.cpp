// Governors: actors come and go by them.
#include "arch/host/user.hpp"
#include "tests/free/people.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

namespace {

constexpr u64 longest_life = 40'000'000; // nanoseconds

[[nodiscard]] Task<long> start_program(KnCap actor, VirtAddr entry, CpuIndex cpu, unsigned stack) {
    KnDefaultStartInfo_f info{};
    info.dsType = K_DEFAULT_START_INFO;
    info.dsPrivilege = K_USERTHREAD;
    info.dsUserStackPointer = (data_base + (stack + 1) * stack_room).raw();
    info.dsEntry = entry.raw();
    return start_thread(actor, info, cpu, 100);
}

// What read_stamp() (meddler.cpp) looks for.
[[nodiscard]] Task<long> stamp(KnCap actor, Buffer buffer) {
    Local<KnCap> to;
    std::array<u64, page_size / sizeof(u64)> words;
    words.fill(actor.ui.uiTail);
    co_await store(buffer.at, words);
    co_await to.set(actor);
    co_return co_await call(Call::vmCopy, 0, buffer.at, to.at(), free_data, page_size, 0);
}

[[nodiscard]] Task<void> populate(Town& town, Random& random, const Programs& programs, KnCap actor) {
    const VirtAddr kinds[] = {programs.serve, programs.serve, programs.serve, programs.serve, programs.serve,
                              programs.ask,   programs.ask,   programs.ask,   programs.meddle};
    unsigned stack = 0;
    for (const VirtAddr entry : kinds) {
        if (random.one_in(4)) continue;
        const auto cpu = static_cast<CpuIndex>(random.below(4));
        const long result = co_await start_program(actor, entry, cpu, stack++);
        // Its own threads may have deleted it by now, or each other.
        EXPECT_TRUE(town.error(result)) << result;
    }
}

[[nodiscard]] Task<void> open_ports(Town& town, Random& random, KnCap actor) {
    for (int port = 0; port < 2; ++port) {
        KnUniqueId name{};
        EXPECT_EQ(co_await create_port(actor, name), port + 1);
        town.publish_port(static_cast<unsigned>(random.next()), name);
    }
}

} // namespace

Task<void> govern(Town& town, const Programs& programs, unsigned number) {
    Random random = town.stranger();
    const Buffer buffer = co_await allocate_buffer(1);
    EXPECT_NE(buffer.size, 0u);
    while (!town.closing() && buffer.size != 0) {
        const KnCap actor = co_await create_actor(random.one_in(2) ? K_USERACTOR : K_SYSTEMACTOR);
        if (actor.ui.uiHead == 0) { // no memory at the moment
            static_cast<void>(co_await sleep(longest_life));
            continue;
        }
        EXPECT_EQ(co_await stamp(actor, buffer), K_OK);
        co_await open_ports(town, random, actor);
        town.publish_actor(number, actor);
        co_await populate(town, random, programs, actor);
        static_cast<void>(co_await sleep(random.below(longest_life)));
        const long result = co_await delete_actor(actor);
        EXPECT_TRUE(town.error(result)) << result;
        if (result == K_OK) town.count(Event::actor_deletions);
    }
}

} // namespace chorale::test
