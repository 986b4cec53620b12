// Those who make and delete things, here and in other actors.
#include "arch/host/user.hpp"
#include "tests/free/people.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

namespace {

constexpr u64 lids = 8; // local ids of threads and ports that are worth trying

// A page of an actor holds its name all over, from before anybody knew of it.
[[nodiscard]] Task<void> read_stamp(Town& town, Random& random, Buffer buffer) {
    Local<KnCap> from;
    const KnCap actor = town.actor(random);
    co_await from.set(actor);
    const long result = co_await call(Call::vmCopy, from.at(), free_data, 0, buffer.at, page_size, 0);
    EXPECT_TRUE(town.error(result)) << result;
    if (result != K_OK) co_return;
    const auto words = co_await load<std::array<u64, page_size / sizeof(u64)>>(buffer.at);
    for (const u64 word : words) EXPECT_EQ(word, actor.ui.uiTail);
    town.count(Event::copies);
}

[[nodiscard]] Task<void> come_and_go(Town& town, Random& random) {
    const Buffer buffer = co_await allocate_buffer(random.one_in(64) ? 512 : 1 + random.below(12));
    if (buffer.size == 0) co_return;
    EXPECT_EQ(co_await load<u64>(buffer.at + (buffer.size - 8)), 0u);
    co_await fill(buffer, buffer.size, random.next());
    if (random.one_in(2)) co_await pause();
    const long result = co_await free_buffer(buffer);
    EXPECT_EQ(result, K_OK);
    town.count(Event::regions);
}

[[nodiscard]] Task<void> change_ports(Town& town, Random& random) {
    const auto li = 1 + random.below(lids);
    switch (random.below(5)) {
    case 0: {
        const long result = co_await call(Call::portDelete, 0, li);
        EXPECT_TRUE(town.error(result)) << result;
        if (result == K_OK) town.count(Event::port_deletions);
        break;
    }
    case 1: {
        KnUniqueId name{};
        const long made = co_await create_port({}, name);
        EXPECT_TRUE(town.error(made)) << made;
        if (made >= 0) town.publish_port(static_cast<unsigned>(random.next()), name);
        break;
    }
    case 2:
        static_cast<void>(co_await call(Call::portEnable, 0, li, random.below(4)));
        break;
    case 3:
        static_cast<void>(co_await call(Call::portDisable, 0, li));
        break;
    default: {
        Local<KnUniqueId> name;
        co_await name.set(town.port(random));
        const long found = co_await call(Call::portLi, name.at());
        EXPECT_TRUE(town.error(found)) << found;
        if (found >= 0) static_cast<void>(co_await call(Call::portUi, name.at(), found));
        break;
    }
    }
}

[[nodiscard]] Task<void> change_thread(Town& town, Random& random) {
    Local<KnCap> owner;
    const bool own = random.one_in(2);
    co_await owner.set(town.actor(random));
    const u64 actor = own ? 0 : owner.at().raw();
    const u64 lid = 1 + random.below(lids);
    long result = K_OK;
    switch (random.below(own ? 6 : 5)) {
    case 0:
    case 1:
        result = co_await call(Call::threadBind, actor, lid, random.below(4), 0, K_NONEXCLUSIVE);
        if (result == K_OK) town.count(Event::moves);
        break;
    case 2:
        result = co_await call(Call::threadAbort, actor, lid);
        break;
    case 3: {
        Local<KnFifoThParms> before, after;
        co_await after.set({K_SCHED_FIFO, static_cast<unsigned>(90 + random.below(20))});
        result = co_await call(Call::threadScheduler, actor, lid, before.at(), after.at());
        break;
    }
    case 4:
        result = co_await call(Call::threadActivate, actor, lid);
        break;
    default:
        if (random.one_in(8)) result = co_await call(Call::threadDelete, actor, lid);
        break;
    }
    EXPECT_TRUE(town.error(result)) << result;
}

[[nodiscard]] Task<void> look_around(Town& town, Random& random) {
    {
        Local<KnSysStatistics> statistics;
        EXPECT_EQ(co_await call(Call::sysStatistics, statistics.at()), K_OK);
    }
    Local<KnCap> owner;
    Local<std::array<char, K_ACTORNAMEMAX>> name;
    co_await owner.set(town.actor(random));
    co_await name.set({'m', 'e'});
    const bool rename = random.one_in(2);
    const long result = co_await call(Call::actorName, owner.at(), rename ? 0 : name.at().raw(),
                                      rename ? name.at().raw() : 0);
    EXPECT_TRUE(town.error(result)) << result;
}

// The registers are the thread's own, whoever had the CPU meanwhile.
[[nodiscard]] Task<void> use_registers(Town& town, Random& random) {
    const u64 value = random.next();
    u64* const mine = co_await use_fpu();
    mine[3] = value;
    if (random.one_in(2)) {
        co_await pause();
    } else {
        static_cast<void>(co_await sleep(random.below(50'000)));
    }
    const u64* const later = co_await use_fpu();
    EXPECT_EQ(later[3], value);
    town.count(Event::fpu_uses);
}

} // namespace

Task<void> meddle(Town& town) {
    Random random = town.stranger();
    const Buffer buffer = co_await allocate_buffer(1);
    while (!town.closing()) {
        switch (random.below(12)) {
        case 0:
        case 1:
            if (buffer.size != 0) co_await read_stamp(town, random, buffer);
            break;
        case 2:
        case 3:
            co_await come_and_go(town, random);
            break;
        case 4:
        case 5:
            co_await change_ports(town, random);
            break;
        case 6:
            co_await look_around(town, random);
            break;
        case 7:
            co_await use_registers(town, random);
            break;
        case 8:
            static_cast<void>(co_await sleep(random.below(200'000)));
            break;
        case 9:
            if (!random.one_in(16)) break;
            if (random.one_in(2)) static_cast<void>(co_await call(Call::actorDelete, 0)); // its own
            town.count(Event::faults);
            static_cast<void>(co_await load<u64>(VirtAddr{0x10})); // as good an end
            break;
        default:
            co_await change_thread(town, random);
            break;
        }
    }
}

} // namespace chorale::test
