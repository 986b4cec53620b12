#include "kernel/core/control.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/mmu.hpp>

namespace chorale {

namespace {

[[nodiscard]] bool held(const Thread& thread) {
    return thread.control.stopped || thread.control.suspensions != 0;
}

// The flag stays: hold() looks what it was for.
void decide(Thread& thread) {
    if (held(thread)) {
        thread.set(flag_held);
    } else if (thread.doing() == Doing::held) {
        make_ready(thread);
    }
}

void set_stopped(Thread& thread, bool stopped) {
    if (stopped != thread.control.stopped) thread.control.tells_stop = stopped;
    thread.control.stopped = stopped;
    decide(thread);
}

// In its program, as far as it can see: no call of it is in progress that would read its registers.
[[nodiscard]] bool between_calls(const Thread& thread) {
    return thread.doing() < Doing::receiving && thread.continuation == nullptr && !thread.frame.supervisor();
}

struct Packed {
    u64 cpu : 8, priority : 8, status : 8, lid : 16, none : 24;
};
static_assert(max_cpus <= 1u << 8 && RunQueue::priorities <= 1u << 8 && Actor::thread_limit <= 1u << 16);

} // namespace

bool returns_home(Thread& thread) {
    if (!in_handler(thread) && !away_from_home(thread)) return true;
    await_home(thread);
    return false;
}

void hold(Thread& thread) {
    if (run_home_handlers(thread)) return;
    if (held(thread)) {
        thread.now_doing(Doing::held);
    } else {
        thread.clear(flag_held);
    }
}

long hold_operation(Thread& target, const Question& question) {
    Control& control = target.control;
    switch (static_cast<Hold>(question.argument[0])) {
    case Hold::stop:
        set_stopped(target, true);
        return K_OK;
    case Hold::start:
        if (!control.stopped) return K_EINVAL;
        set_stopped(target, false);
        return K_OK;
    case Hold::suspend:
        ++control.suspensions;
        break;
    case Hold::resume:
        if (control.suspensions == 0) return K_EINVAL;
        --control.suspensions;
        break;
    }
    decide(target);
    return K_OK;
}

long follow_actor_operation(Thread& target, const Question&) {
    // relaxed: of two that stop and start the actor at once, the later one visits this thread after its own
    // store
    set_stopped(target, target.actor->stopped.load(std::memory_order_relaxed));
    return K_OK;
}

long context_operation(Thread& target, const Question& question) {
    auto& exchange = *reinterpret_cast<ContextExchange*>(question.argument[0]);
    if (exchange.type == K_CURRCTX) {
        if (target.frame.supervisor() && !exchange.trusted) return K_EPRIV;
        if (exchange.get) exchange.old_values.machine = target.frame.context();
        if (!exchange.set) return K_OK;
        if (!between_calls(target)) return K_EBUSY;
        return target.frame.set_context(exchange.new_values.machine, machine::user_limit()) ? K_OK : K_EINVAL;
    }
    auto& registers = target.control.registers[exchange.type == K_SUPPRIV ? 1 : 0];
    if (exchange.get) __builtin_memcpy(exchange.old_values.software, registers, sizeof registers);
    if (exchange.set) __builtin_memcpy(registers, exchange.new_values.software, sizeof registers);
    return K_OK;
}

long statistics_operation(Thread& target, const Question&) {
    Packed packed{};
    packed.cpu = this_cpu().index;
    packed.priority = target.base_priority;
    packed.lid = static_cast<u16>(target.lid);
    packed.status = target.doing() == Doing::inactive    ? K_INACTIVE
                    : target.control.stopped             ? K_STOPPED
                    : target.control.suspensions != 0    ? K_SUSPENDED
                    : target.doing() >= Doing::receiving ? K_WAITING
                                                         : K_ACTIVE;
    return __builtin_bit_cast(long, packed);
}

KnThreadStat unpack_statistics(long packed) {
    const auto parts = __builtin_bit_cast(Packed, packed);
    return {static_cast<KnThreadLid>(parts.lid), static_cast<KnThreadStatus>(parts.status),
            static_cast<unsigned>(parts.priority), static_cast<KnCpuId>(parts.cpu)};
}

} // namespace chorale
