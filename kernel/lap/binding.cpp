#include "kernel/lap/binding.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/user_access.hpp>

namespace chorale {

namespace {

struct Binding {
    LapName name{}; // 0: free
    KnLapDesc descriptor{};
    u32 options{};
};
struct Bindings {
    std::array<Binding, binding_limit> entry;
    List<Resolver, InBindings> waiting;
};
Guarded<Rank::laps, Bindings> bindings;

[[nodiscard]] Binding* find(Bindings& all, LapName name) {
    for (Binding& binding : all.entry) {
        if (binding.name == name) return &binding;
    }
    return nullptr;
}

// Names of LAPs that are no more go when the room is needed.
[[nodiscard]] Binding* find_room(Bindings& all) {
    if (Binding* const free = find(all, 0)) return free;
    for (Binding& binding : all.entry) {
        if (!lap_lives(binding.descriptor)) return &binding;
    }
    return nullptr;
}

[[nodiscard]] bool visible(const Binding& binding, const Thread& self) {
    return (binding.options & K_LAP_PROTECTED) == 0 || execution_actor(self).privilege != K_USERACTOR;
}

// One who waits for the name, out of the list.
[[nodiscard]] FoundThread take_waiter(LapName name) {
    return bindings.with([&](Bindings& all) {
        for (Resolver* each = all.waiting.front(); each != nullptr; each = all.waiting.next(*each)) {
            if (each->wanted != name) continue;
            all.waiting.remove(*each);
            // relaxed: in the list it is alive
            return FoundThread{each->thread, each->thread->serial.load(std::memory_order_relaxed)};
        }
        return FoundThread{};
    });
}

void resolve_again(Thread& self);

// At the waiter's CPU. It may have been aborted meanwhile, and even wait for the next name.
[[nodiscard]] long wake_resolver(Thread& target, const Question& question) {
    Resolver& resolver = target.invocations.resolver;
    if (target.doing() != Doing::sleeping || resolver.wanted != question.argument[0]) return K_OK;
    stop_resolving(target);
    resolver.wanted = question.argument[0];
    wake_with(target, resolve_again);
    return K_OK;
}

// One waiter a step. Who is not woken because it may not see the name has looked, and waits on at the end of
// the list: so as many steps as there are waiters now.
void wake_resolvers(Thread& self) {
    Waking& waking = self.invocations.waking;
    const FoundThread found = waking.left != 0 ? take_waiter(waking.name) : FoundThread{};
    if (found.thread == nullptr) {
        self.clear(flag_finishing);
        wake(self, K_OK);
        settle(self);
        return;
    }
    --waking.left;
    const auto next = [](Thread& asker, long) { wake_with(asker, wake_resolvers); };
    static_cast<void>(ask(self, *found.thread, found.serial, Operation{wake_resolver, {waking.name}, next}));
}

enum class Look : u8 { found, waits, unbound };

// Under one lock: a name that is bound after the look finds the thread in the list.
[[nodiscard]] Look look(Thread& self, LapName name, bool may_wait, KnLapDesc& descriptor) {
    Resolver& resolver = self.invocations.resolver;
    return bindings.with([&](Bindings& all) {
        const Binding* const binding = find(all, name);
        if (binding != nullptr && visible(*binding, self)) {
            descriptor = binding->descriptor;
            return Look::found;
        }
        if (!may_wait) return Look::unbound;
        resolver.thread = &self;
        resolver.wanted = name;
        all.waiting.push_back(resolver);
        return Look::waits;
    });
}

void resolve_again(Thread& self) {
    Resolver& resolver = self.invocations.resolver;
    const long result = resolve_lap(self, resolver.wanted, VirtAddr{resolver.place}, 0);
    if (result != no_result) self.frame.set_result(result);
}

} // namespace

long bind_lap(Thread& self, LapName name, const KnLapDesc& descriptor, u32 options) {
    if (name == 0 || (options & ~K_LAP_PROTECTED) != 0 || !lap_lives(descriptor)) return K_EINVAL;
    u32 waiting = 0;
    const Status status = bindings.with([&](Bindings& all) {
        Binding* binding = find(all, name);
        if (binding != nullptr && lap_lives(binding->descriptor)) return Status::busy;
        if (binding == nullptr) binding = find_room(all);
        if (binding == nullptr) return Status::full;
        *binding = {name, descriptor, options};
        for (Resolver* each = all.waiting.front(); each != nullptr; each = all.waiting.next(*each)) ++waiting;
        return Status::ok;
    });
    if (status != Status::ok || waiting == 0) return static_cast<long>(status);
    self.invocations.waking = {name, waiting};
    self.set(flag_finishing);
    wake_resolvers(self);
    return no_result;
}

Status unbind_lap(LapName name) {
    if (name == 0) return Status::invalid;
    return bindings.with([&](Bindings& all) {
        Binding* const binding = find(all, name);
        if (binding == nullptr) return Status::unknown;
        *binding = {};
        return Status::ok;
    });
}

long resolve_lap(Thread& self, LapName name, VirtAddr place, u32 options) {
    if (name == 0 || (options & ~K_LAP_NOBLOCK) != 0) return K_EINVAL;
    KnLapDesc descriptor{};
    self.invocations.resolver.wanted = 0;
    const bool may_wait = (options & K_LAP_NOBLOCK) == 0;
    switch (look(self, name, may_wait && !self.aborted(), descriptor)) {
    case Look::found:
        return machine::copy_out(place, &descriptor, sizeof descriptor) ? K_OK : K_EFAULT;
    case Look::waits:
        self.invocations.resolver.place = place.raw();
        self.now_doing(Doing::sleeping);
        self.abortable = true;
        return no_result;
    default:
        if (!may_wait) return K_EUNKNOWN;
        self.take_abort();
        return K_EABORT;
    }
}

void stop_resolving(Thread& thread) {
    Resolver& resolver = thread.invocations.resolver;
    if (resolver.wanted == 0) return;
    bindings.with([&](Bindings& all) { all.waiting.remove(resolver); });
    resolver.wanted = 0;
}

} // namespace chorale
