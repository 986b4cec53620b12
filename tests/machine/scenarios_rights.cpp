// Capabilities that are wrong, privileges that are missing, arguments out of range.
#include "kernel/core/actor.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] Task<long> create(KnActorPrivilege privilege, KnActorStatus status, KnCap& made) {
    Local<KnCap> place;
    const long result = co_await attempt(Call::actorCreate, 0, place.at(), privilege, status);
    if (result == K_OK) made = co_await place.get();
    co_return result;
}

void refused(long result, long error, const char* what) {
    if (result == error || result == K_EFAULT || result == K_ENOMEM) return;
    complain(std::string{what} + ": " + std::to_string(result) + ", not " + std::to_string(error));
}

// ---- actors
// ------------------------------------------------------------------------------------------------

// By a user actor's thread; `system` is not its equal.
[[nodiscard]] Task<void> overreach(KnCap system, KnCap own) {
    KnCap made{};
    refused(co_await create(K_SYSTEMACTOR, K_ACTIVE, made), K_EPRIV, "a user actor makes a SYSTEM one");
    refused(co_await create(K_SUPACTOR, K_ACTIVE, made), K_EPRIV, "a supervisor actor");
    refused(co_await create(K_USERACTOR, K_STOPPED, made), K_OK, "a stopped actor");
    if (there(made)) co_await remove_actor(made);
    if (!there(system) || !there(own)) co_return;
    Named capability;
    co_await capability.set(system);
    refused(co_await attempt(Call::actorDelete, capability.at()), K_EPRIV, "a SYSTEM actor is deleted");
    refused(co_await attempt(Call::threadDelete, capability.at(), 1), K_EPRIV, "its thread is deleted");
    for (int field = 0; field < 3; ++field) {
        KnCap wrong = own;
        if (field == 0) ++wrong.key;
        if (field == 1) ++wrong.ui.uiTail;
        if (field == 2) wrong.ui.uiHead ^= u64{1} << 20;
        co_await capability.set(wrong);
        refused(co_await attempt(Call::actorDelete, capability.at()), field == 0 ? K_EINVAL : K_EUNKNOWN,
                "a capability that was forged");
    }
    KnUniqueId other{};
    const long li = co_await make_port(system, other);
    Local<KnUniqueId> name;
    co_await name.set(other);
    if (li > 0) refused(co_await attempt(Call::portLi, name.at()), K_EUNKNOWN, "another actor's port");
    refused(co_await attempt(Call::portUi, name.at(), 100), K_EINVAL, "a port that there is not");
    refused(co_await attempt(Call::portUi, name.at(), -7), K_EINVAL, "a port of a bad number");
}

// ---- threads
// -----------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> create_thread(KnDefaultStartInfo_f start, KnThreadStatus status, bool scheduled,
                                       KnFifoThParms parameters) {
    Local<KnThreadLid> lid;
    Local<KnDefaultStartInfo_f> info;
    Local<KnFifoThParms> scheduling;
    co_await info.set(start);
    co_await scheduling.set(parameters);
    co_return co_await attempt(Call::threadCreate, 0, lid.at(), status, scheduled ? scheduling.at().raw() : 0,
                               info.at());
}

[[nodiscard]] Task<void> end_at_once() { co_return; }

[[nodiscard]] Task<void> threads_of_all_kinds(VirtAddr entry) {
    const KnDefaultStartInfo_f good{K_DEFAULT_START_INFO, K_USERTHREAD, 0,
                                    (data_base + 30 * stack_room).raw(), entry.raw()};
    const auto with = [&](auto change) {
        KnDefaultStartInfo_f start = good;
        change(start);
        return start;
    };
    const KnDefaultStartInfo_f bad[] = {
        with([](auto& start) { start.dsType = 7; }),
        with([](auto& start) { start.dsPrivilege = K_SUPTHREAD; }),
        with([](auto& start) { start.dsEntry = 0; }),
        with([](auto& start) { start.dsEntry = ~u64{0}; }),
        with([](auto& start) { start.dsUserStackPointer = ~u64{0}; }),
    };
    const KnFifoThParms usual{K_SCHED_FIFO, 120};
    for (const KnDefaultStartInfo_f& start : bad)
        refused(co_await create_thread(start, K_ACTIVE, true, usual), K_EINVAL, "a bad start");
    refused(co_await create_thread(good, K_STOPPED, true, usual), K_EINVAL, "a bad status");
    refused(co_await create_thread(good, K_ACTIVE, true, {7, 100}), K_EINVAL, "a bad class");
    refused(co_await create_thread(good, K_ACTIVE, true, {K_SCHED_FIFO, 256}), K_EINVAL, "a bad priority");
    static_cast<void>(co_await create_thread(good, K_ACTIVE, false, usual));
    static_cast<void>(co_await create_thread(good, K_ACTIVE, true, usual));
}

