// Supervisor mode: memory of the supervisor space, supervisor actors and their threads, who is told to be the
// invoker.
#include "arch/host/supervisor_actor.hpp"
#include "tests/machine/expect.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] bool same(const KnCap& one, const KnCap& other) {
    return one.ui.uiHead == other.ui.uiHead && one.ui.uiTail == other.ui.uiTail;
}

[[nodiscard]] Task<void> tell_invoker(KnCap root) {
    Local<KnCap> place;
    expect(co_await attempt(Call::svGetInvoker, 0), K_EFAULT, "svGetInvoker to nowhere");
    const long result = co_await attempt(Call::svGetInvoker, place.at());
    expect(result, K_OK, "svGetInvoker");
    if (result == K_OK && !same(co_await place.get(), root)) complain("svGetInvoker: not root");
}

constexpr u64 nowhere = 0x10;

// Takes something back: also when the arguments could not be read at first.
[[nodiscard]] Task<long> take_back(Call call, VirtAddr what) {
    long result = K_EFAULT;
    for (int tries = 0; tries < 10 && result == K_EFAULT; ++tries) result = co_await attempt(call, what);
    co_return result;
}

// What it writes there is there, and no longer after the end.
[[nodiscard]] Task<void> use_pages() {
    Local<VmAddr> address;
    Local<KnCap> nobodys;
    co_await nobodys.set({{1, 2}, 3});
    const auto allocate = [&](u64 place, VmSize size, u64 flags, u64 actor) {
        return attempt(Call::svPagesAllocate, place, size, flags, actor);
    };
    const u64 place = address.at().raw();
    expect(co_await allocate(place, page_size, 0, nobodys.at().raw()), K_EINVAL, "nobody's pages");
    expect(co_await allocate(place, page_size, 0xff00, 0), K_EINVAL, "odd flags");
    expect(co_await allocate(nowhere, page_size, 0, 0), K_EFAULT, "the address to nowhere");
    expect(co_await allocate(place, 0, 0, 0), K_ESIZE, "no pages");
    const long made = co_await attempt(Call::svPagesAllocate, address.at(), 3 * page_size, 0, 0);
    expect(made, K_OK, "svPagesAllocate");
    if (made != K_OK) co_return;
    const VirtAddr pages{co_await address.get()};
    co_await store(pages + page_size, u64{0x1234});
    if (co_await load<u64>(pages + page_size) != 0x1234) complain("a supervisor page does not remember");
    expect(co_await attempt(Call::svPagesFree, pages.raw() + 1, page_size), K_EROUND, "an odd address");
    expect(co_await attempt(Call::svPagesFree, pages.raw(), 0), K_ESIZE, "no pages");
    expect(co_await attempt(Call::svPagesFree, 0x1000, page_size), K_EADDR, "a user address");
    expect(co_await attempt(Call::svPagesFree, pages.raw(), 3 * page_size), K_OK, "svPagesFree");
    if (co_await attempt(Call::svPagesFree, pages.raw(), 3 * page_size) == K_OK) complain("freed twice");
    expect(co_await attempt(Call::svPagesFree, pages.raw(), ~u64{0}), K_ESIZE, "more than there is");
}

// ---- physical memory -------------------------------------------------------------------------------------

struct Wish {
    VmSize size;
    KnPhMemAlign align;
    long result;
    const char* what;
};
constexpr Wish bad_wishes[] = {
    {0, {}, K_ESIZE, "no memory"},
    {page_size, {3, 0, 0}, K_EINVAL, "an odd alignment"},
    {page_size, {0, 5, 0}, K_EINVAL, "an odd boundary"},
    {2 * page_size, {0, page_size, 0}, K_EINVAL, "a boundary within"},
    {u64{1} << 40, {}, K_ESIZE, "more than a block"},
    {page_size, {u64{1} << 40, 0, 0}, K_ESIZE, "too far aligned"},
    {page_size, {0, 0, page_size}, K_ENOMEM, "memory that is too low"},
};

[[nodiscard]] KnPhMemChunk chunk_of(u64 address, u64 size) {
    KnPhMemChunk chunk{};
    chunk.paddr = address;
    chunk.psize = size;
    return chunk;
}

