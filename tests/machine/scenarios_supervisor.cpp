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

// What it writes there is there, and no longer after the end.
[[nodiscard]] Task<void> use_pages() {
    Local<VmAddr> address;
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
}

} // namespace

Task<void> supervisor_memory(u64) {
    Local<KnCap> place;
    expect(co_await attempt(Call::actorSelf, place.at()), K_OK, "actorSelf");
    const KnCap root = co_await place.get();
    const long result = co_await in_supervisor_mode([root](u64) { return tell_invoker(root); });
    expect(result, K_OK, "lapInvoke");
    expect(co_await in_supervisor_mode([](u64) { return use_pages(); }), K_OK, "lapInvoke");
    co_return;
}

} // namespace chorale::test
