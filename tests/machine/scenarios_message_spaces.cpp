// Message spaces: messages that go round among actors, on all CPUs; waits that end in every way; actors that
// go with messages, or as the last who have a space.
#include "arch/host/objects.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

#include <array>

namespace chorale::test {

using namespace host;

namespace {

constexpr KnMsgSpaceId common = 77;
constexpr unsigned queues = 3;
using Pools = std::array<KnMsgPool, 2>;
constexpr Pools few_messages{{{64, 3}, {3000, 2}}};

struct Count {
    unsigned put{}, got{};
};
using CountPointer = std::shared_ptr<Count>;

[[nodiscard]] Task<long> create(KnMsgSpaceId name, Pools pools = few_messages) {
    Local<Pools> at;
    co_await at.set(pools);
    co_return co_await attempt(Call::msgSpaceCreate, name, queues, 2u, at.at());
}
// Again as long as there is only no memory for it.
[[nodiscard]] Task<long> open(KnMsgSpaceId name) {
    long lid = K_ENOMEM;
    for (int tries = 0; tries < 4 && lid == K_ENOMEM; ++tries)
        lid = co_await attempt(Call::msgSpaceOpen, name);
    co_return lid;
}

struct Limit {
    u64 nanoseconds; // no_limit: for ever
};
// Where a waitLimit argument points.
class LimitPlace {
  public:
    [[nodiscard]] Task<u64> set(Limit limit) {
        if (limit.nanoseconds == no_limit) co_return reinterpret_cast<u64>(K_NOTIMEOUT);
        if (limit.nanoseconds == 0) co_return 0;
        co_await place_.set({0, static_cast<long>(limit.nanoseconds)});
        co_return place_.at().raw();
    }

