#include "kernel/core/remote.hpp"

#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"

namespace chorale {

namespace {

Thread& asker_of(Request& request) { return *static_cast<ThreadRequest&>(request).thread; }

// Back on the asker's CPU.
void answered(Request& request) {
    Thread& self = asker_of(request);
    if (self.question.finish != nullptr) {
        self.question.finish(self, self.question.result);
    } else {
        wake(self, self.question.result);
    }
    settle(self);
}

void send_home(Thread& self) {
    self.request.run = answered;
    // relaxed: an asking thread does not move
    this_cpu().inbox.post(self.cpu.load(std::memory_order_relaxed), self.request);
}

void at_owner(Request& request) {
    Thread& self = asker_of(request);
    Question& question = self.question;
    // relaxed: a guess until the question is with the owner
    if (question.target->serial.load(std::memory_order_relaxed) != question.serial) {
        question.result = K_EUNKNOWN;
    } else {
        if (forward(request, *question.target)) return;
        question.result = question.operation(*question.target, question);
    }
    send_home(self);
}

void at_next_cpu(Request& request) {
    Thread& self = asker_of(request);
    self.question.visit(self);
    const CpuIndex home = self.cpu.load(std::memory_order_relaxed); // relaxed: an asking thread does not move
    const CpuIndex next = (this_cpu().index + 1) % cpu_count();
    if (next == home) {
        send_home(self);
    } else {
        this_cpu().inbox.post(next, request);
    }
}

} // namespace

[[gnu::always_inline]] bool forward(Request& request, const Thread& target) {
    PerCpu& cpu = this_cpu();
    // acquire: pairs with the release in depart() (kernel/core/migration.cpp), so that flag_moving is seen
    // with it
    const CpuIndex owner = target.cpu.load(std::memory_order_acquire);
    // The thread is still on its way here: the request waits its turn behind it.
    if (owner == cpu.index && !target.has(flag_moving)) return false;
    cpu.inbox.post(owner, request);
    return true;
}

[[gnu::always_inline]] static inline Question& note_question(Thread& self, Thread& target, u64 serial,
                                                             const Operation& operation) {
    return self.question = Question{&target, serial,           operation.run,
                                    nullptr, operation.finish, {operation.argument[0], operation.argument[1]},
                                    K_OK};
}

void ask_by_mail(Thread& self, Thread& target, u64 serial, const Operation& operation) {
    note_question(self, target, serial, operation);
    self.now_doing(Doing::asking);
    self.request.run = at_owner;
    // acquire: as in forward()
    this_cpu().inbox.post(target.cpu.load(std::memory_order_acquire), self.request);
}

long ask(Thread& self, Thread& target, u64 serial, const Operation& operation) {
    const Question& question = note_question(self, target, serial, operation);
    PerCpu& cpu = this_cpu();
    // acquire: as in forward()
    const CpuIndex owner = target.cpu.load(std::memory_order_acquire);
    const bool gone =
        target.serial.load(std::memory_order_relaxed) != serial; // relaxed: the owner looks again
    if (gone || (owner == cpu.index && !target.has(flag_moving))) {
        const long result = gone ? K_EUNKNOWN : operation.run(target, question);
        if (operation.finish == nullptr) return result;
        operation.finish(self, result);
        return no_result;
    }
    self.now_doing(Doing::asking);
    self.request.run = at_owner;
    cpu.inbox.post(owner, self.request);
    return no_result;
}

void tour(Thread& self, void (*visit)(Thread& self), void (*finish)(Thread& self, long result)) {
    self.question = Question{nullptr, 0, nullptr, visit, finish, {}, K_OK};
    self.now_doing(Doing::asking);
    visit(self);
    self.request.run = cpu_count() == 1 ? answered : at_next_cpu;
    PerCpu& cpu = this_cpu();
    cpu.inbox.post((cpu.index + 1) % cpu_count(), self.request);
}

} // namespace chorale
