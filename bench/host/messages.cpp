// Messages of the slow path: the one at hand, several at a time, and the pages of a large body.
#include "bench/host/meter.hpp"

#include "kernel/ipc/message.hpp"

#include <array>

namespace chorale::bench {

namespace {

void measure_pair(benchmark::State& state, u32 size) {
    constexpr unsigned operations = 256;
    bool ok = true;
    measure(state, operations, [&](unsigned) {
        const Result<Message*> made = allocate_message();
        ok = ok && made.ok();
        if (!ok) return;
        Message& message = *made.value();
        message.size = size;
        if (size > Message::inline_bytes) ok = allocate_pages(message) == Status::ok;
        keep(message.page_count);
        free_message(message);
    });
    if (!ok) state.SkipWithError("no memory");
}

void measure_several(benchmark::State& state) {
    constexpr unsigned at_once = 8, operations = 64;
    std::array<Message*, at_once> made{};
    bool ok = true;
    measure(state, operations * at_once, [&](unsigned i) {
        const Result<Message*> message = allocate_message();
        ok = ok && message.ok();
        made[i % at_once] = message.value();
        if (!ok || i % at_once + 1 != at_once) return;
        for (Message* const each : made) free_message(*each);
    });
    if (!ok) state.SkipWithError("no memory");
}

} // namespace

void add_messages() {
    add("host.message.allocate_free", [](benchmark::State& state) { measure_pair(state, 32); });
    add("host.message.allocate_free.b65536",
        [](benchmark::State& state) { measure_pair(state, K_CMSGSIZEMAX); });
    add("host.message.allocate_free.n8", measure_several);
}

} // namespace chorale::bench
