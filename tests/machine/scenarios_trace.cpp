// A trace while others work: read by several, stopped by others, gone with its actor; and any scenario while
// one runs.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr records_at = free_data;
constexpr unsigned record_room = 32;

struct Traced {
    bool over{};
    long started{K_EBUSY};
};
using TracedPointer = std::shared_ptr<Traced>;

// What can be said of any record.
void look_at(const KnTraceRecord& record) {
    const bool of_thread = record.kind >= K_TRACE_CALL && record.kind <= K_TRACE_RUN;
    if (record.kind < K_TRACE_ACTOR || record.kind > K_TRACE_LOST) complain("a record of no kind");
    if (of_thread && (record.thread <= 0 || record.actor == 0)) complain("a record of no thread");
    if (record.time == 0) complain("a record of no time");
}

[[nodiscard]] Task<void> read_some(CpuIndex cpu) {
    const long taken = co_await attempt(Call::traceRead, cpu, records_at, record_room);
    u64 last = 0;
    for (long i = 0; i < taken; ++i) {
        const auto record =
            co_await load<KnTraceRecord>(records_at + static_cast<u64>(i) * sizeof(KnTraceRecord));
        if (record.time < last) complain("records are not in their order");
        last = record.time;
        look_at(record);
    }
    if (taken > record_room) complain("more records than there was room for");
    static_cast<void>(co_await attempt(Call::traceRead, cpu, VirtAddr{0x1000}, ~0u));
}

[[nodiscard]] Task<void> read_until_over(TracedPointer traced) {
    for (CpuIndex cpu = 0; !traced->over; cpu = (cpu + 1) % 5) { // 4: there is none, most often
        co_await read_some(cpu);
        co_await rest(5 * microsecond);
    }
}

[[nodiscard]] Task<void> start(TracedPointer traced) {
    traced->started = co_await attempt(Call::traceStart, 256);
}

[[nodiscard]] Task<void> start_and_stop(TracedPointer traced, unsigned records) {
    for (unsigned round = 0; !traced->over && round < 4; ++round) {
        static_cast<void>(co_await attempt(Call::traceStart, records));
        co_await read_some(round % 4);
        co_await rest(20 * microsecond);
        if (round % 3 != 0) static_cast<void>(co_await attempt(Call::traceStop));
        if (round % 4 == 0) co_await read_some(round % 4);
    }
}

// Some of the messages await no reply.
[[nodiscard]] Task<void> answer(long li) {
    const int port = static_cast<int>(li);
    MessageResult got = co_await attempt(message_receive(port));
    while (got.size >= 0) {
        got = co_await attempt(message_reply_receive(port, {}, 8));
        if (got.size == K_EINVAL) got = co_await attempt(message_receive(port));
    }
}

[[nodiscard]] Task<void> call_and_sleep(KnUniqueId port) {
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(co_await attempt(message_call(port, {}, 16)));
        static_cast<void>(co_await attempt(message_send(port, {}, 3)));
        if (i % 4 == 0) co_await rest(10 * microsecond);
    }
}

[[nodiscard]] Task<void> work(StagePointer stage) {
    const KnCap servers = co_await stage->actor(), clients = co_await stage->actor();
    KnUniqueId port{};
    const long li = co_await stage->port(servers, port);
    if (li < 0) co_return;
    for (const CpuIndex cpu : {0u, 1u}) {
        co_await stage->serve(servers, [li](u64) { return answer(li); }, {.cpu = cpu, .stack = cpu});
        co_await stage->play(clients, [port](u64) { return call_and_sleep(port); },
                             {.cpu = cpu, .stack = cpu});
    }
}

} // namespace

Task<void> traces(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto traced = std::make_shared<Traced>();
    const KnCap first = co_await stage->actor(false, K_SYSTEMACTOR),
                second = co_await stage->actor(false, K_SYSTEMACTOR);
    co_await stage->serve(first, [=](u64) { return start_and_stop(traced, 64); }, {.cpu = 1, .stack = 1});
    co_await stage->serve(first, [=](u64) { return read_until_over(traced); }, {.cpu = 2, .stack = 2});
    co_await stage->serve(second, [=](u64) { return start_and_stop(traced, 200); }, {.cpu = 2, .stack = 1});
    co_await stage->serve(second, [=](u64) { return read_until_over(traced); }, {.cpu = 0, .stack = 2});
    co_await work(stage);
    co_await rest(150 * microsecond);
    if (there(first)) co_await remove_actor(first);
    co_await rest(50 * microsecond);
    traced->over = true;
    co_await stage->end();
}

Task<void> while_traced(Task<void> (*play)(u64)) {
    const auto stage = std::make_shared<Stage>();
    const auto traced = std::make_shared<Traced>();
    const KnCap owner = co_await stage->actor(false, K_SYSTEMACTOR);
    co_await stage->serve(owner, [=](u64) { return read_until_over(traced); }, {.cpu = 3, .stack = 2});
    co_await stage->play(owner, [=](u64) { return start(traced); }, {.stack = 1});
    for (int i = 0; traced->started == K_EBUSY && i < 20; ++i) co_await rest(10 * microsecond);
    if (traced->started != K_OK) complain("no trace was started");
    co_await play(0);
    traced->over = true;
    co_await stage->end();
}

} // namespace chorale::test
