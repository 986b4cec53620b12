#include "tests/free/oracle.hpp"

#include "arch/host/cpu.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/port.hpp"
#include "tests/free/grace_period.hpp"
#include "tests/free/shelf.hpp"
#include "tests/free/town.hpp"
#include "tests/free/world.hpp"

#include <map>

namespace chorale::test {

namespace {

// How often a CPU was quiescent. A quiescent state that began after a moment has gone through when `done` is
// greater than what `begun` was at that moment.
struct Quiescence {
    std::atomic<u64> begun{}, done{};
    std::atomic<bool> asleep{};
};

// What a CPU has looked up since it was quiescent last. Only its own thread goes there.
struct Holding {
    bool entry{}; // a call is under way: not even mail is handled
    bool anything{};
    Shelf::Held by_tour, by_liburcu;
    const Port* port{};
    KnUniqueId name{};
};

struct Snapshot {
    std::array<u64, cpus> begun{};
};

// A tour that is under way.
struct Journey {
    void (*visit)(Thread&){};
    void (*finish)(Thread&, long){};
    Snapshot start{};
    u64 period{}; // of liburcu, begun before the tour; 0: none was
    CpuIndex home{};
    bool first_stop{};
    Shelf::Object* taken_down{};
};

class Oracle final : public host::CpuObserver {
  public:
    void begins(CpuIndex cpu) override { liburcu_.register_reader(cpu); }
    void ends(CpuIndex cpu) override { liburcu_.unregister_reader(cpu); }
    void at_rest(CpuIndex cpu) override { quiescent(cpu); }
    void enters(CpuIndex cpu) override { holding_[cpu].entry = true; }
    void falls_asleep(CpuIndex cpu) override;
    void wakes_up(CpuIndex cpu) override;

    void entry_ends() { holding_[host::this_cpu().index].entry = false; }
    void mail(CpuIndex cpu);
    void looked_up(const Port* port);
    void tour_begins(Thread& self, Journey& journey);
    void tour_visits(Thread& self);
    void tour_ends(Thread& self, long result);
    [[nodiscard]] Verdicts dismiss();

  private:
    [[nodiscard]] bool passed(const Journey& journey, CpuIndex cpu) const;
    [[nodiscard]] bool liburcu_agrees(const Journey& journey, CpuIndex cpu) const;
    void quiescent(CpuIndex cpu);
    void judge(const Journey& journey);
    void judge_early(const Journey& journey, CpuIndex visited);
    void let_go(Holding& holding);

    std::array<Quiescence, cpus> quiescence_;
    std::array<Holding, cpus> holding_;
    Shelf by_tour_, by_liburcu_;
    GracePeriods liburcu_{by_liburcu_};
    std::mutex mutex_; // for:
    std::map<const Thread*, Journey> journeys_;
    struct {
        std::atomic<u64> tours, sampled, early, early_sampled, wrong, wrong_sampled, disagreements, lookups,
            dead_by_tour, dead_by_liburcu, lost_names, mail_in_entries;
    } counts_{};
};

Oracle* oracle;
thread_local Random chance{1};

void Oracle::let_go(Holding& holding) {
    if (!holding.anything) return;
    if (!holding.by_tour.alive()) counts_.dead_by_tour.fetch_add(1);
    if (!holding.by_liburcu.alive()) counts_.dead_by_liburcu.fetch_add(1);
    if (holding.port != nullptr &&
        (holding.port->ui.uiHead != holding.name.uiHead || holding.port->ui.uiTail != holding.name.uiTail))
        counts_.lost_names.fetch_add(1);
    holding = {};
}

void Oracle::mail(CpuIndex cpu) {
    if (holding_[cpu].entry) counts_.mail_in_entries.fetch_add(1);
    quiescent(cpu);
}

void Oracle::quiescent(CpuIndex cpu) {
    let_go(holding_[cpu]);
    quiescence_[cpu].begun.fetch_add(1);
    liburcu_.reader_is_quiescent();
    quiescence_[cpu].done.fetch_add(1);
}

void Oracle::falls_asleep(CpuIndex cpu) {
    quiescent(cpu);
    liburcu_.reader_goes_offline();
    quiescence_[cpu].asleep = true;
}

void Oracle::wakes_up(CpuIndex cpu) {
    quiescence_[cpu].asleep = false;
    quiescence_[cpu].begun.fetch_add(1); // all the time until now
    quiescence_[cpu].done.fetch_add(1);
    liburcu_.reader_comes_online();
}

void Oracle::looked_up(const Port* port) {
    const CpuIndex cpu = host::this_cpu().index;
    Holding& holding = holding_[cpu];
    if (!holding.anything) {
        counts_.lookups.fetch_add(1);
        holding = {holding.entry, true, by_tour_.hold(chance.next()), by_liburcu_.hold(chance.next()),
                   nullptr,       {}};
    }
    if (port != nullptr) {
        holding.port = port;
        holding.name = port->ui;
    }
    if (chance.one_in(8)) sched_yield(); // readers that take their time
}

// What follows is after the tour's cause: what it hides is hidden by now.
void Oracle::tour_begins(Thread& self, Journey& journey) {
    journey.home = host::this_cpu().index;
    journey.taken_down = by_tour_.take_down(chance.next());
    journey.period = liburcu_.begin_one();
    for (CpuIndex cpu = 0; cpu < cpus; ++cpu) journey.start.begun[cpu] = quiescence_[cpu].begun;
    const std::lock_guard lock{mutex_};
    journeys_[&self] = journey;
}

bool Oracle::passed(const Journey& journey, CpuIndex cpu) const {
    const Quiescence& state = quiescence_[cpu];
    return state.asleep || state.done > journey.start.begun[cpu];
}

bool Oracle::liburcu_agrees(const Journey& journey, CpuIndex cpu) const {
    return liburcu_.reader_has_passed(cpu, journey.period);
}

void Oracle::tour_visits(Thread& self) {
    void (*visit)(Thread&);
    {
        const std::lock_guard lock{mutex_};
        Journey& journey = journeys_.at(&self);
        const CpuIndex here = host::this_cpu().index;
        if (here != journey.home) {
            mail(here);
            if (!std::exchange(journey.first_stop, true)) judge_early(journey, here);
        }
        visit = journey.visit;
    }
    visit(self);
}

void Oracle::judge_early(const Journey& journey, CpuIndex visited) {
    for (CpuIndex cpu = 0; cpu < cpus; ++cpu) {
        if (cpu == visited || cpu == journey.home) continue;
        if (!passed(journey, cpu)) counts_.early.fetch_add(1);
        if (journey.period != 0 && !liburcu_agrees(journey, cpu)) counts_.early_sampled.fetch_add(1);
    }
}

void Oracle::judge(const Journey& journey) {
    counts_.tours.fetch_add(1);
    if (journey.period != 0) counts_.sampled.fetch_add(1);
    for (CpuIndex cpu = 0; cpu < cpus; ++cpu) {
        const bool quiet = passed(journey, cpu);
        if (!quiet) counts_.wrong.fetch_add(1);
        if (journey.period == 0 || liburcu_agrees(journey, cpu)) continue;
        (quiet ? counts_.disagreements : counts_.wrong_sampled).fetch_add(1);
    }
}

void Oracle::tour_ends(Thread& self, long result) {
    Journey journey;
    {
        const std::lock_guard lock{mutex_};
        journey = journeys_.at(&self);
        journeys_.erase(&self);
    }
    mail(journey.home);
    judge(journey);
    by_tour_.poison(journey.taken_down);
    if (journey.finish != nullptr) {
        journey.finish(self, result);
    } else {
        wake(self, result);
    }
}

Verdicts Oracle::dismiss() {
    liburcu_.end();
    return {.tours = counts_.tours,
            .sampled = counts_.sampled,
            .early = counts_.early,
            .early_sampled = counts_.early_sampled,
            .wrong = counts_.wrong,
            .wrong_sampled = counts_.wrong_sampled,
            .mail_in_entries = counts_.mail_in_entries,
            .disagreements = counts_.disagreements,
            .lookups = counts_.lookups,
            .dead_by_tour = counts_.dead_by_tour,
            .dead_by_liburcu = counts_.dead_by_liburcu,
            .lost_names = counts_.lost_names,
            .periods = liburcu_.count()};
}

} // namespace

host::CpuObserver& consult_oracle() {
    oracle = new Oracle; // the CPUs' threads tell it of their end
    return *oracle;
}

Verdicts dismiss_oracle() { return oracle->dismiss(); }

} // namespace chorale::test

