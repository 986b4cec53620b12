#include "bench/host/places.hpp"

#include <sched.h>

#include <array>
#include <stdexcept>

namespace chorale::bench {

namespace {

[[nodiscard]] Places find_places() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        throw std::runtime_error{"sched_getaffinity failed"};
    std::array<unsigned, 2> found{};
    unsigned count = 0;
    // From the last: devices interrupt the first CPU rather than others.
    for (unsigned place = CPU_SETSIZE; place-- > 0 && count < found.size();) {
        if (CPU_ISSET(place, &allowed)) found[count++] = place;
    }
    return {found[0], found[1], count == found.size()};
}

} // namespace

// The main thread stays on one before anybody asks again.
const Places& places() {
    static const Places found = find_places();
    return found;
}

void stay_on(unsigned place) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(place, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) throw std::runtime_error{"sched_setaffinity failed"};
}

} // namespace chorale::bench
