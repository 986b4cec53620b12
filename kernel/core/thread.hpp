// A thread: the unit of scheduling. It belongs to one CPU at a time, and only that CPU touches its scheduling
// state; others send a Request to the owner (kernel/core/remote.hpp).
//
// A thread in the nucleus has no stack of its own. What it still has to do when it runs next is its
// `continuation`; without one it goes straight back to user mode with its frame.
//
// Thread memory is type-stable: a stale pointer may be read, and `serial` tells whether it is still the same
// thread.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/console_input.hpp"
#include "kernel/core/control.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/interrupt/lines.hpp"
#include "kernel/lap/invocation.hpp"
#include "kernel/mapper/paging_state.hpp"
#include "kernel/mem/relaxed.hpp"
#include "kernel/mem/space.hpp"
#include "kernel/mipc/message_wait.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduling.hpp"
#include "kernel/supervisor/mode.hpp"
#include "kernel/sync/sync_state.hpp"
#include "kernel/time/event_timer.hpp"
#include "kernel/time/timer_queue.hpp"
#include "kernel/time/virtual_timeout.hpp"
#include "kernel/trace/thread_trace.hpp"

#include <chorus.h>
#include <machine/frame.hpp>

#include <atomic>
#include <cstddef>

namespace chorale {

class Space;
struct Actor;
struct Membership;
struct Message;
struct Port;
struct Thread;

// The low byte of Thread::state: what the thread is doing.
enum class Doing : u32 {
    running,        // its CPU's current thread; zero, which is the cheapest to compare with
    ready,          // in its CPU's run queue
    nothing,        // free memory, or dead
    inactive,       // created, not yet activated
    held,           // would run, but is stopped or suspended: in no queue (kernel/core/control.hpp)
    receiving,      // parked on a port; from here on: waiting
    awaiting_reply, // its request is queued, travelling, or being served
    sleeping,       // threadDelay
    reading,        // between two looks at the console (kernel/core/console_input.hpp)
    asking,         // its own Request is out: at another CPU, or touring them
    blocked,        // waits for a synchronisation object (kernel/sync/sync.hpp)
    awaiting_timer, // in the list of a timer pool, or chosen by a timer that is on its way
};

// The other bits: what else is to be known before the thread may be dealt with the quick way. The fast path
// compares the whole word, so any flag sends the exchange to the slow path. The first four are those that the
// quick way of another system's calls does not mind (STATE_SHIFT).
enum Flag : u32 {
    flag_supervisor = 1u << 8, // it is in supervisor mode: the fast path only knows the way to user mode
    flag_fpu = 1u << 9,        // its floating-point registers are loaded (PerCpu::fpu_live)
    flag_sent = 1u << 10,      // sent a message to another CPU: the next exchange must not overtake it
    flag_serving = 1u << 11,   // it has a current message (the slow form; the fast form is `client`)
    flag_moving = 1u << 12,    // on its way to another CPU
    flag_timed = 1u << 13,     // its timer is armed
    flag_aborted = 1u << 14,   // threadAbort came while nothing abortable was waiting
    flag_finishing = 1u << 15, // in the middle of long work that must be brought to its end
    flag_bind = 1u << 16,      // to be moved to `bind_to` as soon as nothing keeps it here
    flag_dying = 1u << 17,     // to be destroyed as soon as nothing depends on it any more
    flag_awaited = 1u << 18,   // something waits for its return home (kernel/lap/invocation.hpp)
    flag_metered = 1u << 20,   // its CPU time is wanted exactly (kernel/core/cpu_time.hpp)
    flag_due = 1u << 22,       // a virtual timeout is (kernel/time/virtual_timeout.hpp)
    flag_turn_over = 1u << 21, // its quantum ended while it waited for a better server (kernel/core/turn.cpp)
    flag_lent = 1u << 26,      // waiters for its real-time mutexes lend it their priority
    flag_held = 1u << 31,      // something is to be done before it goes back to its program: hold()
    flag_composing = 1u << 23, // in the middle of the body of its reply
    flag_pausing = 1u << 24,   // asleep in the middle of long work: goes on with work.again
    flag_keeps = 1u << 28,     // it waits for a message whose body stays with the nucleus
    flag_request_aborted =
        1u << 29, // the caller of the request that it serves was aborted; while it serves it
};

// What the fast path touches of a thread, in one cache line; the frame's first line is the other.
struct alignas(cache_line) ThreadHot {
    u32 state{static_cast<u32>(Doing::nothing)};
    std::atomic<CpuIndex> cpu{}; // the owner
    // Fast pairs: `client` is whom this thread serves, `server` who serves this thread. Invariant: the two
    // point at each other, belong to the same CPU, and the client is awaiting_reply. Whoever ends that
    // otherwise than by a reply turns the pair into the slow form first (kernel/ipc/exchange.hpp).
    Thread* client{};
    Thread* server{};
    Thread* next_waiter{}; // on the same port and CPU
    Port* port{};          // where it received last, never null; checked again before each use
    Space* space{};
    Actor* actor{};
    u16 priority{};         // effective: its own or a donated better one
    u16 base_priority{};    // its own, not one that it was lent
    Relaxed<u32> exchanges; // counts its calls: part of the transaction's number
    machine::Frame frame;
};
static_assert(offsetof(ThreadHot, state) == THREAD_STATE && offsetof(ThreadHot, frame) == THREAD_FRAME);

// What a thread asks of another CPU (kernel/core/remote.hpp).
struct Question {
    Thread* target{};
    u64 serial{};
    long (*operation)(Thread& target, const Question& question){};
    void (*visit)(Thread& self){};
    void (*finish)(Thread& self, long result){};
    u64 argument[2]{};
    long result{};
    mutable u64 answer[2]{}; // the operation's, beside its result
};

// A call that is done piece by piece, each piece a continuation: what is left of it. The actors are named,
// not pointed at: they may be gone when the next piece is due.
struct LongWork {
    KnCap source_actor{}, target_actor{};
    VirtAddr source, target;
    u64 size{}, done{};
    u64 console_end{}; // of what sysWrite has handed in
    RangeWork range{};
    TlbFlush flush{};
    // Memory (kernel/call/region_steps.hpp).
    RangeWork lender{};       // what pages are taken from; `range` is then where they go
    Segment* segment{};       // that is read or written, with a hold on it
    VirtAddr count_at{};      // where to tell how much of it was; zero: nowhere
    VmFlags options{};        // as given
    long outcome{};           // the call's result, when what is begun has come to its end
    void (*again)(Thread&){}; // after a pause, while flag_pausing
    Membership* membership{}; // to be freed after a tour
};

// What happened to a thread; counted by its CPU, read by all.
struct Accounts {
    Relaxed<u64> dispatches, preemptions, migrations;
    u32 first_exchange{}; // Thread::exchanges when it was created
};

struct ThreadRequest : Request {
    Thread* thread{};
};
struct ThreadTimer : Timer {
    Thread* thread{};
};

struct Thread : ThreadHot, Schedulable {
    [[nodiscard]] Doing doing() const { return static_cast<Doing>(state & 0xff); }
    void now_doing(Doing what) { state = (state & ~0xffu) | static_cast<u32>(what); }
    [[nodiscard]] bool has(Flag flag) const { return (state & flag) != 0; }
    void set(Flag flag) { state |= flag; }
    void clear(Flag flag) { state &= ~static_cast<u32>(flag); }
    // By who is about to wait, and may be aborted: whether it has been already. The abort is used up.
    [[nodiscard]] bool aborted() const { return (state & (flag_aborted | flag_request_aborted)) != 0; }
    bool take_abort() {
        const bool was = aborted();
        state &= ~static_cast<u32>(flag_aborted | flag_request_aborted);
        return was;
    }