  private:
    Local<KnTimeVal> place_;
};

// The address, or an error.
[[nodiscard]] Task<long> take(long lid, unsigned pool, unsigned size, Limit limit) {
    LimitPlace until;
    Local<u64> address;
    const u64 wait = co_await until.set(limit);
    const long result = co_await attempt(Call::msgAllocate, lid, pool, size, wait, address.at());
    co_return result == K_OK ? static_cast<long>(co_await address.get()) : result;
}
[[nodiscard]] Task<long> get(long lid, unsigned queue, Limit limit) {
    LimitPlace until;
    Local<u64> address;
    Local<KnUniqueId> source;
    Local<unsigned> from;
    const u64 wait = co_await until.set(limit);
    const long result =
        queue < queues ? co_await attempt(Call::msgGet, lid, queue, wait, address.at(), source.at())
                       : co_await attempt(Call::msgGetAny, lid, from.at(), wait, address.at(), source.at());
    if (result != K_OK) co_return result;
    if ((co_await source.get()).uiHead == 0) complain("a message from nobody");
    if (queue >= queues && co_await from.get() >= queues) complain("a message from no queue");
    co_return static_cast<long>(co_await address.get());
}
void must(long result, const char* what) {
    if (result != K_OK) complain(std::string{what} + ": " + std::to_string(result));
}

// ---- round and round -------------------------------------------------------------------------------------

[[nodiscard]] Task<void> produce(CountPointer count, unsigned seed) {
    const long lid = co_await open(common);
    if (lid <= 0) co_return;
    for (unsigned i = 0; i < 12; ++i) {
        const unsigned pool = (seed + i) % 4 == 0 ? K_ANY_MSGPOOL : (seed + i) % 2;
        const long message = co_await take(lid, pool, i * 5, {200 * microsecond});
        if (message <= 0) continue;
        if ((seed + i) % 5 == 0) {
            must(co_await attempt(Call::msgFree, lid, message), "msgFree");
            continue;
        }
        const unsigned queue = (seed + i) % queues, priority = i * 11;
        must(co_await attempt(Call::msgPut, lid, queue, message, priority), "msgPut");
        ++count->put;
        if ((seed + i) % 4 != 1) continue;
        // It may have been got meanwhile.
        if (co_await attempt(Call::msgRemove, lid, queue, message, priority) != K_OK) continue;
        ++count->got;
        must(co_await attempt(Call::msgFree, lid, message), "msgFree of a removed one");
    }
}

[[nodiscard]] Task<void> consume(CountPointer count, unsigned seed) {
    const long lid = co_await open(common);
    if (lid <= 0) co_return;
    for (unsigned i = 0; i < 12; ++i) {
        const long message = co_await get(lid, (seed + i) % (queues + 1), {100 * microsecond});
        if (message <= 0) continue;
        ++count->got;
        if (co_await attempt(Call::msgFree, lid, message + 8) == K_OK) complain("a part of a message");
        must(co_await attempt(Call::msgFree, lid, message), "msgFree of a message that was got");
    }
}

// The creator's last word: what has been put and not got is there, and nothing else.
[[nodiscard]] Task<void> drain(CountPointer count) {
    const long lid = co_await open(common);
    if (lid <= 0) co_return;
    Local<KnMsgQueueStat> queue;
    Local<KnMsgPoolStat> pool;
    unsigned left = 0;
    for (unsigned i = 0; i < queues; ++i) {
        if (co_await attempt(Call::msgQueueStat, lid, i, queue.at()) == K_OK)
            left += (co_await queue.get()).msgNumber;
    }
    if (left != count->put - count->got && !failures_expected()) complain("messages have been lost");
    for (long message = 1; message > 0;) {
        message = co_await get(lid, queues, {0});
        if (message > 0) must(co_await attempt(Call::msgFree, lid, message), "msgFree at the end");
    }
    for (unsigned i = 0; i < 2 && !failures_expected(); ++i) {
        if (co_await attempt(Call::msgPoolStat, lid, i, pool.at()) != K_OK) continue;
        const KnMsgPoolStat stat = co_await pool.get();
        if (stat.msgFree != stat.msgNumber) complain("a message is nowhere");
    }
}

// ---- what is not there -----------------------------------------------------------------------------------

void never(long result, const char* what) {
    if (result >= 0) complain(std::string{what} + " succeeded");
}

[[nodiscard]] Task<void> create_wrongly() {
    Local<Pools> at;
    co_await at.set(few_messages);
    for (const unsigned number : {0u, K_MSG_QUEUEMAX + 1u})
        never(co_await attempt(Call::msgSpaceCreate, K_PRIVATEID, number, 1u, at.at()), "queues");
    for (const unsigned number : {0u, K_MSG_POOLMAX + 1u})
        never(co_await attempt(Call::msgSpaceCreate, K_PRIVATEID, 1u, number, at.at()), "pools");
    for (const KnMsgPool pool : {KnMsgPool{0, 1}, KnMsgPool{1, 0}, KnMsgPool{1, K_MSG_NUMBERMAX},
                                 KnMsgPool{~0u, K_MSG_NUMBERMAX - 8}})
        never(co_await create(K_PRIVATEID, {{{64, 3}, pool}}), "a space of wrong measures");
    never(co_await attempt(Call::msgSpaceCreate, K_PRIVATEID, 1u, 1u, 0), "a space of no pools");
    never(co_await attempt(Call::msgSpaceOpen, K_PRIVATEID), "msgSpaceOpen of a private one");
    never(co_await attempt(Call::msgSpaceOpen, common + 50), "msgSpaceOpen of nothing");
}

[[nodiscard]] Task<void> name_wrongly(long lid, unsigned queue, unsigned pool, u64 message) {
    Local<KnMsgPoolStat> pool_stat;
    Local<KnMsgQueueStat> queue_stat;
    never(co_await attempt(Call::msgPut, lid, queue, message, 0u), "msgPut");
    never(co_await attempt(Call::msgRemove, lid, queue, message, 0u), "msgRemove");
    never(co_await attempt(Call::msgFree, lid, message), "msgFree");
    never(co_await get(lid, queue, {0}), "msgGet");
    never(co_await take(lid, pool, 1, {0}), "msgAllocate");
    never(co_await attempt(Call::msgPoolStat, lid, pool, pool_stat.at()), "msgPoolStat");
    if (queue < queues) co_return;
    never(co_await attempt(Call::msgQueueStat, lid, queue, queue_stat.at()), "msgQueueStat");
}

[[nodiscard]] Task<void> use_wrongly() {
    co_await create_wrongly();
    const long lid = co_await create(common);
    if (lid <= 0) co_return;
    never(co_await create(common), "a second space of the same name");
    const long message = co_await take(lid, 1, 2900, {0});
    if (message <= 0) co_return;
    const auto address = static_cast<u64>(message);
    for (const long wrong : {0l, -1l, lid + 1, long{K_MSG_OPENMAX} + 1})
        co_await name_wrongly(wrong, 0, 0, address);
    for (const u64 wrong : {u64{0}, address + 8, address + 64, address + (1 << 20), ~u64{63}})
        co_await name_wrongly(lid, 0, 2, wrong);
    never(co_await take(lid, 0, 65, {0}), "msgAllocate of what is too large for the pool");
    never(co_await take(lid, K_ANY_MSGPOOL, 3001, {0}), "msgAllocate of what is too large for any");
    never(co_await attempt(Call::msgGetAny, lid, 0, 0, 0, 0), "msgGetAny to nowhere");
    Local<KnTimeVal> bad;
    co_await bad.set({0, -1});
    never(co_await attempt(Call::msgGetAny, lid, 0, bad.at(), bad.at(), 0), "msgGetAny with a bad time");
    never(co_await attempt(Call::msgGet, lid, 0u, bad.at(), bad.at(), 0), "msgGet with a bad time");
    never(co_await attempt(Call::msgAllocate, lid, 0u, 1u, bad.at(), bad.at()), "msgAllocate, a bad time");
    // Told in part, and put back.
    must(co_await attempt(Call::msgPut, lid, 2u, address, 1u), "msgPut");
    never(co_await attempt(Call::msgGet, lid, 2u, 0, bad.at(), 8), "msgGet from nobody");
    never(co_await attempt(Call::msgGetAny, lid, 8, 0, bad.at(), 0), "msgGetAny out of nothing");
    never(co_await attempt(Call::msgAllocate, lid, 1u, 1u, 0, 8), "msgAllocate to nowhere");
    must(co_await attempt(Call::msgRemove, lid, 2u, address, 1u), "msgRemove");
    must(co_await attempt(Call::msgFree, lid, address), "msgFree");
}

// ---- waits -----------------------------------------------------------------------------------------------

// Waits for a message of a queue (below `queues`), of any, or of a pool; whoever gets one gives it away
// again.
[[nodiscard]] Task<void> wait_for(unsigned what, u64 limit) {
    const long lid = co_await open(common);
    if (lid <= 0) co_return;
    const long message =
        what <= queues ? co_await get(lid, what, {limit}) : co_await take(lid, what - queues - 1, 1, {limit});
    if (message <= 0) co_return;
    if (what <= queues) {
        must(co_await attempt(Call::msgPut, lid, (what + 1) % queues, message, what), "msgPut on");
    } else {
        must(co_await attempt(Call::msgFree, lid, message), "msgFree to the next");
    }
}

// Both pools are empty for a while.
[[nodiscard]] Task<void> take_all(u64 nanoseconds) {
    const long lid = co_await open(common);
    std::vector<long> messages;
    for (long message = 1; lid > 0 && message > 0;) {
        message = co_await take(lid, messages.size() < 3 ? 0 : 1, 1, {0});
        if (message > 0) messages.push_back(message);
    }
    co_await rest(nanoseconds);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (i % 2 == 0)
            must(co_await attempt(Call::msgPut, lid, static_cast<unsigned>(i) % queues, messages[i], 3u),
                 "msgPut");
        else
            must(co_await attempt(Call::msgFree, lid, messages[i]), "msgFree");
    }
}

constexpr unsigned kinds_of_waits = queues + 3;

[[nodiscard]] Task<std::vector<long>> start_waits(StagePointer stage, KnCap actor, u64 limit) {
    std::vector<long> threads;
    for (unsigned i = 0; i < 2 * kinds_of_waits; ++i) {
        threads.push_back(
            co_await stage->serve(actor, [i, limit](u64) { return wait_for(i % kinds_of_waits, limit); },
                                  {i % 4, 90 + i % 3, i + 1}));
    }
    co_return threads;
}

[[nodiscard]] Task<void> end_waits(KnCap actor, std::vector<long> threads, Call how) {
    co_await rest(50 * microsecond);
    for (const long thread : threads) {
        if (thread > 0) static_cast<void>(co_await on_thread(how, actor, thread));
    }
}

[[nodiscard]] Task<void> keep_creating(unsigned seed) {
    for (unsigned i = 0; i < K_MSG_OPENMAX + 2; ++i) {
        const KnMsgSpaceId name = (seed + i) % 3 == 0 ? common + 1 + i : K_PRIVATEID;
        if (co_await create(name, {{{8, 9 + seed}, {5000, 3}}}) == K_EFULL) co_return;
    }
}

[[nodiscard]] Task<void> keep_opening() {
    for (unsigned name = common + 1; name < common + 8; ++name)
        static_cast<void>(co_await attempt(Call::msgSpaceOpen, name));
}

} // namespace