// It is there under another address, and nobody else's until it is given back.
[[nodiscard]] Task<void> use_physical_memory() {
    Local<KnPhMemChunk> chunk;
    Local<KnPhMemAlign> align;
    for (const Wish& wish : bad_wishes) {
        co_await chunk.set(chunk_of(0, wish.size));
        co_await align.set(wish.align);
        expect(co_await attempt(Call::svPhysAlloc, chunk.at(), align.at()), wish.result, wish.what);
    }
    for (const Call call : {Call::svPhysAlloc, Call::svPhysMap, Call::svPhysFree, Call::svPhysUnmap})
        expect(co_await attempt(call, nowhere, 0), K_EFAULT, "a chunk nowhere");
    co_await chunk.set(chunk_of(0, 3 * page_size));
    expect(co_await attempt(Call::svPhysAlloc, chunk.at(), nowhere), K_EFAULT, "an alignment nowhere");
    co_await align.set({64 << 10, 1 << 20, 0});
    const long made = co_await attempt(Call::svPhysAlloc, chunk.at(), align.at());
    expect(made, K_OK, "svPhysAlloc");
    if (made != K_OK) co_return;
    KnPhMemChunk mine = co_await chunk.get();
    if (mine.paddr % (64 << 10) != 0 || mine.psize < 3 * page_size) complain("svPhysAlloc: not as wished");
    expect(co_await attempt(Call::svPhysMap, chunk.at(), 0xff00), K_EINVAL, "odd bits of svPhysMap");
    for (const u64 bits : {u64{0}, u64{K_PTE_UNCACHED}, u64{K_PTE_WRITABLE}}) {
        const long mapped = co_await attempt(Call::svPhysMap, chunk.at(), bits);
        expect(mapped, K_OK, "svPhysMap");
        if (mapped != K_OK) break;
        const VirtAddr at{(co_await chunk.get()).vaddr};
        if (bits == K_PTE_WRITABLE) co_await store(at, mine.paddr);
        static_cast<void>(co_await load<u64>(at));
        expect(co_await take_back(Call::svPhysUnmap, chunk.at()), K_OK, "svPhysUnmap");
    }
    co_await chunk.set(chunk_of(mine.paddr, page_size));
    expect(co_await attempt(Call::svPhysFree, chunk.at()), K_EINVAL, "a part of it");
    co_await chunk.set(chunk_of(mine.paddr, 3 * page_size));
    expect(co_await attempt(Call::svPhysFree, chunk.at()), K_EINVAL, "no block's size");
    co_await chunk.set(chunk_of(mine.paddr, ~u64{0}));
    expect(co_await attempt(Call::svPhysFree, chunk.at()), K_EINVAL, "all there is");
    for (const u64 nowhere_at : {mine.paddr + 1, u64{1} << 52, ~u64{0}}) {
        co_await chunk.set(chunk_of(nowhere_at, page_size));
        expect(co_await attempt(Call::svPhysFree, chunk.at()), K_EINVAL, "memory that is none");
    }
    co_await chunk.set(mine);
    expect(co_await take_back(Call::svPhysFree, chunk.at()), K_OK, "svPhysFree");
    expect(co_await attempt(Call::svPhysFree, chunk.at()), K_EINVAL, "svPhysFree again");
}

// ---- a supervisor actor of one's own ---------------------------------------------------------------------

struct Seen {
    bool ran{}, ended{};
};

// In its own region, with its own name; then it waits for its end.
[[nodiscard]] Task<void> live(std::shared_ptr<Seen> seen) {
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.size = 2 * page_size;
    wanted.options = K_WRITABLE | K_ANYWHERE;
    co_await region.set(wanted);
    const long made = co_await attempt(Call::rgnAllocate, 0, region.at());
    expect(made, K_OK, "rgnAllocate of a supervisor actor");
    if (made == K_OK) {
        const VirtAddr at{(co_await region.get()).startAddr};
        if (at.raw() < machine::supervisor_begin) complain("a supervisor actor's region is a user's");
        co_await store(at + page_size, u64{7});
        if (co_await load<u64>(at + page_size) != 7) complain("its page does not remember");
    }
    seen->ran = true;
    co_await rest(millisecond);
    seen->ended = true;
}

[[nodiscard]] Task<void> found_actor() {
    Local<KnCap> place;
    const long made = co_await attempt(Call::actorCreate, 0, place.at(), K_SUPACTOR, K_ACTIVE);
    expect(made, K_OK, "actorCreate");
    if (made != K_OK) co_return;
    const KnCap actor = co_await place.get();
    const auto seen = std::make_shared<Seen>();
    const Program program = [seen](u64) { return live(seen); };
    const long first = co_await start_supervisor_thread(actor, program, 1);
    if (first < 0) expect(first, K_OK, "a supervisor thread");
    for (int tries = 0; tries < 10 && first >= 0 && !seen->ended; ++tries) co_await rest(millisecond);
    if (first >= 0 && !seen->ended) complain("a supervisor thread has not come to its end");
    // Nobody waits for this one: it goes with its actor.
    const long second = co_await start_supervisor_thread(actor, program, 2);
    co_await rest(millisecond / 2);
    if (second < 0) expect(second, K_OK, "a second one");
    co_await remove_actor(actor);
}

} // namespace

Task<void> supervisor_memory(u64) {
    Local<KnCap> place;
    expect(co_await attempt(Call::actorSelf, place.at()), K_OK, "actorSelf");
    const KnCap root = co_await place.get();
    const long result = co_await in_supervisor_mode([root](u64) { return tell_invoker(root); });
    expect(result, K_OK, "lapInvoke");
    expect(co_await in_supervisor_mode([](u64) { return use_pages(); }), K_OK, "lapInvoke");
    expect(co_await in_supervisor_mode([](u64) { return use_physical_memory(); }), K_OK, "lapInvoke");
}

Task<void> supervisor_actors(u64) {
    expect(co_await in_supervisor_mode([](u64) { return found_actor(); }), K_OK, "lapInvoke");
}

} // namespace chorale::test
