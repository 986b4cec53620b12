#include "arch/host/session.hpp"

namespace chorale::host {

namespace {

constexpr KnCap nobody{};

[[nodiscard]] bool named(const KnCap& actor) { return actor.ui.uiHead != 0; }

[[nodiscard]] Task<long> allocate(KnCap actor, VirtAddr at, uword size, VmFlags options) {
    Local<KnCap> owner;
    Local<KnRgnDesc> region;
    co_await owner.set(actor);
    KnRgnDesc wanted{};
    wanted.startAddr = at.raw();
    wanted.size = size;
    wanted.options = options;
    co_await region.set(wanted);
    co_return co_await call(Call::rgnAllocate, owner.at(), region.at());
}

} // namespace

Task<KnCap> create_actor(u32 privilege) {
    Local<KnCap> made;
    const long status = co_await call(Call::actorCreate, 0, made.at(), privilege, K_ACTIVE);
    if (status != K_OK) co_return nobody;
    const KnCap actor = co_await made.get();
    const long code = co_await allocate(actor, code_base, page_size, K_EXECUTABLE | K_NODEMAND);
    const long data = co_await allocate(actor, data_base, data_size, K_WRITABLE | K_NODEMAND);
    if (code == K_OK && data == K_OK) co_return actor;
    co_await delete_actor(actor);
    co_return nobody;
}

Task<long> delete_actor(KnCap actor) {
    Local<KnCap> victim;
    co_await victim.set(actor);
    co_return co_await call(Call::actorDelete, victim.at());
}

KnDefaultStartInfo_f start_info(Program program, const ThreadSettings& settings) {
    KnDefaultStartInfo_f info{};
    info.dsType = K_DEFAULT_START_INFO;
    info.dsPrivilege = K_USERTHREAD;
    info.dsUserStackPointer = (data_base + (settings.stack % stacks_limit + 1) * stack_room).raw();
    info.dsEntry = add_program(std::move(program)).raw();
    return info;
}

Task<long> start_thread(KnCap actor, KnDefaultStartInfo_f info, CpuIndex cpu, unsigned priority) {
    Local<KnCap> owner;
    Local<KnThreadLid> lid;
    Local<KnFifoThParms> scheduling;
    Local<KnDefaultStartInfo_f> start;
    co_await owner.set(actor);
    co_await scheduling.set({K_SCHED_FIFO, priority});
    co_await start.set(info);
    const long made =
        co_await call(Call::threadCreate, owner.at(), lid.at(), K_INACTIVE, scheduling.at(), start.at());
    if (made != K_OK) co_return made;
    const KnThreadLid thread = co_await lid.get();
    const long bound = co_await call(Call::threadBind, owner.at(), thread, cpu, 0, K_NONEXCLUSIVE);
    if (bound != K_OK) co_return bound;
    const long active = co_await call(Call::threadActivate, owner.at(), thread);
    co_return active == K_OK ? long{thread} : active;
}

Task<long> start_thread(KnCap actor, Program program, ThreadSettings settings) {
    return start_thread(actor, start_info(std::move(program), settings), settings.cpu, settings.priority);
}

Task<long> create_port(KnCap actor, KnUniqueId& name) {
    Local<KnCap> owner;
    Local<KnUniqueId> made;
    co_await owner.set(actor);
    const u64 capability = named(actor) ? owner.at().raw() : 0;
    const long li = co_await call(Call::portCreate, capability, made.at());
    if (li >= 0) name = co_await made.get();
    co_return li;
}

Task<long> sleep(u64 nanoseconds) {
    constexpr u64 second = 1'000'000'000;
    Local<KnTimeVal> time;
    co_await time.set({static_cast<long>(nanoseconds / second), static_cast<long>(nanoseconds % second)});
    co_return co_await call(Call::threadDelay, time.at());
}

} // namespace chorale::host
