#include "tests/free/grace_period.hpp"

#include <chrono>
#include <sched.h>
#include <urcu/urcu-qsbr.h>

// Where the library keeps a reader's number and its own: for those who are compiled for this release of it.
#include <urcu/static/urcu-qsbr.h>

namespace chorale::test {

namespace {

constexpr auto pause = std::chrono::microseconds{100};

[[nodiscard]] u64 current_period() { return __atomic_load_n(&urcu_qsbr_gp.ctr, __ATOMIC_SEQ_CST); }

} // namespace

// An object of the shelf lives by each of them; between two it may be asked for the next.
void GracePeriods::run() {
    for (u64 place = 0; !ending_; ++place) {
        state_ = State::idle;
        if (place % 2 == 0) std::this_thread::sleep_for(pause);
        State idle = State::idle;
        state_.compare_exchange_strong(idle, State::busy); // wanted: somebody waits for the next one to begin
        Shelf::Object* const object = shelf_.take_down(place);
        urcu_qsbr_synchronize_rcu();
        shelf_.poison(object);
        count_.fetch_add(1);
    }
    state_ = State::busy; // for ever
}

void GracePeriods::end() {
    ending_ = true;
    thread_.join();
}

void GracePeriods::register_reader(CpuIndex cpu) {
    readers_.at(cpu) = &URCU_TLS(urcu_qsbr_reader).ctr;
    urcu_qsbr_register_thread();
}

void GracePeriods::unregister_reader(CpuIndex) { urcu_qsbr_unregister_thread(); }

void GracePeriods::reader_is_quiescent() { urcu_qsbr_quiescent_state(); }
void GracePeriods::reader_goes_offline() { urcu_qsbr_thread_offline(); }
void GracePeriods::reader_comes_online() { urcu_qsbr_thread_online(); }

// Only that thread begins them, so the next one has begun when the number has changed. It then waits for the
// caller too, which does not wait any more.
u64 GracePeriods::begin_one() {
    const u64 last = current_period();
    State idle = State::idle;
    if (!state_.compare_exchange_strong(idle, State::wanted)) return 0;
    u64 now;
    while ((now = current_period()) == last) sched_yield();
    return now;
}

// 0: the reader is asleep. Numbers grow.
bool GracePeriods::reader_has_passed(CpuIndex cpu, u64 period) const {
    const u64 number = __atomic_load_n(readers_.at(cpu), __ATOMIC_SEQ_CST);
    return number == 0 || number >= period;
}

} // namespace chorale::test