// The linker puts these in front of the nucleus's functions (--wrap in CMakeLists.txt).
namespace chorale {

extern "C" {

void __real__ZN7chorale4tourERNS_6ThreadEPFvS1_EPFvS1_lE(Thread&, void (*)(Thread&), void (*)(Thread&, long));
void __real__ZN7chorale7Mailbox4takeEv(Mailbox*);
[[noreturn]] void __real__ZN7chorale5leaveEv();
[[noreturn]] void __real__ZN7chorale5yieldERNS_6ThreadE(Thread&);
[[noreturn]] void __wrap__ZN7chorale5leaveEv();
[[noreturn]] void __wrap__ZN7chorale5yieldERNS_6ThreadE(Thread&);
Port* __real__ZN7chorale9find_portERK10KnUniqueId(const KnUniqueId&);
void __wrap__ZN7chorale4tourERNS_6ThreadEPFvS1_EPFvS1_lE(Thread&, void (*)(Thread&), void (*)(Thread&, long));
void __wrap__ZN7chorale7Mailbox4takeEv(Mailbox*);
Port* __wrap__ZN7chorale9find_portERK10KnUniqueId(const KnUniqueId&);

void __wrap__ZN7chorale4tourERNS_6ThreadEPFvS1_EPFvS1_lE(Thread& self, void (*visit)(Thread&),
                                                         void (*finish)(Thread&, long)) {
    if (test::oracle == nullptr) {
        __real__ZN7chorale4tourERNS_6ThreadEPFvS1_EPFvS1_lE(self, visit, finish);
        return;
    }
    test::Journey journey{.visit = visit, .finish = finish};
    test::oracle->tour_begins(self, journey);
    __real__ZN7chorale4tourERNS_6ThreadEPFvS1_EPFvS1_lE(
        self, [](Thread& thread) { test::oracle->tour_visits(thread); },
        [](Thread& thread, long result) { test::oracle->tour_ends(thread, result); });
}

void __wrap__ZN7chorale7Mailbox4takeEv(Mailbox* mailbox) {
    if (test::oracle != nullptr) test::oracle->mail(host::this_cpu().index);
    __real__ZN7chorale7Mailbox4takeEv(mailbox);
}

void __wrap__ZN7chorale5leaveEv() {
    if (test::oracle != nullptr) test::oracle->entry_ends();
    __real__ZN7chorale5leaveEv();
}

void __wrap__ZN7chorale5yieldERNS_6ThreadE(Thread& thread) {
    if (test::oracle != nullptr) test::oracle->entry_ends();
    __real__ZN7chorale5yieldERNS_6ThreadE(thread);
}

Port* __wrap__ZN7chorale9find_portERK10KnUniqueId(const KnUniqueId& name) {
    Port* const port = __real__ZN7chorale9find_portERK10KnUniqueId(name);
    if (test::oracle != nullptr) test::oracle->looked_up(port);
    return port;
}
}

} // namespace chorale
