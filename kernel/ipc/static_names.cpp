#include "kernel/ipc/static_names.hpp"

#include "kernel/core/names.hpp"
#include "kernel/ipc/port.hpp"

#include <machine/cpu.hpp>

#include <atomic>

namespace chorale {

namespace {

// Changed under the lock of the names. Memory of ports that have left it is used again only after every CPU
// has been between two entries, as all ports' is, so that a walk within one entry goes on from a port that
// leaves meanwhile.
std::atomic<Port*> displaced;

[[nodiscard]] std::atomic<Port*>& bucket_for(const KnUniqueId& name) {
    return port_table[bucket_of(name.uiHead)];
}

} // namespace

Port* StaticNames::find(const KnUniqueId& name) const {
    // relaxed: written under the lock only, which the caller has
    Port* const port = bucket_for(name).load(std::memory_order_relaxed);
    return uiEqual(&port->ui, &name) != 0 ? port : find_displaced(name);
}

Status StaticNames::enter(Port& port) {
    std::atomic<Port*>& bucket = bucket_for(port.ui);
    // relaxed, here and below: under the lock
    if (bucket.load(std::memory_order_relaxed) == &null_port()) {
        // release: whoever finds the port sees its name; pairs with the dependency in port_candidate()
        bucket.store(&port, std::memory_order_release);
        ++in_table_;
        return Status::ok;
    }
    if (displaced_ == displaced_limit) return Status::full;
    // relaxed: under the lock
    port.next_displaced.store(displaced.load(std::memory_order_relaxed), std::memory_order_relaxed);
    displaced.store(&port, std::memory_order_release); // as above, in find_displaced()
    ++displaced_;
    return Status::ok;
}

void StaticNames::leave(Port& port) {
    std::atomic<Port*>* place = &bucket_for(port.ui);
    // relaxed, both: under the lock; a late reader still finds a port that says that it is dead
    if (place->load(std::memory_order_relaxed) == &port) {
        place->store(&null_port(), std::memory_order_relaxed);
        --in_table_;
        return;
    }
    // relaxed, both: under the lock
    for (place = &displaced; place->load(std::memory_order_relaxed) != &port;)
        place = &place->load(std::memory_order_relaxed)->next_displaced;
    // release: who finds the next one here sees its name; pairs with the dependency in find_displaced()
    place->store(port.next_displaced.load(std::memory_order_relaxed), std::memory_order_release);
    --displaced_;
}

Port* find_displaced(const KnUniqueId& name) {
    // pairs with the releases above: what is read of a port is read through the pointer
    Port* port = displaced.load(machine::order_of_dependent_loads);
    while (port != nullptr && uiEqual(&port->ui, &name) == 0)
        port = port->next_displaced.load(machine::order_of_dependent_loads);
    return port;
}

} // namespace chorale
