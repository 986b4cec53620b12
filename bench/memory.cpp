// Page faults: a page that comes zeroed when it is first written, one that is copied because others have it
// too, and one that nobody else has any more.
#include "measures.hpp"

#include <chorus.h>

namespace chorale::bench {
namespace {

constexpr VmAddr original = 0x40000000, duplicate = 0x50000000;
constexpr VmSize page = 4096;
constexpr unsigned usual_faults = 2000;

[[nodiscard]] KnRgnDesc region_at(VmAddr start, VmSize size) {
    return {start, size, K_WRITABLE, 0, nullptr, 0};
}

[[nodiscard]] volatile std::uint64_t& word_at(VmAddr address) {
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

constexpr VmSize upwards = page, downwards = -page;

// Each round writes to the next page; the warm-up takes the first ones.
void measure_writes(const Context& context, const char* name, VmAddr start, VmSize step, unsigned rounds) {
    if (!context.wants("memory", name)) {
        return;
    }
    VmAddr next = start;
    measure_rounds(
        context, name, rounds,
        [&](unsigned) {
            word_at(next) = next;
            next += step;
            return static_cast<long>(next);
        },
        [&](unsigned, long) { return word_at(next - step) == next - step; });
}

} // namespace

void measure_memory(const Context& context) {
    const unsigned rounds = context.rounds_or(usual_faults);
    const VmSize size = (rounds + warm_up_rounds) * page;
    KnRgnDesc first = region_at(original, size), second = region_at(duplicate, size);
    const char* const zero = "memory.fault.zero";
    const char* const copy = "memory.fault.copy";
    const char* const alone = "memory.fault.alone";
    if (!context.wants("memory", zero) && !context.wants("memory", copy) && !context.wants("memory", alone)) {
        return;
    }
    if (const int error = rgnAllocate(K_MYACTOR, &first); error < 0) {
        report_failure(context, zero, "no region", error);
        return;
    }
    measure_writes(context, zero, original, upwards, rounds);
    for (VmAddr at = original; at < original + size; at += page) {
        word_at(at) = at; // all of them are there
    }
    if (const int error = rgnInitFromActor(K_MYACTOR, &second, K_MYACTOR, &first); error < 0) {
        report_failure(context, copy, "no copy", error);
        return;
    }
    measure_writes(context, copy, duplicate, upwards, rounds);
    second.options = first.options = 0;
    rgnFree(K_MYACTOR, &second);
    // Those above a page come with it.
    measure_writes(context, alone, original + size - page, downwards, rounds);
    rgnFree(K_MYACTOR, &first);
}

} // namespace chorale::bench
