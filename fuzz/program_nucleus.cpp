// What starting a program asks of the nucleus and of the rest of C_OS, beside what nucleus.cpp of the tests
// has: one actor at a time with one thread.
#include "c_os/process/ending.hpp"
#include "c_os/process/tasks.hpp"
#include "fuzz/program_space.hpp"
#include "fuzz/target.hpp"
#include "tests/c_os/nucleus.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

#include <cstring>
#include <optional>
#include <string_view>

using namespace chorale;
using namespace chorale::fuzz;

namespace {

constexpr KnUniqueId actor_name{0x8000, 77};
std::optional<ProgramSpace> space; // of the actor, while it lives

[[nodiscard]] ProgramSpace* space_of(const KnCap* actor) {
    must(actor != nullptr && actor->ui.uiTail == actor_name.uiTail, "only the new actor is changed");
    return space ? &*space : nullptr;
}

} // namespace

ProgramSpace* chorale::fuzz::program_space() { return space ? &*space : nullptr; }

extern "C" {

int actorCreate(const KnCap*, KnCap* actor, KnActorPrivilege privilege, KnActorStatus) {
    if (c_os::test::allocation_fails_now()) return K_ENOMEM;
    must(!space, "one actor at a time");
    space.emplace(privilege == K_SUPACTOR);
    *actor = {actor_name, 1};
    return K_OK;
}

int actorDelete(const KnCap* actor) {
    if (space_of(actor) == nullptr) return K_EUNKNOWN;
    space.reset();
    return K_OK;
}

int actorName(const KnCap*, char*, const char*) { return K_OK; }
int actorStart(const KnCap*) { return K_OK; }
int actorStatistics(const KnCap* actor, KnActorStatistics*) {
    return space_of(actor) == nullptr ? K_EUNKNOWN : K_OK;
}

int rgnAllocate(const KnCap* actor, KnRgnDesc* region) {
    ProgramSpace* const memory = space_of(actor);
    if (memory == nullptr) return K_EUNKNOWN;
    if (c_os::test::allocation_fails_now()) return K_ENOMEM;
    const ProgramRights rights{(region->options & K_WRITABLE) != 0, (region->options & K_EXECUTABLE) != 0};
    const bool done =
        memory->allocate(region->startAddr, region->size, rights, (region->options & K_ANYWHERE) != 0);
    return done ? K_OK : K_ENOMEM;
}

int rgnFree(const KnCap* actor, const KnRgnDesc* region) {
    ProgramSpace* const memory = space_of(actor);
    if (memory == nullptr) return K_EUNKNOWN;
    must(region->options == K_FREEALL, "what loading does is undone as a whole");
    memory->free_all();
    return K_OK;
}

int rgnSetProtect(const KnCap* actor, const KnRgnDesc* region) {
    ProgramSpace* const memory = space_of(actor);
    if (memory == nullptr) return K_EUNKNOWN;
    if (c_os::test::allocation_fails_now()) return K_ENOMEM;
    const ProgramRights rights{(region->options & K_WRITABLE) != 0, (region->options & K_EXECUTABLE) != 0};
    return memory->protect(region->startAddr, region->size, rights) ? K_OK : K_EADDR;
}

int rgnStat(const KnCap*, const KnRgnDesc*, KnRgnStat*, unsigned) { return K_EADDR; }

int vmCopy(const KnCap*, VmAddr from, const KnCap* actor, VmAddr to, VmSize size, VmFlags) {
    ProgramSpace* const memory = space_of(actor);
    if (memory == nullptr) return K_EUNKNOWN;
    if (c_os::test::allocation_fails_now()) return K_ENOMEM;
    return memory->copy_in(to, {reinterpret_cast<const std::byte*>(from), size}) ? K_OK : K_EADDR;
}

// Only files that are mapped need them, and a program does that when it runs.
int vmMap(const KnCap*, VmAddr, const KnCap*, VmAddr, VmSize, VmFlags) {
    must(false, "loading maps no file");
    return K_EINVAL;
}
int threadDelay(const KnTimeVal*) { return K_OK; }

int vmStat(KnVmStat* stat) {
    stat->par.usrStartAddr = ProgramSpace::user_begin;
    stat->par.usrEndAddr = ProgramSpace::user_end;
    return K_OK;
}

int threadCreate(const KnCap* actor, KnThreadLid* thread, KnThreadStatus, const void*, const void* start) {
    if (space_of(actor) == nullptr) return K_EUNKNOWN;
    if (c_os::test::allocation_fails_now()) return K_ENOMEM;
    const KnPc entry = static_cast<const KnDefaultStartInfo_f*>(start)->dsEntry;
    must(space->at(entry) != nullptr && space->rights_at(entry).executable, "it begins with code of its own");
    *thread = 1;
    return K_OK;
}

int threadActivate(const KnCap* actor, KnThreadLid) { return space_of(actor) == nullptr ? K_EUNKNOWN : K_OK; }
int threadStop(const KnCap*, KnThreadLid) { return K_OK; }
int threadDelete(const KnCap*, KnThreadLid) { return K_OK; }

// An exported symbol's address follows from its name; some names are nobody's.
VmAddr svSymbolAddress(const char* name) {
    const std::string_view text{name};
    must(!text.empty() && text.size() < K_ACTORNAMEMAX * 2, "its length");
    return text.front() == '!' ? 0 : 0x8000'0000 + text.size();
}

} // extern "C"

// ---- of C_OS -------------------------------------------------------------------------------------------

unsigned long chorale::environment_number(const char*, unsigned long fallback) { return fallback; }

namespace chorale::c_os {

int watch_end(Process&) { return test::allocation_fails_now() ? K_ENOMEM : K_OK; }
int connect_exceptions(const Process&) { return K_OK; }
void attach_task(Task&) {}

// At once what the nucleus's notice does.
void end_process(Ref<Process> process, EndEvent) {
    actorDelete(&process->capability);
    process->files.files.close_range(0, ~u32{0});
    process->files.set_current(nullptr);
    process->files.set_root(nullptr);
    const Lock lock{processes().mutex};
    process->state = ProcessState::ended;
    processes().remove(*process);
}

} // namespace chorale::c_os
