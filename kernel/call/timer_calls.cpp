// Timers and their pools of threads.
#include "kernel/call/handlers.hpp"
#include "kernel/call/wait_limit.hpp"
#include "kernel/time/event_timer.hpp"
#include "kernel/time/time_value.hpp"

#include <machine/timer.hpp>

namespace chorale::calls {

long timerThreadPoolInit(Thread& self, UserInOut<KnThreadPool> at) {
    if (at.write({}) != Status::ok) return K_EFAULT;
    const Result<KnThreadPool> pool = make_timer_pool(*self.actor, at.address());
    return static_cast<long>(pool.ok() ? at.write(pool.value()) : pool.status());
}

long timerThreadPoolWait(Thread& self, UserIn<KnThreadPool> pool_at, UserOutOpt<uintptr_t> cookie,
                         UserOutOpt<int> overrun, UserInOpt<KnTimeVal> limit_at) {
    const Result<WaitLimit> limit = read_wait_limit(limit_at);
    if (!limit.ok()) return static_cast<long>(limit.status());
    const Result<KnThreadPool> wanted = pool_at.read();
    if (!wanted.ok()) return K_EFAULT;
    if (cookie.given() && cookie.probe() != Status::ok) return K_EFAULT;
    if (overrun.given() && overrun.probe() != Status::ok) return K_EFAULT;
    // It lives as long as a thread of the actor does.
    TimerPool* const pool = find_timer_pool(*self.actor, wanted.value());
    if (pool == nullptr) return K_EINVAL;
    self.timer_wait.cookie = cookie.address();
    self.timer_wait.overrun = overrun.address();
    return wait_for_timer(self, *pool, limit.value());
}

long timerCreate(Thread& self, Cap capability, int clock, UserIn<KnThreadPool> pool_at, uintptr_t cookie,
                 UserOut<int> li_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    if (clock != K_CLOCK_REALTIME) return K_EINVAL;
    const Result<KnThreadPool> wanted = pool_at.read();
    if (!wanted.ok() || li_at.probe() != Status::ok) return K_EFAULT;
    TimerPool* const pool = find_timer_pool(*self.actor, wanted.value());
    if (pool == nullptr) return K_EINVAL;
    const Result<int> li = create_timer(*actor.value(), *pool, cookie);
    if (!li.ok()) return static_cast<long>(li.status());
    static_cast<void>(li_at.write(li.value())); // the place was probed; losing it now is its owner's doing
    return K_OK;
}

long timerSet(Thread& self, Cap capability, int li, int flags, UserInOpt<KnITimer> new_at,
              UserOutOpt<KnITimer> old_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    TimerSetting wanted{.absolute = (flags & K_TIMER_ABSOLUTE) != 0};
    if (new_at.given()) {
        const Result<KnITimer> setting = new_at.read();
        if (!setting.ok()) return K_EFAULT;
        const Result<u64> value = nanoseconds_of(setting.value().ITmValue);
        const Result<u64> reload = nanoseconds_of(setting.value().ITmReload);
        if (!value.ok() || !reload.ok()) return K_EINVAL;
        wanted.value = value.value();
        wanted.reload = reload.value();
    }
    if ((flags & ~K_TIMER_ABSOLUTE) != 0) return K_EINVAL;
    if (old_at.given() && old_at.probe() != Status::ok) return K_EFAULT;
    TimerReport old{};
    const Status status = set_timer(*actor.value(), li, new_at.given() ? &wanted : nullptr, old);
    if (status != Status::ok || !old_at.given()) return static_cast<long>(status);
    return static_cast<long>(old_at.write({time_value(old.reload), time_value(old.left)}));
}

long timerDelete(Thread& self, Cap capability, int li) {
    const Result<Actor*> actor = actor_of(self, capability);
    return static_cast<long>(actor.ok() ? delete_timer(*actor.value(), li) : actor.status());
}

long timerGetRes(Thread&, int clock, UserOut<KnTimeVal> resolution) {
    if (clock != K_CLOCK_REALTIME) return K_EINVAL;
    return static_cast<long>(resolution.write(time_value(machine::clock_resolution())));
}

} // namespace chorale::calls
