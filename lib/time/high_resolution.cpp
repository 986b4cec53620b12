// The high resolution timer (<dki/hrt/f_hrt.h>): the counter is read where the program is.
#include <actor/time_counter.hpp>
#include <chorus.h>
#include <dki/hrt/f_hrt.h>

#include <atomic>
#include <limits>

extern "C" {

void hrTimerValue(uint64_f* count) { *count = chorale::machine::time_counter(); }

void hrTimerFrequency(uint64_f* frequency) {
    static std::atomic<uint64_f> known{0};
    // relaxed: whoever finds nothing asks for the same number
    uint64_f value = known.load(std::memory_order_relaxed);
    if (value == 0) {
        sysCounterFrequency(&value);
        known.store(value, std::memory_order_relaxed); // relaxed: as above
    }
    *frequency = value;
}

void hrTimerPeriod(uint64_f* period) { *period = std::numeric_limits<uint64_f>::max(); }
}