Task<void> messages_passed_round(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto count = std::make_shared<Count>();
    const KnCap creator = co_await stage->actor(), other = co_await stage->actor();
    co_await stage->play(creator, [](u64) -> Task<void> { static_cast<void>(co_await create(common)); });
    co_await rest(300 * microsecond);
    unsigned stack = 1;
    for (const KnCap& actor : {creator, other}) {
        for (CpuIndex cpu = 0; cpu < 4; ++cpu) {
            const unsigned seed = ++stack;
            const bool first = (cpu % 2 == 0) == (&actor == &creator);
            co_await stage->play(actor,
                                 [=](u64) { return first ? produce(count, seed) : consume(count, seed); },
                                 {cpu, 100, stack});
        }
    }
    co_await rest(4 * millisecond);
    co_await stage->play(creator, [count](u64) { return drain(count); }, {.cpu = 1, .stack = 20});
    co_await stage->end();
}

Task<void> message_waits_that_end(u64) {
    for (const Call how : {Call::threadAbort, Call::threadDelete, Call::nullCall}) {
        const auto stage = std::make_shared<Stage>();
        const KnCap creator = co_await stage->actor(), actor = co_await stage->actor();
        const KnCap helper = co_await stage->actor();
        co_await stage->play(creator, [](u64) -> Task<void> {
            static_cast<void>(co_await create(common));
            co_await take_all(400 * microsecond);
        });
        co_await rest(100 * microsecond);
        const bool by_time = how == Call::nullCall;
        const std::vector<long> threads =
            co_await start_waits(stage, actor, by_time ? 150 * microsecond : no_limit);
        for (unsigned i = 0; i < 2 && !by_time; ++i) {
            co_await stage->play(helper, [=](u64) { return end_waits(actor, threads, how); },
                                 {i * 2, 100, i + 1});
        }
        co_await stage->end();
    }
}

