// The tests' scheduler. Not instrumented.
#include "tests/weak/cpus.hpp"

#include <ucontext.h>

#include <cstddef>
#include <memory>
#include <stdexcept>

namespace chorale::weak::test {

namespace {

constexpr std::size_t stack_size = 64 * 1024;

struct Fiber {
    ucontext_t context{};
    std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(stack_size);
    const std::function<void()>* function = nullptr;
    bool done = true;
    bool arrived = false; // at its first operation
};

class Scheduler final : public Simulator {
  public:
    Result run(const Plan& plan, const std::vector<std::function<void()>>& functions);
    void yield();
    [[nodiscard]] bool over() const { return result_.stuck; }

    void schedule_point(Access access, const void* address) override;
    unsigned choose(unsigned count, Choice kind) override;
    void race(const Race& race) override { result_.races.push_back(race); }
    void performed(const Event& event) override;

  private:
    static void start();
    void switch_to(unsigned fiber);
    [[nodiscard]] unsigned running(std::uint64_t index);
    [[nodiscard]] unsigned any_running();
    void follow_script();
    [[nodiscard]] bool one_in(unsigned count) { return count != 0 && next() % count == 0; }
    std::uint64_t next();

    Plan plan_;
    Result result_;
    std::uint64_t random_ = 0;
    std::vector<Fiber> fibers_;
    unsigned running_ = 0, current_ = 0;
    ucontext_t main_{};
};

Scheduler scheduler;
bool installed = false;

// SplitMix64.
std::uint64_t Scheduler::next() {
    std::uint64_t z = random_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned Scheduler::running(std::uint64_t index) {
    for (unsigned fiber = 0;; ++fiber) {
        if (!fibers_[fiber].done && index-- == 0) return fiber;
    }
}

unsigned Scheduler::any_running() {
    if (plan_.script != nullptr) return running(plan_.script->choose(running_));
    return running(next() % running_);
}

// Brings every fiber to its first operation before there is a choice, so that each way of interleaving the
// operations is taken once.
void Scheduler::follow_script() {
    Fiber& self = fibers_[current_];
    if (!self.arrived) {
        self.arrived = true;
        for (unsigned fiber = 0; fiber < fibers_.size(); ++fiber) {
            if (fibers_[fiber].done || fibers_[fiber].arrived) continue;
            switch_to(fiber);
            return;
        }
    }
    switch_to(any_running());
}

void Scheduler::switch_to(unsigned fiber) {
    const unsigned from = current_;
    if (fiber == from) return;
    current_ = fiber;
    swapcontext(&fibers_[from].context, &fibers_[fiber].context);
}

void Scheduler::start() {
    Fiber& self = scheduler.fibers_[scheduler.current_];
    enter(scheduler.current_);
    (*self.function)();
    leave();
    self.done = true;
    --scheduler.running_;
    if (scheduler.running_ == 0) setcontext(&scheduler.main_);
    scheduler.current_ = scheduler.any_running();
    setcontext(&scheduler.fibers_[scheduler.current_].context);
}

Result Scheduler::run(const Plan& plan, const std::vector<std::function<void()>>& functions) {
    plan_ = plan;
    random_ = plan.seed;
    result_ = Result{};
    running_ = static_cast<unsigned>(functions.size());
    if (fibers_.size() < running_) fibers_ = std::vector<Fiber>(running_);
    reset(running_);
    for (unsigned cpu = 0; cpu < running_; ++cpu) {
        Fiber& fiber = fibers_[cpu];
        fiber.function = &functions[cpu];
        fiber.done = fiber.arrived = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = stack_size;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, &Scheduler::start, 0);
        set_stack(cpu, fiber.stack.get(), stack_size);
    }
    current_ = plan.script != nullptr ? 0 : any_running();
    swapcontext(&main_, &fibers_[current_].context);
    return result_;
}

void Scheduler::yield() {
    const Outside outside;
    if (++result_.operations > plan_.limit) result_.stuck = true;
    switch_to(any_running());
}

void Scheduler::schedule_point(Access, const void*) {
    if (++result_.operations > plan_.limit) result_.stuck = true;
    if (result_.operations > 2 * plan_.limit) throw std::runtime_error{"a CPU does not end"};
    if (plan_.script != nullptr) {
        follow_script();
    } else if (one_in(plan_.switches)) {
        switch_to(any_running());
    }
}

unsigned Scheduler::choose(unsigned count, Choice kind) {
    if (count < 2) throw std::logic_error{"no choice"};
    if (plan_.script != nullptr) return plan_.script->choose(count);
    if (kind == Choice::failure && !plan_.spurious) return 0;
    return one_in(plan_.olds) ? static_cast<unsigned>(1 + next() % (count - 1)) : 0;
}

void Scheduler::performed(const Event& event) {
    const auto mix = [&](std::uint64_t word) { result_.hash = (result_.hash ^ word) * 0x100000001b3u; };
    mix(event.cpu);
    mix(static_cast<std::uint64_t>(event.access));
    mix(event.address);
    mix(event.seen);
    mix(event.value);
    mix(event.age);
    if (event.age != 0) ++result_.stale;
    if (plan_.events) result_.events.push_back(event);
}

} // namespace

bool Script::more() {
    next_ = 0;
    if (!begun_) return begun_ = true;
    while (!taken_.empty() && taken_.back().choice + 1 == taken_.back().count) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().choice;
    return true;
}

unsigned Script::choose(unsigned count) {
    if (count == 1) return 0;
    if (next_ == taken_.size()) taken_.push_back({0, count});
    if (taken_[next_].count != count) throw std::logic_error{"a run does not replay"};
    return taken_[next_++].choice;
}

void install(const Options& options) {
    weak::install(scheduler, options);
    installed = true;
}

Result run(const Plan& plan, const std::vector<std::function<void()>>& functions) {
    if (!installed) install(usual_options);
    return scheduler.run(plan, functions);
}

void yield() { scheduler.yield(); }
bool over() { return scheduler.over(); }

} // namespace chorale::weak::test

namespace chorale::machine {
void relax();
void relax() { weak::test::yield(); }
} // namespace chorale::machine
