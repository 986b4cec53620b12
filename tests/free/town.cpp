#include "tests/free/town.hpp"

#include <algorithm>

namespace chorale::test {

namespace {

constexpr auto order = std::memory_order_relaxed; // the load adds no order between CPUs

constexpr std::array<const char*, static_cast<unsigned>(Event::count)> event_names{
    "calls",          "big calls",       "sends",   "receipts", "time-outs", "aborts",
    "crashes",        "drops",           "no port", "unknown",  "full",      "moves",
    "port deletions", "actor deletions", "regions", "copies",   "fpu uses",  "faults"};

} // namespace

void Town::open(u64 seed) {
    seed_ = seed << 32;
    strangers_ = 0;
    closing_ = false;
    for (auto& event : events_) event = 0;
    for (PublicName& name : ports_) name.head = name.tail = 0;
    for (PublicName& name : actors_) name.head = name.tail = name.key = 0;
}

void Town::publish_port(unsigned slot, const KnUniqueId& name) {
    ports_[slot % port_slots].head.store(name.uiHead, order);
    ports_[slot % port_slots].tail.store(name.uiTail, order);
}

KnUniqueId Town::port(Random& random) const {
    const PublicName& name = ports_[random.below(port_slots)];
    return {name.head.load(order), name.tail.load(order)};
}

void Town::publish_actor(unsigned slot, const KnCap& actor) {
    actors_[slot % actor_slots].head.store(actor.ui.uiHead, order);
    actors_[slot % actor_slots].tail.store(actor.ui.uiTail, order);
    actors_[slot % actor_slots].key.store(actor.key, order);
}

KnCap Town::actor(Random& random) const {
    const PublicName& name = actors_[random.below(actor_slots)];
    return {{name.head.load(order), name.tail.load(order)}, name.key.load(order)};
}

bool Town::error(long result) {
    switch (result) {
    case K_ETIMEOUT:
        count(Event::time_outs);
        return true;
    case K_EABORT:
        count(Event::aborts);
        return true;
    case K_ECRASH:
        count(Event::crashes);
        return true;
    case K_EFAIL:
        count(Event::drops);
        return true;
    case K_ENOPORT:
        count(Event::lost_ports);
        return true;
    case K_EUNKNOWN:
        count(Event::unknown);
        return true;
    case K_EFULL:
        count(Event::full);
        return true;
    case K_ENOMEM: // the quota, or the machine's memory
    case K_EINVAL: // a port or thread of the own actor that is gone; a capability mixed of two
    case K_EBUSY:
    case K_EADDR:
        return true;
    default:
        return result >= 0;
    }
}

bool Town::seen_everything() const {
    return std::ranges::all_of(events_, [](const auto& event) { return event.load(order) != 0; });
}

std::string Town::summary() const {
    std::string text;
    for (unsigned event = 0; event < events_.size(); ++event) {
        text += (event == 0 ? "" : ", ") + std::string{event_names[event]} + " " +
                std::to_string(events_[event].load());
    }
    return text;
}

} // namespace chorale::test