    SupervisorState supervisor{}; // first, and the next two: THREAD_SUPERVISOR
    DirectTrapState direct_trap{};
    Invocations invocations{};
    void (*continuation)(Thread&){};
    ThreadRequest request; // the thread's own: one is out at a time
    Question question;
    ThreadTimer timer;
    Message* incoming{};       // handed to it, not yet taken over into its space; or being composed by it
    u64 deadline{};            // of the wait, as given; the timer may be disarmed for a while
    Port* fetch_port{};        // where it is fetching a message from another CPU's queue
    Message* fetched{};        // what it got there: belongs to who has the request, until that is back
    u64 fetch_life{};          // of that port
    Actor* fetch_actor{};      // whose port it was then
    void (*resume)(Thread&){}; // how a suspended wait goes on
    u64 transaction{};         // counts its ended waits: a late reply does not match
    std::atomic<u64> serial{}; // never used twice, survives reuse of the memory
    Message* serving{};        // the message being served, while flag_serving; null: its client has gone
    Message* handling{};       // that a message handler runs for (kernel/ipc/message_handler.hpp)
    void* fpu_area{};          // null: it never used floating point
    KnThreadLid lid{};
    CpuIndex bind_to{};
    bool abortable{}; // the wait that began last, unless it is for a message: the control word tells there
    Actor* victim{};  // the actor that this thread is deleting
    u64 deletion_progress{};
    LongWork work{};
    Accounts accounts;
    Control control{};
    ConsoleReader reader{};
    Scheduling scheduling{};
    SyncState sync;
    TimerWait timer_wait{};
    Paging paging{};
    MessageWait message_wait{};
    Detachment detachment{};
    VirtualTimeouts virtual_timeouts{};
    ThreadTrace trace;
};

static_assert(flag_supervisor == STATE_SUPERVISOR &&
              (flag_supervisor | flag_fpu | flag_sent | flag_serving | 0xff) == (1u << STATE_SHIFT) - 1);

inline constexpr u32 state_running = static_cast<u32>(Doing::running);
inline constexpr u32 state_ready = static_cast<u32>(Doing::ready);
inline constexpr u32 state_receiving = static_cast<u32>(Doing::receiving);
inline constexpr u32 state_awaiting_reply = static_cast<u32>(Doing::awaiting_reply);

} // namespace chorale
