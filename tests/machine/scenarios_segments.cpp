// Memory that a mapper serves, and mappers that answer badly, late, or not at all.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/test_mapper.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned patience = 40;
constexpr VirtAddr place{0x300'0000};
constexpr KnKey key = 77;
constexpr u64 mark = 0x5e60000;

// A reply of that kind to whatever was asked.
[[nodiscard]] Task<void> answer(u64 round, bool well) {
    const MapperRequest request = co_await read_request();
    const int diagnosis = !well && round % 3 == 0 ? K_EFAIL : 0;
    MapperAnswer answer{.annexed = well || round % 3 != 2};
    if (request.service == KN_MPPULLIN) {
        answer.diagnosis = diagnosis;
        answer.rights = K_READACCESS | (well && round % 2 != 0 ? K_WRITEACCESS : 0u) | K_RELEASE;
        answer.size = !well && round % 3 == 1 ? 8 : page_size;
        co_await store(mapper_body, mark + request.offset);
    } else if (request.service == KN_MPGETACCESS) {
        answer.diagnosis = diagnosis;
        answer.rights = K_READACCESS | K_WRITEACCESS;
    }
    co_await answer_request(request, answer);
}

[[nodiscard]] Task<void> map_segments(long li, bool well) {
    u64 round = 0;
    for (unsigned failures = 0; failures < patience; ++failures) {
        const long size = co_await receive_request(li);
        if (size == K_EINVAL || size == K_ENOPORT) co_return;
        if (size < 0) continue;
        failures = 0;
        co_await answer(++round, well);
    }
}

// One request, then no more.
[[nodiscard]] Task<void> take_one(long li) {
    static_cast<void>(co_await receive_request(li));
    co_await rest(millisecond);
}

[[nodiscard]] Task<long> show(Call call, KnCap actor, VirtAddr at, KnUniqueId mapper, VmFlags options) {
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnObjDesc> segment;
    co_await owner.set(actor);
    co_await region.set({at.raw(), 4 * page_size, options, 0, nullptr, 0});
    co_await segment.set({{mapper, key}, 0, 16 * page_size});
    co_return co_await attempt(call, owner.at(), region.at(), segment.at());
}

[[nodiscard]] Task<long> copy(u64 from_actor, VirtAddr from, u64 to_actor, VirtAddr to) {
    co_return co_await attempt(Call::vmCopy, from_actor, from, to_actor, to, sizeof(u64), 0);
}

[[nodiscard]] Task<void> remove_region(u64 actor, VirtAddr at) {
    Local<KnRgnDesc> region;
    co_await region.set({at.raw(), 4 * page_size, 0, 0, nullptr, 0});
    for (int tries = 0; tries < 8; ++tries) {
        const long gone = co_await attempt(Call::rgnFree, actor, region.at());
        if (gone == K_OK || gone == K_EADDR || gone == K_EUNKNOWN) break;
    }
}

// Without a mapping: a word of a page, and one that lies in two.
[[nodiscard]] Task<void> read_and_write(KnUniqueId mapper, u64 round) {
    Local<KnObjDesc> part;
    Local<u64> word;
    co_await part.set({{mapper, key}, page_size, sizeof(u64)});
    if (co_await attempt(Call::sgRead, part.at(), 0, word.at(), 0) == K_OK) {
        const u64 seen = co_await word.get();
        if (seen != mark + page_size && seen != 9) complain("a segment is read with other contents");
    }
    co_await word.set(9);
    static_cast<void>(co_await attempt(Call::sgWrite, part.at(), 0, word.at(), round % 2 == 0 ? 0 : K_MOVE));
    co_await part.set({{mapper, key}, 3 * page_size - 4, sizeof(u64)});
    static_cast<void>(co_await attempt(Call::sgRead, part.at(), 0, word.at(), 0));
}

// By a local id, which a round leaves to the actor's end.
[[nodiscard]] Task<void> keep_cache(KnUniqueId mapper, u64 round) {
    Local<KnCap> segment, cache;
    Local<int> id;
    Local<u64> word, size;
    co_await segment.set({mapper, key});
    co_await id.set(0);
    if (co_await attempt(Call::lcOpen, segment.at(), 0, id.at()) != K_OK) co_return;
    const int li = co_await id.get();
    static_cast<void>(co_await attempt(Call::lcCap, li, cache.at()));
    co_await size.set(sizeof(u64));
    if (co_await attempt(Call::lcRead, li, page_size, 0, word.at(), size.at()) == K_OK) {
        const u64 seen = co_await word.get();
        if (seen != mark + page_size && seen != 9) complain("a cache is read with other contents");
    }
    co_await word.set(9);
    static_cast<void>(co_await attempt(Call::lcWrite, li, page_size, 0, word.at(), size.at()));
    if (round != 0 && co_await attempt(Call::lcClose, li) != K_OK) complain("a local id is gone");
}

// The region goes on to this actor, shared or copied.
[[nodiscard]] Task<void> take_over(u64 owner, VirtAddr at, Call call) {
    Local<KnRgnDesc> made, given;
    Local<u64> word;
    const VirtAddr here = at + 0x10'0000;
    co_await made.set({here.raw(), 0, K_WRITABLE, 0, nullptr, 0});
    co_await given.set({at.raw(), 4 * page_size, 0, 0, nullptr, 0});
    if (co_await attempt(call, 0, made.at(), owner, given.at()) != K_OK) co_return;
    co_await word.set(9);
    if (co_await copy(0, here + page_size, 0, word.at()) == K_OK) {
        const u64 seen = co_await word.get();
        if (seen != mark + page_size && seen != 9) complain("a region taken over has other contents");
    }
    co_await word.set(9);
    static_cast<void>(co_await copy(0, word.at(), 0, here + page_size));
    co_await remove_region(0, here);
}

[[nodiscard]] Task<void> use_segment(KnCap actor, VirtAddr at, KnUniqueId mapper) {
    Named owner;
    Local<u64> word;
    Local<KnObjDesc> segment;
    Local<KnRgnDesc> protection;
    co_await owner.set(actor);
    co_await segment.set({{mapper, key}, 0, 4 * page_size});
    for (u64 round = 0; round < 3; ++round) {
        const Call call = round == 1 ? Call::rgnInit : Call::rgnMap;
        static_cast<void>(co_await show(call, actor, at, mapper, round == 2 ? K_WRITABLE | K_NODEMAND : 1));
        co_await word.set(0);
        if (co_await copy(owner.at(), at + page_size, 0, word.at()) == K_OK) {
            const u64 seen = co_await word.get();
            if (seen != mark + page_size && seen != 9) complain("a page of a segment with other contents");
        }
        co_await word.set(9);
        if (co_await copy(0, word.at(), owner.at(), at + page_size) == K_OK) {
            co_await word.set(0);
            if (co_await copy(owner.at(), at + page_size, 0, word.at()) == K_OK && co_await word.get() != 9)
                complain("a page of a segment does not remember");
        }
        static_cast<void>(co_await attempt(Call::vmLock, owner.at(), at + 2 * page_size, page_size, 0));
        static_cast<void>(co_await attempt(Call::vmUnLock, owner.at(), at + 2 * page_size, page_size, 0));
        static_cast<void>(co_await attempt(Call::sgFlush, segment.at(), 0));
        co_await protection.set({at.raw(), 2 * page_size, 0, 0, nullptr, 0});
        static_cast<void>(co_await attempt(Call::rgnSetProtect, owner.at(), protection.at()));
        co_await take_over(owner.at(), at, round == 0 ? Call::rgnMapFromActor : Call::rgnInitFromActor);
        co_await read_and_write(mapper, round);
        co_await keep_cache(mapper, round);
        co_await remove_region(owner.at(), at);
    }
}

[[nodiscard]] Task<void> play_with(bool well) {
    const auto stage = std::make_shared<Stage>();
    const KnCap mapper = co_await stage->actor(true), one = co_await stage->actor(false, K_SYSTEMACTOR),
                two = co_await stage->actor();
    KnUniqueId name{};
    const long li = co_await Stage::port(mapper, name);
    if (li > 0 && there(one) && there(two)) {
        static_cast<void>(co_await stage->serve(mapper, [li, well](u64) { return map_segments(li, well); },
                                                {.cpu = 1, .stack = 1}));
        static_cast<void>(co_await stage->play(one, [name](u64) { return use_segment(nobody, place, name); },
                                               {.stack = 1}));
        static_cast<void>(co_await stage->play(
            one, [name, two](u64) { return use_segment(two, place, name); }, {.cpu = 2, .stack = 2}));
    }
    co_await stage->end();
}

} // namespace