[[nodiscard]] Task<void> numbers_of_threads() {
    Local<KnCpuId> old;
    Local<KnFifoThParms> parameters;
    const long self = co_await attempt(Call::threadSelf);
    for (const long lid : {long{0}, long{-9}, long{255}, long{256}, long{1'000'000}}) {
        for (const Call call : {Call::threadDelete, Call::threadActivate, Call::threadAbort})
            refused(co_await attempt(call, 0, lid), K_EINVAL, "a thread that there is not");
        refused(co_await attempt(Call::threadScheduler, 0, lid, 0, 0), K_EINVAL,
                "a thread that there is not");
        refused(co_await attempt(Call::threadBind, 0, lid, 1, 0, K_NONEXCLUSIVE), K_EINVAL,
                "a thread that there is not");
    }
    refused(co_await attempt(Call::threadActivate, 0, self), K_EINVAL, "a thread that runs");
    refused(co_await attempt(Call::threadBind, 0, self, 99, 0, K_NONEXCLUSIVE), K_EINVAL,
            "a CPU that there is not");
    refused(co_await attempt(Call::threadBind, 0, self, 1, 0, 5), K_EINVAL, "a bad kind of binding");
    refused(co_await attempt(Call::threadBind, 0, K_MYSELF, K_SAMECPU, old.at(), K_NONEXCLUSIVE), K_OK,
            "where am I");
    refused(co_await attempt(Call::threadScheduler, 0, K_MYSELF, parameters.at(), 0), K_OK, "my priority");
    refused(co_await attempt(Call::threadScheduler, 0, self, 0, 0), K_OK, "nothing about priorities");
    static_cast<void>(co_await attempt(Call::threadScheduler, 0, K_MYSELF, 0, parameters.at()));
    static_cast<void>(co_await attempt(Call::threadDelay, u64{8})); // no time there
}

// ---- ranges
// ------------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> ranges() {
    KnRgnDesc region{};
    region.startAddr = data_base.raw();
    region.size = machine::user_limit() - data_base.raw() + page_size;
    refused(co_await release(nobody, region), K_EADDR, "a range beyond the end");
    region.size = machine::user_limit() + 1;
    refused(co_await release(nobody, region), K_ESIZE, "a range that is too long");
    region.size = ~uword{0};
    refused(co_await release(nobody, region), K_ESIZE, "a range that is too long");
    refused(co_await attempt(Call::vmCopy, 0, data_base, 0, ~u64{0}, 8, 0), K_EADDR, "a copy to nowhere");
    refused(co_await attempt(Call::vmCopy, 0, ~u64{0}, 0, data_base, 8, 0), K_EADDR, "a copy from nowhere");
    Local<KnTimeVal> time;
    co_await time.set({long{1} << 62, 0}); // longer than can be counted: until it is aborted
    const long self = co_await attempt(Call::threadSelf);
    static_cast<void>(co_await on_thread(Call::threadAbort, nobody, self));
    static_cast<void>(co_await attempt(Call::threadDelay, time.at()));
}

[[nodiscard]] Task<void> delay_without_end() {
    Local<KnTimeVal> time;
    co_await time.set({long{1} << 62, 999'999'999});
    static_cast<void>(co_await attempt(Call::threadDelay, time.at()));
}

} // namespace

Task<void> rights_and_ranges(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap system = co_await stage->actor(false, K_SYSTEMACTOR), user = co_await stage->actor();
    co_await stage->play(user, [system, user](u64) { return overreach(system, user); }, {.stack = 1});
    co_await stage->play(user, [](u64) { return numbers_of_threads(); }, {.cpu = 1, .stack = 2});
    const VirtAddr entry = add_program([](u64) { return end_at_once(); });
    co_await stage->play(user, [entry](u64) { return threads_of_all_kinds(entry); }, {.cpu = 2, .stack = 3});
    co_await stage->play(user, [](u64) { return ranges(); }, {.cpu = 3, .stack = 4});
    const long waits = co_await stage->serve(user, [](u64) { return delay_without_end(); }, {.stack = 5});
    if (waits > 0) static_cast<void>(co_await on_thread(Call::threadAbort, user, waits));
    // Even the root may not do this.
    Named nucleus;
    co_await nucleus.set(nucleus_actor().capability);
    refused(co_await attempt(Call::actorDelete, nucleus.at()), K_EPRIV, "the nucleus is deleted");
    co_await stage->end();
}

} // namespace chorale::test
