#include "tests/machine/faults.hpp"

#include "kernel/mem/fail_allocation.hpp"
#include "tests/machine/attempt.hpp"

#include <machine/user_access.hpp>

namespace chorale::test {

namespace {

constexpr unsigned steps_per_look = 400;

// Arms the next refusal when one has happened.
class Refuser final : public host::Chooser {
  public:
    Refuser(host::Chooser& chooser, Refusal refusal, void (*arm)(u64), u64 (*left)())
        : chooser_{chooser}, refusal_{refusal}, arm_{arm}, left_{left} {
        arm_(refusal_.first);
    }
    Refuser(const Refuser&) = delete;
    Refuser& operator=(const Refuser&) = delete;
    ~Refuser() override { arm_(0); }

    bool preempts(host::Boundary where) override {
        if (left_() == 0) {
            refused_ = true;
            if (refusal_.more != 0) {
                --refusal_.more;
                arm_(refusal_.gap);
            }
        }
        return chooser_.preempts(where);
    }
    unsigned choose(unsigned count, host::Choice what) override { return chooser_.choose(count, what); }

    [[nodiscard]] bool refused() const { return refused_ || left_() == 0; }

  private:
    host::Chooser& chooser_;
    Refusal refusal_;
    void (*arm_)(u64);
    u64 (*left_)();
    bool refused_{};
};

[[nodiscard]] Faulty play_refused(const Scenario& scenario, Refusal refusal, host::Chooser& chooser,
                                  void (*arm)(u64), u64 (*left)()) {
    static_cast<void>(machine()); // what the boot needs is not refused
    Refuser refuser{chooser, refusal, arm, left};
    expect_failures(true);
    Findings findings = play(scenario, refuser, steps_per_look);
    expect_failures(false);
    return {std::move(findings), refuser.refused()};
}

} // namespace

Findings play(const Scenario& scenario, host::Chooser& chooser, unsigned look_every) {
    Findings findings = run_once(scenario.play, chooser, look_every);
    for (const std::string& complaint : take_complaints()) findings.push_back(complaint);
    return findings;
}

Faulty play_without_memory(const Scenario& scenario, Refusal refusal, host::Chooser& chooser) {
    return play_refused(scenario, refusal, chooser, fail_allocation_after, allocations_before_failure);
}

Faulty play_with_bad_copies(const Scenario& scenario, Refusal refusal, host::Chooser& chooser) {
    return play_refused(scenario, refusal, chooser, machine::fail_user_copy_after,
                        machine::user_copies_before_failure);
}

void sweep(const Scenario& scenario, Play play_with, const char* what, Refusal refusal, u64 step) {
    for (u64 n = 1; !testing::Test::HasFailure(); n += step) {
        refusal.first = n;
        const Faulty run = play_with(scenario, refusal, host::plain_chooser());
        for (const std::string& finding : run.findings)
            ADD_FAILURE() << "refused " << what << ' ' << n << ": " << finding;
        if (run.refused) continue;
        testing::Test::RecordProperty(what, std::to_string(n));
        return;
    }
}

} // namespace chorale::test
