#include "fuzz/calls_supervisor.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/mem/page_account.hpp"
#include "kernel/supervisor/handler.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/supervisor/thread_level.hpp"

#include <machine/irq.hpp>
#include <machine/supervisor.hpp>
#include <machine/user_access.hpp>

#include <algorithm>
#include <cstddef>

namespace chorale::fuzz {

using namespace host;

namespace {

[[nodiscard]] Thread& self() { return *chorale::this_cpu().current; }

// ---- functions that are LAPs and handlers, at thread level and at interrupt level ------------------------

constexpr unsigned deal_limit = 64; // exceptions of a run that are dealt with: nobody faults for ever
constexpr u64 own_timeout = 0x7000;
unsigned dealt;
KnLapDesc again{}; // a LAP for timeouts that a handler sets

void do_nothing(u64, u64) {}

// Calls that may be made where it is, and some that may not. The cookie is a number from the script.
void make_calls(u64, u64 cookie) {
    KnTimeVal time{0, 100'000};
    VmAddr pages = 0;
    constexpr u64 size = sizeof(u64) * 2;
    switch (cookie % 8) {
    case 0:
        native_call(Call::svSysTimeoutSet, own_timeout, &time, 0, &again);
        break;
    case 1:
        native_call(Call::svSysTimeoutCancel, own_timeout);
        break;
    case 2:
        native_call(Call::svIntrMask, cookie >> 3, cookie >> 8 & 1);
        break;
    case 3: // stays nobody's
        native_call(Call::svPagesAllocate, &pages, page_size, 0, 0);
        break;
    case 4:
        native_call(Call::svTimeoutGetRes, machine::supervisor_end - size + (cookie >> 3) % 3 * 8);
        break;
    case 5:
        native_call(Call::sysTime, &time);
        break;
    case 6: // blocks, or may not be called
        native_call(Call::threadDelay, &time);
        break;
    default:
        native_call(Call::sysTimeGetRes, u64{0x10});
        break;
    }
}

// Goes past three exceptions of four. What it is given is a description only when the nucleus calls it.
void deal_with_exception(u64 argument, u64) {
    const bool told = !at_interrupt_level(self()) && self().invocations.faulty != nullptr &&
                      holds_variables(VirtAddr{argument}, sizeof(KnExcDesc));
    if (!told || ++dealt % 4 == 0 || dealt > deal_limit) return;
    auto& exception = *reinterpret_cast<KnExcDesc*>(argument);
    const VirtAddr place{reinterpret_cast<u64>(exception.threadCtx) + offsetof(KnThreadCtx, pc)};
    u64 pc = 0;
    if (!machine::supervisor_read(&pc, place, sizeof pc)) return;
    pc += 4;
    if (machine::supervisor_write(place, &pc, sizeof pc)) exception.excHandled = 1;
}

// As a message handler; anywhere else there is nothing to reply to.
void reply_in_kind(u64 message, u64) { native_call(Call::svMsgHdlReply, message); }

void run_code_at(u64 entry, u64) { Native::run_code(entry, 0, 0, 0); }

[[nodiscard]] u64 address_of(void (*function)(u64, u64)) { return reinterpret_cast<u64>(function); }

} // namespace

bool supervising() { return chorale::in_supervisor_mode(self()); }

// ---- the run's supervisor actor --------------------------------------------------------------------------

namespace {

[[nodiscard]] Task<KnLapDesc> create_lap(VirtAddr owner, u64 handler, u32 options) {
    Local<KnLapDesc> lap;
    const long result = co_await call(Call::svLapCreate, owner, handler, 0, options, lap.at());
    must(result == K_OK, "there is memory for a LAP again");
    co_return co_await lap.get();
}

// A line stays with the CPU of the first who attached to it: with root's, whatever scripts come first.
[[nodiscard]] Task<void> settle_lines() {
    Local<CpuIntrId> id;
    for (unsigned line = 0; line < machine::irq_lines(); ++line) {
        const u64 handler = address_of(do_nothing);
        if (co_await call(Call::svIntrConnect, line, handler, 0, id.at()) != K_OK) continue;
        must(co_await call(Call::svIntrDetach, co_await id.get()) == K_OK, "a handler can be detached");
    }
}

[[nodiscard]] Task<void> make_actor(Supervision& all) {
    Local<KnCap> place;
    co_await settle_lines();
    const long made = co_await call(Call::actorCreate, 0, place.at(), K_SUPACTOR, K_ACTIVE);
    must(made == K_OK, "there is memory for a supervisor actor again");
    all.actor = co_await place.get();
    all.way_in = co_await create_lap(place.at(), address_of(run_code_at), K_LAP_SAFE);
    again = co_await create_lap(place.at(), address_of(make_calls), K_LAP_SAMEHOST);
}

} // namespace

Task<void> make_supervision(Supervision& all, Pools& pools) {
    dealt = 0;
    const long result = co_await in_supervisor_mode([&all](u64) { return make_actor(all); });
    must(result == K_OK, "there is a way into supervisor mode");
    pools.actors.push_back(all.actor);
    pools.laps.push_back(all.way_in);
    pools.laps.push_back(again);
    for (const auto function : {do_nothing, make_calls, deal_with_exception, reply_in_kind})
        pools.functions.push_back(address_of(function));
}

Task<long> enter_supervisor_mode(const Supervision& all, u64 entry) {
    Local<KnLapDesc> lap;
    co_await lap.set(all.way_in);
    co_return co_await call(Call::lapInvoke, lap.at(), entry);
}

Task<long> start_in_supervisor_mode(u64 entry, unsigned priority) {
    Local<KnThreadLid> lid;
    Local<KnFifoThParms> scheduling;
    Local<KnDefaultStartInfo_f> start;
    KnDefaultStartInfo_f info{};
    info.dsType = K_DEFAULT_START_INFO;
    info.dsPrivilege = K_SUPTHREAD;
    info.dsEntry = entry;
    co_await scheduling.set({K_SCHED_FIFO, priority});
    co_await start.set(info);
    co_return co_await call(Call::threadCreate, 0, lid.at(), K_ACTIVE, scheduling.at(), start.at());
}

// ---- its end ---------------------------------------------------------------------------------------------

namespace {

[[nodiscard]] std::vector<VirtRange> nobodys_regions() {
    std::vector<VirtRange> found;
    supervisor_space().inspect([&](const RegionList& regions, const PageTable&) {
        for (const Region* each = regions.first(); each != nullptr; each = regions.next(*each))
            if (each->owner == RegionOwner::nobody) found.push_back(each->range);
    });
    return found;
}

[[nodiscard]] Task<void> free_all(Pools& pools) {
    for (const VirtRange& range : nobodys_regions()) {
        while (supervisor_space().unlock_range(range) == Status::ok) {
        }
        const long result = co_await call(Call::svPagesFree, range.begin, range.size());
        must(result == K_OK, "what is nobody's can be freed");
    }
    Local<KnPhMemChunk> place;
    for (const Chunk& chunk : pools.chunks) {
        co_await place.set({chunk.address, chunk.size, 0});
        must(co_await call(Call::svPhysFree, place.at()) == K_OK, "what was allocated can be freed");
    }
    constexpr unsigned keys = 64; // of the site: more than there are
    for (unsigned key = 0; key < keys; ++key) static_cast<void>(co_await call(Call::siteKeyDelete, key));
}

} // namespace

Task<void> end_supervision(Pools& pools) {
    const long result = co_await in_supervisor_mode([&pools](u64) { return free_all(pools); });
    must(result == K_OK, "there is a way into supervisor mode");
}

// ---- arguments -------------------------------------------------------------------------------------------

namespace {

// What a call writes by the count that it is given stays in the room that one argument has.
void bound_output(const CallInfo& info, std::span<u64, argument_limit> arguments) {
    for (unsigned i = 0; i + 1 < info.count(); ++i) {
        const chorus::ArgumentInfo& count = info.arguments[i + 1];
        if (info.arguments[i].direction != chorus::Direction::out_bytes ||
            count.direction != chorus::Direction::value || arguments[i] < machine::supervisor_begin)
            continue;
        arguments[i + 1] = std::min<u64>(static_cast<u32>(arguments[i + 1]), argument_room);
    }
}

// A message is described by what the script has written: it says that the wait can be aborted. What stands
// elsewhere in the supervisor space, in a page of code, does not.
void keep_abortable(const CallInfo& info, std::span<u64, argument_limit> arguments, VirtAddr system_stack) {
    for (unsigned i = 0; i < info.count(); ++i) {
        const bool own = arguments[i] - system_stack.raw() < sizeof(Scratch);
        if (std::string_view{info.arguments[i].type} == "KnMsgDesc" && !own &&
            arguments[i] >= machine::supervisor_begin && arguments[i] < machine::supervisor_end)
            arguments[i] = 0x10;
    }
}

} // namespace

void make_bearable(unsigned number, std::span<u64, argument_limit> arguments, Pools& pools,
                   VirtAddr system_stack) {
    constexpr u64 user_half = 0xffff'ffff;
    const u64 function = pools.functions[arguments[2] % pools.functions.size()];
    bound_output(call_of(number), arguments);
    keep_abortable(call_of(number), arguments, system_stack);
    switch (static_cast<Call>(number)) {
    case Call::svLapCreate:
        // At interrupt level an exception is the end.
        if (static_cast<u32>(arguments[3]) == K_LAP_SAMEHOST) arguments[1] = function;
        arguments[2] &= user_half;
        break;
    case Call::svMsgHandler:
        if (arguments[2] % 4 != 0) arguments[2] = function;
        arguments[4] &= user_half;
        break;
    case Call::svIntrConnect:
        if (arguments[1] != 0) arguments[1] = function;
        arguments[2] &= user_half;
        break;
    case Call::siteKeyCreate:
        if (arguments[1] % 4 != 0)
            arguments[1] = pools.functions[arguments[1] % pools.functions.size()];
        else
            arguments[1] = 0;
        break;
    case Call::svPhysMap: {
        // Frames of its own, which are not given back as long as they may be mapped.
        KnPhMemChunk chunk;
        const bool own = arguments[0] == system_stack.raw();
        if (!own && machine::user_read(&chunk, VirtAddr{arguments[0]}, sizeof chunk)) arguments[0] = 0x10;
        for (Chunk& each : pools.chunks) each.mapped = true;
        break;
    }
    case Call::vmCopy: // beyond the room of the arguments is what the nucleus keeps of the thread
        if (const u64 into = arguments[3] - system_stack.raw(); into <= argument_limit * argument_room)
            arguments[4] = std::min<u64>(arguments[4], argument_limit * argument_room - into);
        break;
    case Call::traceRead: // no more than there is room for
        arguments[2] %= argument_room / sizeof(KnTraceRecord);
        break;
    case Call::threadContext: // of a thread in supervisor mode: any registers
        arguments[4] = 0;
        break;
    default:
        break;
    }
}

// ---- physical memory -------------------------------------------------------------------------------------

namespace {

// With interrupts off nothing comes between the end of a call and what its caller does then: the thread is
// neither moved nor ended.
struct Unmask {
    [[nodiscard]] bool await_ready() const { return false; }
    // The program counts as suspended meanwhile: others may end the thread.
    bool await_suspend(std::coroutine_handle<>) {
        thread_level::unmask_interrupts();
        return false;
    }
    void await_resume() const {}
};

} // namespace

Task<long> allocate_physical(Pools& pools, Choice choice) {
    constexpr std::size_t most = 8;
    Local<KnPhMemChunk> chunk;
    Local<KnPhMemAlign> align;
    constexpr u64 sizes[] = {1, page_size, page_size + 1, 3 * page_size, 4 * page_size, 0, ~u64{0}, 1 << 24};
    constexpr u64 limits[] = {0, 0, 1 << 13, 1 << 14, 1 << 20, 3, u64{1} << 40, ~u64{0}};
    const u64 wanted = sizes[choice.first() % std::size(sizes)];
    co_await chunk.set({0, wanted, 0});
    co_await align.set({limits[choice.second() % 8], limits[choice.third() % 8], limits[choice.more() % 8]});
    if (pools.chunks.size() >= most) co_return K_OK;
    const bool aligned = choice.place() % 4 != 0;
    thread_level::mask_interrupts();
    const long result = co_await call(Call::svPhysAlloc, chunk.at(), aligned ? align.at() : VirtAddr{});
    if (result == K_OK) {
        pools.physical = true;
        const KnPhMemChunk made = co_await chunk.get();
        must(made.psize >= wanted, "a chunk is as big as was asked for");
        for (const Chunk& other : pools.chunks)
            must(made.paddr + made.psize <= other.address || other.address + other.size <= made.paddr,
                 "no two chunks overlap");
        pools.chunks.push_back({made.paddr, made.psize, false});
    }
    co_await Unmask{};
    co_return result;
}

Task<long> free_physical(Pools& pools, Choice choice) {
    Local<KnPhMemChunk> place;
    const bool known = choice.place() % 4 != 0 && !pools.chunks.empty();
    const std::size_t index = known ? choice.first() % pools.chunks.size() : 0;
    if (!known || pools.chunks[index].mapped) { // nobody's
        constexpr KnPhMemChunk bad[] = {{0, 0, 0},
                                        {1, page_size, 0},
                                        {~u64{0}, page_size, 0},
                                        {0, ~u64{0}, 0},
                                        {u64{1} << 40, page_size, 0}};
        co_await place.set(bad[choice.second() % std::size(bad)]);
        const VirtAddr at = choice.third() % 4 == 0 ? VirtAddr{choice.third()} : place.at();
        const long result = co_await call(Call::svPhysFree, at);
        must(result != K_OK, "what nobody has allocated cannot be freed");
        co_return result;
    }
    const Chunk chunk = pools.chunks[index];
    co_await place.set({chunk.address, chunk.size, 0});
    thread_level::mask_interrupts();
    long result = K_OK;
    const auto found = std::ranges::find(pools.chunks, chunk);
    if (found != pools.chunks.end()) { // nobody else has been faster
        pools.chunks.erase(found);
        result = co_await call(Call::svPhysFree, place.at());
        if (result != K_OK) pools.chunks.push_back(chunk); // it could not be read
    }
    co_await Unmask{};
    co_return result;
}

// ---- functions -------------------------------------------------------------------------------------------

long copy_at_thread_level(u64 which, u64 address, u64 size) {
    std::array<char, 256> own{};
    const int count = static_cast<int>(size % (own.size() + 1));
    if (which % 8 == 7) return thread_level::copy_in(address, own.data(), -1);
    switch (which % 3) {
    case 0:
        return thread_level::copy_in(address, own.data(), count);
    case 1:
        return thread_level::copy_in_string(address, own.data(), count);
    default:
        return thread_level::copy_out(own.data(), address, count);
    }
}

Task<long> invoke(const Pools& pools, Choice choice, u64 argument) {
    constexpr unsigned depth_limit = 6; // LAPs in each other: there is a stack to be used up
    unsigned depth = 0;
    for (const LapFrame* frame = self().invocations.frames.load(); frame != nullptr && depth < depth_limit;
         frame = frame->outer)
        ++depth;
    if (depth == depth_limit) co_return K_OK;
    KnLapDesc lap = pools.laps[choice.first() % pools.laps.size()];
    if (choice.second() % 16 == 0) lap.ldKey ^= u64{1} << choice.third() % 64;
    if (choice.second() % 16 == 1) lap.ldPlace = choice.more();
    co_return co_await invoke_lap(lap, argument);
}

} // namespace chorale::fuzz
