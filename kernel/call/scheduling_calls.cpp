// Scheduling attributes, CPUs and CPU time of threads.
#include "kernel/call/handlers.hpp"
#include "kernel/core/cpu_time.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/turn.hpp"

#include <machine/user_access.hpp>

namespace chorale {

Result<Attributes> read_attributes(UserIn<KnThreadDefSched> parameters) {
    KnThreadDefSched read{};
    const VirtAddr at = parameters.address();
    if (!machine::copy_in(&read, at, sizeof(ParametersHead))) return Status::fault;
    if (read.tdClass == K_SCHED_RT && !machine::copy_in(&read, at, sizeof read)) return Status::fault;
    return attributes_from(read);
}

Attributes attributes_of(const Thread& thread) {
    return {thread.scheduling.scheduling_class, thread.base_priority, thread.scheduling.quantum};
}

namespace {

// ---- attributes as an argument of an operation and as its answer ---------------------------------

constexpr unsigned class_shift = 56; // above every quantum
constexpr u64 no_change = ~u64{0};

[[nodiscard]] u64 class_and_quantum(const Attributes& attributes) {
    return u64{attributes.scheduling_class} << class_shift | attributes.quantum;
}
[[nodiscard]] Attributes unpack(u64 priority, u64 rest) {
    return {static_cast<KnSchedClass>(rest >> class_shift), static_cast<u16>(priority),
            rest & ((u64{1} << class_shift) - 1)};
}

[[nodiscard]] long scheduler_operation(Thread& target, const Question& question) {
    const Attributes old = attributes_of(target);
    question.answer[0] = old.priority;
    question.answer[1] = class_and_quantum(old);
    if (question.argument[1] == no_change) return K_OK;
    const Attributes wanted = unpack(question.argument[0], question.argument[1]);
    target.scheduling.scheduling_class = wanted.scheduling_class;
    set_quantum(target, wanted.quantum);
    return priority_operation(target, question); // argument 0
}

// ---- how a call goes on when the answer is there -------------------------------------------------
//
// At once, when the thread belongs to this CPU; else when the caller's request is home, and then as a
// continuation: only there is the caller's memory.

template <void (*Next)(Thread&)>
void answered(Thread& self, long result) {
    self.question.result = result;
    if (self.doing() == Doing::asking) {
        wake_with(self, Next);
    } else {
        Next(self);
    }
}

// work.target: where the old attributes go.
void tell_attributes(Thread& self) {
    const Question& question = self.question;
    const KnThreadDefSched old = parameters_from(unpack(question.answer[0], question.answer[1]));
    long result = question.result;
    if (result == K_OK && self.work.target.raw() != 0 &&
        !machine::copy_out(self.work.target, &old, parameters_size(old.tdClass))) {
        result = K_EFAULT;
    }
    self.frame.set_result(result);
}

// work.source, work.target: where the two times go.
void tell_times(Thread& self, const TimesUsed& used) {
    constexpr u64 second = 1'000'000'000;
    const auto tell = [](VirtAddr at, u64 nanoseconds) {
        const UserOutOpt<KnTimeVal> place{at};
        if (!place.given()) return true;
        return place.write({static_cast<long>(nanoseconds / second),
                            static_cast<long>(nanoseconds % second)}) == Status::ok;
    };
    const bool told = tell(self.work.source, used.home) && tell(self.work.target, used.abroad);
    self.frame.set_result(told ? K_OK : K_EFAULT);
}

void tell_thread_times(Thread& self) {
    if (self.question.result != K_OK) {
        self.frame.set_result(self.question.result);
        return;
    }
    tell_times(self, {self.question.answer[0], self.question.answer[1]});
}

// ---- the sum over an actor: one thread a step ----------------------------------------------------
//
// work.target_actor: whose; size, done: the sums; deletion_progress: the next local id.

void sum_step(Thread& self);

void add_answer(Thread& self) {
    // Who has ended since it was found is left out.
    if (self.question.result == K_OK) {
        self.work.size += self.question.answer[0];
        self.work.done += self.question.answer[1];
    }
    wake_with(self, sum_step);
}

void sum_step(Thread& self) {
    const Result<Actor*> actor = find_actor(self.work.target_actor);
    if (!actor.ok()) {
        self.frame.set_result(static_cast<long>(actor.status()));
        return;
    }
    unsigned lid = static_cast<unsigned>(self.deletion_progress);
    const FoundThread found = next_thread(*actor.value(), lid, nullptr);
    self.deletion_progress = lid;
    if (found.thread == nullptr) {
        tell_times(self, {self.work.size, self.work.done});
        return;
    }
    static_cast<void>(
        ask(self, *found.thread, found.serial, Operation{times_operation, {}, answered<add_answer>}));
}

void begin_sum(Thread& self, Actor& actor) {
    self.work.target_actor = actor.capability;
    self.deletion_progress = 1;
    const TimesUsed ended = actor.tables.with([](Actor::Tables& tables) { return times_used(tables.ended); });
    self.work.size = ended.home;
    self.work.done = ended.abroad;
    sum_step(self);
}

} // namespace

namespace calls {

long threadBind(Thread& self, Cap capability, KnThreadLid lid, KnCpuId cpu, UserOutOpt<KnCpuId> old_cpu,
                KnBindId mode) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (mode != K_NONEXCLUSIVE || (cpu != K_SAMECPU && cpu != K_ANYCPU && cpu >= cpu_count()))
        return K_EINVAL;
    const Result<FoundThread> found = thread_of(self, capability, lid);
    if (!found.ok()) return static_cast<long>(found.status());
    // relaxed: where it is at this moment; it may move meanwhile
    const KnCpuId where = found.value().thread->cpu.load(std::memory_order_relaxed);
    if (old_cpu.given() && old_cpu.write(where) != Status::ok) return K_EFAULT;
    if (cpu == K_SAMECPU) return K_OK;
    if (found.value().thread == &self) self.frame.set_result(K_OK); // it leaves with its result
    return ask(self, *found.value().thread, found.value().serial, Operation{bind_operation, {cpu}});
}

long threadScheduler(Thread& self, Cap capability, KnThreadLid lid,
                     UserOutOpt<KnThreadDefSched> old_parameters,
                     UserInOpt<KnThreadDefSched> new_parameters) {
    const Result<FoundThread> found = thread_of(self, capability, lid);
    if (!found.ok()) return static_cast<long>(found.status());
    Operation operation{scheduler_operation, {0, no_change}};
    if (new_parameters.given()) {
        const Result<Attributes> wanted = read_attributes(new_parameters);
        if (!wanted.ok()) return static_cast<long>(wanted.status());
        operation.argument[0] = wanted.value().priority;
        operation.argument[1] = class_and_quantum(wanted.value());
    }
    // Nothing is set when the old ones cannot be told; how many bytes they have is known later.
    constexpr ParametersHead nothing{};
    if (old_parameters.given() && !machine::copy_out(old_parameters.address(), &nothing, sizeof nothing))
        return K_EFAULT;
    self.work.target = old_parameters.address();
    operation.finish = answered<tell_attributes>;
    return ask(self, *found.value().thread, found.value().serial, operation);
}

long threadTimes(Thread& self, Cap capability, KnThreadLid lid, UserOutOpt<KnTimeVal> internal,
                 UserOutOpt<KnTimeVal> external) {
    self.work.source = internal.address();
    self.work.target = external.address();
    if (lid == K_ALLACTORTHREADS) {
        const Result<Actor*> actor = actor_of(self, capability);
        if (!actor.ok()) return static_cast<long>(actor.status());
        begin_sum(self, *actor.value());
        return no_result;
    }
    const Result<FoundThread> found = thread_of(self, capability, lid);
    if (!found.ok()) return static_cast<long>(found.status());
    return ask(self, *found.value().thread, found.value().serial,
               Operation{times_operation, {}, answered<tell_thread_times>});
}

} // namespace calls
} // namespace chorale
