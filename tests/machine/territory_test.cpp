// Memory that is nobody's, in the supervisor space, and threads that may not begin there.
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/supervising.hpp"
#include "tests/machine/world.hpp"

#include <machine/supervisor.hpp>

namespace chorale::test {

namespace {

using namespace host;

const u64 nobodys = reinterpret_cast<u64>(K_SVACTOR);

[[nodiscard]] Task<long> copy(u64 from_actor, u64 from, u64 to_actor, u64 to, u64 size) {
    co_return co_await attempt(Call::vmCopy, from_actor, from, to_actor, to, size, 0);
}

// In supervisor mode: what only user actors have, and what is told of nobody's memory at `at`.
[[nodiscard]] Task<void> ask_of_nobodys(u64 at, KnRgnDesc got) {
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    Local<PhAddr> physical;
    got.options = K_DISCARD;
    co_await region.set(got);
    expect(co_await attempt(Call::rgnFree, nobodys, region.at()), K_EINVAL, "contents that go");
    co_await region.set(region_of(VirtAddr{0}, page_size, K_ANYWHERE | K_WRITABLE | K_VMMAP));
    expect(co_await attempt(Call::rgnAllocate, nobodys, region.at()), K_EINVAL, "a region for others' pages");
    static_cast<void>(co_await attempt(Call::vmMap, nobodys, at, nobodys, at + page_size, page_size, 0));
    got.options = 0;
    co_await region.set(got);
    expect(co_await attempt(Call::rgnStat, nobodys, region.at(), stat.at(), sizeof(KnRgnStat)), 1,
           "a region of nobody's");
    expect((co_await stat.get()).options & K_SUPERVISOR, K_SUPERVISOR, "its options");
    expect(co_await attempt(Call::vmPhysAddr, nobodys, at, physical.at()), K_OK, "where its page is");
    expect(co_await attempt(Call::vmPhysAddr, nobodys, 0x1000, physical.at()), K_EADDR, "where no page is");
    expect(co_await attempt(Call::vmPhysAddr, 0x10, at, physical.at()), K_EFAULT, "a page of no actor's");
}

// In supervisor mode.
[[nodiscard]] Task<void> use_nobodys(u64) {
    Local<KnRgnDesc> region;
    const KnRgnDesc wanted = region_of(VirtAddr{0}, 2 * page_size, K_ANYWHERE | K_WRITABLE | K_SUPERVISOR);
    co_await region.set(wanted);
    const long made = co_await attempt(Call::rgnAllocate, nobodys, region.at());
    EXPECT_GE(made, 0);
    if (made < 0) co_return;
    KnRgnDesc got = co_await region.get();
    const u64 at = got.startAddr, end = machine::supervisor_end;
    expect(co_await copy(nobodys, at, nobodys, at + page_size, 100), K_OK, "a copy within what is nobody's");
    expect(co_await copy(nobodys, 0x1000, nobodys, at, 8), K_EADDR, "a copy from below");
    expect(co_await copy(nobodys, at, nobodys, ~u64{4095}, 8), K_EADDR, "a copy to above");
    expect(co_await copy(nobodys, end - 8, nobodys, at, 64), K_EADDR, "a copy over the end");
    got.options = K_FREEALL;
    co_await region.set(got);
    expect(co_await attempt(Call::rgnFree, nobodys, region.at()), K_EINVAL, "all that is nobody's");
    expect(co_await attempt(Call::rgnDup, nobodys, 0, 0), K_EINVAL, "a second supervisor space");
    expect(co_await attempt(Call::rgnDup, 0, nobodys, 0), K_EINVAL, "a supervisor space for users");
    co_await ask_of_nobodys(at, got);
    got.options = K_NODEMAND;
    co_await region.set(got);
    static_cast<void>(co_await attempt(Call::rgnSetPaging, nobodys, region.at()));
    got.options = 0;
    co_await region.set(got);
    expect(co_await attempt(Call::rgnFree, nobodys, region.at()), K_OK, "the end of nobody's memory");
}

[[nodiscard]] Task<void> memory_of_nobody(u64) { EXPECT_TRUE(co_await supervise(use_nobodys)); }

[[nodiscard]] Task<void> begin_wrongly(KnCap actor, bool inside) {
    const u64 first = machine::supervisor_begin, end = machine::supervisor_end;
    const unsigned form = K_DEFAULT_START_INFO;
    Named owner;
    Local<KnThreadLid> lid;
    Local<KnDefaultStartInfo_f> start;
    co_await owner.set(actor);
    for (const KnDefaultStartInfo_f& wrong : {KnDefaultStartInfo_f{form + 1, K_SUPTHREAD, 0, 0, first},
                                              {form, K_USERTHREAD, 0, 0, first},
                                              {form, K_SUPTHREAD, 0, 0, first - 16},
                                              {form, K_SUPTHREAD, 0, 0, end},
                                              {form, K_SUPTHREAD, u64{64} << 20, 0, first}}) {
        co_await start.set(wrong);
        expect(co_await attempt(Call::threadCreate, owner.at(), lid.at(), K_INACTIVE, 0, start.at()),
               K_EINVAL, "a supervisor thread of a wrong form");
    }
    if (inside) co_return;
    co_await start.set({form, K_SUPTHREAD, 0, 0, first});
    expect(co_await attempt(Call::threadCreate, owner.at(), lid.at(), K_INACTIVE, 0, start.at()), K_EPRIV,
           "a supervisor thread by a user");
}

[[nodiscard]] Task<void> threads_that_may_not_begin(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await supervisor_actor_of(stage);
    EXPECT_TRUE(there(actor));
    co_await begin_wrongly(actor, false);
    const KnCap user = co_await stage->actor();
    Named supervisor, empty;
    co_await supervisor.set(actor);
    co_await empty.set(user);
    expect(co_await attempt(Call::rgnDup, empty.at(), supervisor.at(), 0), K_EINVAL, "its memory for a user");
    expect(co_await attempt(Call::vmMap, empty.at(), 0x1000, supervisor.at(), 0x1000, page_size, 0), K_EINVAL,
           "a user's page for it");
    EXPECT_TRUE(co_await supervise([actor](u64) { return begin_wrongly(actor, true); }));
    co_await stage->end();
}

} // namespace

TEST(Territory, memory_of_nobody) { play_clean(memory_of_nobody, 0); }
TEST(Territory, threads_that_may_not_begin) { play_clean(threads_that_may_not_begin, 0); }

} // namespace chorale::test
