#include "kernel/interrupt/lines.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/mem/slab.hpp"

#include <machine/irq.hpp>

#include <algorithm>

namespace chorale {

struct InterruptHandler {
    std::atomic<InterruptHandler*> next; // of the same line, in the order in which they came
    u64 name{};
    Actor* owner{}; // null: the nucleus itself
    void (*own)(){};
    u64 function{}, cookie{};
    bool masked{};             // with the lock
    InterruptHandler* taken{}; // the next one that has been taken out
};

// Once made a line stays.
struct InterruptLine {
    std::atomic<InterruptLine*> next; // in its bucket
    u32 number{};
    std::atomic<InterruptHandler*> handlers;
    u32 masks{};           // handlers that have masked it; with the lock
    Relaxed<bool> claimed; // set by its CPU at an arrival
    InterruptLine* next_arrived{};
};

namespace {

constexpr unsigned bucket_count = 32, line_bits = 16, handlers_per_step = 8;

constinit Cache<InterruptHandler> handlers{"interrupt handlers"};
constinit Cache<InterruptLine> all_lines{"interrupt lines"};
constinit std::array<std::atomic<InterruptLine*>, bucket_count> buckets{};

// Who may change lists and masks.
struct Lines {
    u64 names{};
};
constinit Guarded<Rank::interrupts, Lines> lines;

[[nodiscard]] InterruptLine* find_line(unsigned number) {
    // acquire: pairs with the release in make_line()
    InterruptLine* line = buckets[number % bucket_count].load(std::memory_order_acquire);
    while (line != nullptr && line->number != number)
        line = line->next.load(std::memory_order_acquire); // as above
    return line;
}

// With the lock. Its interrupts come to this CPU from now on, when it is opened. Errors: invalid, no_memory.
[[nodiscard]] Result<InterruptLine*> make_line(unsigned number) {
    if (number >= machine::irq_lines() || number >> line_bits != 0) return Status::invalid;
    const Result<InterruptLine*> made = all_lines.make();
    if (!made.ok()) return made;
    if (!machine::irq_attach(number, this_cpu().index)) {
        all_lines.destroy(made.value());
        return Status::invalid;
    }
    std::atomic<InterruptLine*>& bucket = buckets[number % bucket_count];
    made.value()->number = number;
    // relaxed: written with the lock only. release: pairs with the acquire in find_line()
    made.value()->next.store(bucket.load(std::memory_order_relaxed), std::memory_order_relaxed);
    bucket.store(made.value(), std::memory_order_release);
    return made;
}

// With the lock: as it should be now. While the line is claimed that is for its CPU to do.
void set_gate(const InterruptLine& line) {
    // relaxed: written with the lock only
    const bool open = line.masks == 0 && line.handlers.load(std::memory_order_relaxed) != nullptr;
    if (!open) {
        machine::irq_mask(line.number);
    } else if (!line.claimed.load()) {
        machine::irq_unmask(line.number);
    }
}

// With the lock: where the handler, or the end, is linked from.
template <class Wanted>
[[nodiscard]] std::atomic<InterruptHandler*>* find_link(InterruptLine& line, Wanted&& wanted) {
    std::atomic<InterruptHandler*>* link = &line.handlers;
    for (;;) {
        InterruptHandler* const each = link->load(std::memory_order_relaxed); // relaxed: as above
        if (each == nullptr || wanted(*each)) return link;
        link = &each->next;
    }
}

// With the lock. Who walks the list may still be at the handler, and goes on from there.
[[nodiscard]] InterruptHandler* take_out(InterruptLine& line, std::atomic<InterruptHandler*>& link) {
    InterruptHandler* const handler = link.load(std::memory_order_relaxed); // relaxed: as above
    if (handler == nullptr) return nullptr;
    // relaxed: what follows was there for walkers before
    link.store(handler->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
    if (handler->masked) --line.masks;
    if (handler->owner != nullptr) --handler->owner->interrupt_handlers;
    set_gate(line);
    return handler;
}

[[nodiscard]] InterruptLine* line_of(u64 name) {
    return find_line(static_cast<unsigned>(name & ((u64{1} << line_bits) - 1)));
}
[[nodiscard]] auto named(u64 name) {
    return [name](const InterruptHandler& each) { return each.name == name; };
}

[[nodiscard]] InterruptHandler* take_all_of(const Actor& actor) {
    InterruptHandler* taken = nullptr;
    unsigned left = std::min(actor.interrupt_handlers, handlers_per_step);
    if (left == 0) return nullptr;
    const auto owned = [&](const InterruptHandler& each) { return each.owner == &actor; };
    for (auto& bucket : buckets) {
        // relaxed, both: with the lock
        InterruptLine* line = bucket.load(std::memory_order_relaxed);
        for (; line != nullptr && left != 0; line = line->next.load(std::memory_order_relaxed)) {
            while (left != 0) {
                InterruptHandler* const handler = take_out(*line, *find_link(*line, owned));
                if (handler == nullptr) break;
                handler->taken = taken;
                taken = handler;
                --left;
            }
        }
    }
    return taken;
}

void detach_step(Thread& self);

// Nobody walks over what was taken any more.
void free_taken(Thread& self, long) {
    while (InterruptHandler* const handler = self.detachment.taken) {
        self.detachment.taken = handler->taken;
        handlers.destroy(handler);
    }
    if (self.detachment.actor != nullptr) {
        wake_with(self, detach_step);
    } else {
        wake(self, K_OK);
    }
}

void tour_and_free(Thread& self) {
    tour(self, [](Thread&) {}, free_taken);
}

void detach_step(Thread& self) {
    Detachment& detachment = self.detachment;
    detachment.taken = lines.with([&](Lines&) { return take_all_of(*detachment.actor); });
    if (detachment.taken != nullptr) {
        tour_and_free(self);
    } else {
        detachment.actor = nullptr;
        self.clear(flag_finishing);
        detachment.next(self);
    }
}

} // namespace

bool note_arrival(PerCpu& cpu, unsigned number) {
    InterruptLine* const line = find_line(number);
    if (line == nullptr) return false;
    if (line->claimed.load()) return true; // an edge, before the last one was attended to
    line->claimed.store(true);
    line->next_arrived = nullptr;
    (cpu.arrived == nullptr ? cpu.arrived : cpu.last_arrived->next_arrived) = line;
    cpu.last_arrived = line;
    cpu.pending |= pending_device;
    return true;
}

void attend_devices(PerCpu& cpu) {
    cpu.pending &= ~static_cast<u32>(pending_device);
    while (InterruptLine* const line = cpu.arrived) {
        cpu.arrived = line->next_arrived;
        // acquire, both: pair with the release in attach_handler()
        const InterruptHandler* handler = line->handlers.load(std::memory_order_acquire);
        for (; handler != nullptr; handler = handler->next.load(std::memory_order_acquire)) {
            if (handler->owner == nullptr) {
                handler->own();
            } else {
                call_at_interrupt_level(*handler->owner, handler->function, handler->cookie, 0);
            }
        }
        lines.with([&](Lines&) {
            line->claimed.store(false);
            set_gate(*line);
        });
    }
}

static Result<u64> attach(unsigned number, Actor* owner, void (*own)(), u64 function, u64 cookie) {
    const Result<InterruptHandler*> made = handlers.make();
    if (!made.ok()) return made.status();
    InterruptHandler& handler = *made.value();
    NothingHeld nothing;
    const Result<u64> result = lines.with(nothing, [&](Lines& all, const auto&) -> Result<u64> {
        // relaxed: set before detach_handlers_of() takes the lock
        if (owner != nullptr && owner->dying.load(std::memory_order_relaxed)) return Status::unknown;
        InterruptLine* line = find_line(number);
        if (line == nullptr) {
            const Result<InterruptLine*> new_line = make_line(number);
            if (!new_line.ok()) return new_line.status();
            line = new_line.value();
        }
        handler.name = ++all.names << line_bits | number;
        handler.owner = owner;
        handler.own = own;
        handler.function = function;
        handler.cookie = cookie;
        // release: pairs with the acquire in attend_devices()
        find_link(*line, [](const InterruptHandler&) {
            return false;
        })->store(&handler, std::memory_order_release);
        if (owner != nullptr) ++owner->interrupt_handlers;
        set_gate(*line);
        return handler.name;
    });
    if (!result.ok()) handlers.destroy(&handler);
    return result;
}

Result<u64> attach_handler(Actor& owner, unsigned number, u64 function, u64 cookie) {
    return attach(number, &owner, nullptr, function, cookie);
}

Status attach_own_handler(unsigned number, void (*function)()) {
    return attach(number, nullptr, function, 0, 0).status();
}

Status mask_handler(u64 name, bool masked) {
    return lines.with([&](Lines&) {
        InterruptLine* const line = line_of(name);
        if (line == nullptr) return Status::invalid;
        InterruptHandler* const handler =
            find_link(*line, named(name))->load(std::memory_order_relaxed); // as above
        if (handler == nullptr) return Status::invalid;
        if (handler->masked == masked) return Status::ok;
        handler->masked = masked;
        line->masks += masked ? 1 : ~u32{0};
        set_gate(*line);
        return Status::ok;
    });
}

long detach_handler(Thread& self, u64 name) {
    InterruptHandler* const taken = lines.with([&](Lines&) -> InterruptHandler* {
        InterruptLine* const line = line_of(name);
        return line == nullptr ? nullptr : take_out(*line, *find_link(*line, named(name)));
    });
    if (taken == nullptr) return K_EINVAL;
    self.detachment = {taken, nullptr, nullptr};
    tour_and_free(self);
    return no_result;
}

void detach_handlers_of(Thread& self, Actor& actor, void (*next)(Thread&)) {
    self.detachment = {nullptr, &actor, next};
    self.set(flag_finishing);
    detach_step(self);
}

} // namespace chorale
