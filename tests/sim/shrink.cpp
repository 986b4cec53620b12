// Fewer threads, fewer operations, fewer preemptions, as long as the run still fails in the same way.
#include "tests/sim/run.hpp"

#include <cstdio>

namespace chorale::sim {

namespace {

// What kind of failure it is: the text up to the first digit.
[[nodiscard]] std::string kind_of(const std::string& reason) {
    return reason.substr(0, reason.find_first_of("0123456789"));
}

class Shrinker {
  public:
    Shrinker(const Plan& plan, const Schedule& schedule, const Verdict& verdict)
        : best_{plan, schedule, verdict}, kind_{kind_of(verdict.reason)} {}

    [[nodiscard]] Shrunk shrink() {
        for (bool smaller = true; smaller;) {
            smaller = fewer_threads();
            smaller = fewer_ops() || smaller;
            smaller = gentler_schedule() || smaller;
        }
        std::fprintf(stderr, "\n");
        return best_;
    }

  private:
    // A smaller plan needs another schedule to show the same thing: some are tried.
    [[nodiscard]] bool still_fails(const Plan& plan, Schedule schedule) {
        constexpr unsigned tries = 40;
        for (unsigned i = 0; i < tries; ++i) {
            const Verdict verdict = run(plan, schedule);
            if (verdict.failed && kind_of(verdict.reason) == kind_) {
                best_ = {plan, schedule, verdict};
                std::fprintf(stderr, "\rshrinking: %zu operations, %zu threads   ", size(plan),
                             plan.threads.size());
                return true;
            }
            schedule.seed = schedule.seed * 31 + 7;
        }
        return false;
    }

    // The thread stays, as others name it by its number; only what it does goes.
    [[nodiscard]] bool fewer_threads() {
        bool any = false;
        for (std::size_t i = 0; i < best_.plan.threads.size(); ++i) {
            Plan smaller = best_.plan;
            if (smaller.threads[i].ops.empty()) continue;
            smaller.threads[i].ops.clear();
            any = still_fails(smaller, best_.schedule) || any;
        }
        while (!best_.plan.threads.empty() && best_.plan.threads.back().ops.empty()) {
            Plan smaller = best_.plan;
            smaller.threads.pop_back();
            if (!still_fails(smaller, best_.schedule)) break;
            any = true;
        }
        return any;
    }

    [[nodiscard]] bool fewer_ops() {
        bool any = false;
        for (std::size_t i = 0; i < best_.plan.threads.size(); ++i) {
            for (std::size_t j = 0; j < best_.plan.threads[i].ops.size();) {
                Plan smaller = best_.plan;
                smaller.threads[i].ops.erase(smaller.threads[i].ops.begin() + static_cast<long>(j));
                if (still_fails(smaller, best_.schedule)) {
                    any = true;
                } else {
                    ++j;
                }
            }
        }
        return any;
    }

    [[nodiscard]] bool gentler_schedule() {
        Schedule gentler = best_.schedule;
        gentler.preemption *= 4;
        return gentler.preemption <= 4096 && still_fails(best_.plan, gentler);
    }

    Shrunk best_;
    std::string kind_;
};

} // namespace

Shrunk shrink(const Plan& plan, const Schedule& schedule, const Verdict& verdict) {
    return Shrinker{plan, schedule, verdict}.shrink();
}

} // namespace chorale::sim