Task<void> messages_named_wrongly(u64) {
    const auto stage = std::make_shared<Stage>();
    co_await stage->play(co_await stage->actor(), [](u64) { return use_wrongly(); });
    co_await stage->end();
}

// The creator first, with messages; who has opened the space afterwards, while it waits.
Task<void> owners_of_messages_that_go(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap creator = co_await stage->actor(), opener = co_await stage->actor();
    co_await stage->serve(creator, [](u64) -> Task<void> {
        static_cast<void>(co_await create(common));
        co_await take_all(10 * millisecond);
    });
    co_await rest(100 * microsecond);
    static_cast<void>(co_await start_waits(stage, opener, no_limit));
    co_await rest(100 * microsecond);
    if (there(creator)) co_await remove_actor(creator); // what it has goes to those who wait
    co_await rest(100 * microsecond);
    if (there(opener)) co_await remove_actor(opener);
    if (co_await attempt(Call::msgSpaceOpen, common) > 0) complain("a space that nobody has");
    co_await stage->end();
}

// They end in the middle of it, too.
Task<void> makers_of_message_spaces(u64) {
    const auto stage = std::make_shared<Stage>();
    std::vector<KnCap> actors;
    for (unsigned i = 0; i < 3; ++i) {
        actors.push_back(co_await stage->actor());
        co_await stage->serve(actors[i], [i](u64) { return keep_creating(i); }, {i, 100, 1});
        co_await stage->serve(actors[i], [](u64) { return keep_opening(); }, {i + 1, 100, 2});
    }
    co_await rest(60 * microsecond);
    if (there(actors[0])) co_await remove_actor(actors[0]);
    co_await rest(200 * microsecond);
    co_await stage->end();
}

} // namespace chorale::test
