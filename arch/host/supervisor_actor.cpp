#include "arch/host/supervisor_actor.hpp"

#include "arch/host/session.hpp"

namespace chorale::host {

namespace {

// Written once, while the machine boots.
struct Known {
    KnCap actor{};
    KnLapDesc way_in{};
    u64 code{}; // the page for programs
} known;

void run_at(void* entry, void*) { Native::run_code(reinterpret_cast<u64>(entry), 0, 0, 0); }

} // namespace

KnCap supervisor_actor() { return known.actor; }

u64 supervisor_entry(Program program) {
    return known.code + (add_program(std::move(program)) - code_base.raw()).raw();
}

Task<void> supervisor_root(u64) {
    known.code = round_down(own_frame().pc, page_size);
    Local<KnCap> actor;
    Local<KnLapDesc> lap;
    co_await call(Call::actorSelf, actor.at());
    known.actor = co_await actor.get();
    const auto handler = reinterpret_cast<u64>(&run_at);
    if (co_await call(Call::svLapCreate, 0, handler, 0, K_LAP_SAFE, lap.at()) == K_OK)
        known.way_in = co_await lap.get();
}

Task<long> in_supervisor_mode(Program program) {
    Local<KnLapDesc> lap;
    co_await lap.set(known.way_in);
    co_return co_await call(Call::lapInvoke, lap.at(), supervisor_entry(std::move(program)));
}

Task<long> start_supervisor_thread(KnCap actor, Program program, CpuIndex cpu, unsigned priority) {
    KnDefaultStartInfo_f info{};
    info.dsType = K_DEFAULT_START_INFO;
    info.dsPrivilege = K_SUPTHREAD;
    info.dsEntry = supervisor_entry(std::move(program));
    return start_thread(actor, info, cpu, priority);
}

} // namespace chorale::host