Task<void> segments_served(u64) { co_await play_with(true); }
Task<void> segments_served_badly(u64) { co_await play_with(false); }

// The mapper takes a request and goes; those who wait are aborted, deleted, or told.
Task<void> mappers_that_go(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap mapper = co_await stage->actor(true), one = co_await stage->actor(false, K_SYSTEMACTOR),
                two = co_await stage->actor();
    KnUniqueId name{};
    const long li = co_await Stage::port(mapper, name);
    if (li > 0 && there(one) && there(two)) {
        static_cast<void>(
            co_await stage->serve(mapper, [li](u64) { return take_one(li); }, {.cpu = 1, .stack = 1}));
        const long waiting = co_await stage->serve(
            one, [name](u64) { return use_segment(nobody, place, name); }, {.cpu = 2, .stack = 1});
        static_cast<void>(co_await stage->serve(two, [name](u64) { return use_segment(nobody, place, name); },
                                                {.cpu = 3, .stack = 1}));
        co_await rest(200 * microsecond);
        if (waiting > 0) static_cast<void>(co_await on_thread(Call::threadAbort, one, waiting));
        co_await remove_actor(two);
        co_await remove_actor(mapper);
        co_await rest(200 * microsecond);
    }
    co_await stage->end();
}

} // namespace chorale::test
