// Suite message_waits: who waits for messages, and all CPUs at once.
#include "message_spaces.hpp"

namespace chorale::test {
namespace {

Trace trace;
std::atomic<int> result_seen;

// `what`: 0–2 a queue, 10 any queue, 20– a pool; notes it when it is served, and frees the message.
struct Wait {
    unsigned what, note;
    const KnTimeVal* limit;
};
int wait_once(const Wait& wait, char** message) {
    if (wait.what >= 20) {
        return msgAllocate(lid, wait.what - 20, 1, wait.limit, message);
    }
    return wait.what == 10 ? msgGetAny(lid, nullptr, wait.limit, message, nullptr)
                           : msgGet(lid, wait.what, wait.limit, message, nullptr);
}
void wait_and_note(std::uintptr_t argument) {
    const Wait wait = *reinterpret_cast<const Wait*>(argument);
    char* message = nullptr;
    const int result = wait_once(wait, &message);
    result_seen = result;
    trace.note(result == K_OK ? wait.note : 99);
    if (result == K_OK) {
        msgFree(lid, message);
    }
}

void served_in_turn(Report& report) {
    open_own(report);
    trace.clear();
    static Wait waits[4];
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        waits[i] = {1, i, K_NOTIMEOUT};
        REQUIRE(helpers[i].start(wait_and_note, address_of(&waits[i]), higher_priority - i * 5) > 0);
    }
    for (unsigned i = 0; i < 4; ++i) {
        CHECK_EQ(trace.length(), i);
        CHECK_EQ(msgPut(lid, 1, fresh(), i), K_OK);
        CHECK_EQ(queued_in(1), 0); // handed over at once
    }
    CHECK(trace.is({0, 1, 2, 3}));
    check_all_free(report);
}

void allocators_in_turn(Report& report) {
    open_own(report);
    trace.clear();
    char *a = fresh(1), *b = fresh(1);
    static Wait waits[3];
    Helper helpers[3];
    for (unsigned i = 0; i < 3; ++i) {
        waits[i] = {21, i, K_NOTIMEOUT};
        REQUIRE(helpers[i].start(wait_and_note, address_of(&waits[i]), higher_priority - i * 5) > 0);
    }
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(msgAllocate(lid, 1, 1, K_NOBLOCK, &out), K_ETIMEOUT);
    CHECK_EQ(msgFree(lid, a), K_OK); // each frees it for the next
    CHECK(trace.is({0, 1, 2}));
    CHECK_EQ(msgFree(lid, b), K_OK);
    check_all_free(report);
}

void limits(Report& report) {
    open_own(report);
    char *a = fresh(1), *b = fresh(1), *message = nullptr;
    for (const unsigned what : {0U, 10U, 21U}) {
        for (const long milliseconds : {1L, 10L}) {
            const KnTimeVal limit{0, milliseconds * millisecond};
            const std::uint64_t begin = now_microseconds();
            CHECK_EQ(wait_once({what, 0, &limit}, &message), K_ETIMEOUT);
            CHECK(now_microseconds() - begin >= static_cast<std::uint64_t>(milliseconds) * 1000);
        }
        const KnTimeVal zero{0, 0};
        CHECK_EQ(wait_once({what, 0, &zero}, &message), K_ETIMEOUT);
        CHECK_EQ(wait_once({what, 0, K_NOBLOCK}, &message), K_ETIMEOUT);
        for (const KnTimeVal bad : {KnTimeVal{-1, 0}, KnTimeVal{0, -1}, KnTimeVal{0, 1000000000}}) {
            CHECK_EQ(wait_once({what, 0, &bad}, &message), K_EINVAL);
        }
    }
    // Who waited in vain gets nothing of what comes later.
    CHECK_EQ(msgFree(lid, a), K_OK);
    CHECK_EQ(free_in(1), 1);
    CHECK_EQ(msgPut(lid, 0, b, 0), K_OK);
    CHECK_EQ(queued_in(0), 1);
    CHECK_EQ(msgFree(lid, got(0)), K_OK);
    check_all_free(report);
}

void aborts(Report& report) {
    open_own(report);
    char *a = fresh(1), *b = fresh(1);
    for (const unsigned what : {0U, 10U, 21U}) {
        trace.clear();
        static Wait wait;
        wait = {what, 0, K_NOTIMEOUT};
        Helper helper;
        REQUIRE(helper.start(wait_and_note, address_of(&wait), higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result_seen, K_EABORT);
        // Left for later; and used up by the next wait that would wait.
        wait = {what, 7, K_NOTIMEOUT_NOABORT};
        trace.clear();
        Helper patient;
        REQUIRE(patient.start(wait_and_note, address_of(&wait), higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, patient.thread()), K_OK);
        CHECK_EQ(trace.length(), 0);
        CHECK_EQ(what < 20 ? msgPut(lid, 0, a, 0) : msgFree(lid, a), K_OK);
        CHECK(patient.join());
        CHECK(trace.is({7}));
        a = fresh(1);
        CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
        char* message = nullptr;
        CHECK_EQ(wait_once({what, 0, K_NOBLOCK}, &message), K_ETIMEOUT);
        CHECK_EQ(wait_once({what, 0, K_NOTIMEOUT}, &message), K_EABORT);
        CHECK_EQ(threadAborted(), 0);
    }
    CHECK_EQ(msgFree(lid, a), K_OK);
    CHECK_EQ(msgFree(lid, b), K_OK);
    check_all_free(report);
}

void deleted_waiters(Report& report) {
    open_own(report);
    for (const unsigned what : {2U, 10U, 21U}) {
        trace.clear();
        char *a = fresh(1), *b = fresh(1);
        static Wait waits[2];
        Helper first, second;
        waits[0] = {what, 1, K_NOTIMEOUT};
        waits[1] = {what, 2, K_NOTIMEOUT};
        REQUIRE(first.start(wait_and_note, address_of(&waits[0]), higher_priority) > 0);
        REQUIRE(second.start(wait_and_note, address_of(&waits[1]), higher_priority) > 0);
        first.stop();
        CHECK_EQ(what < 20 ? msgPut(lid, 2, a, 0) : msgFree(lid, a), K_OK);
        CHECK(second.join());
        CHECK(trace.is({2}));
        CHECK_EQ(msgFree(lid, b), K_OK);
        check_all_free(report);
    }
    // One that has been given a message, and ends before it runs: the message is as it was.
    static Wait wait;
    wait = {2, 1, K_NOTIMEOUT};
    trace.clear();
    Helper late;
    REQUIRE(late.start(wait_and_note, address_of(&wait), lower_priority) > 0);
    REQUIRE(eventually([&] { return status_of(late.thread()) == K_WAITING; }));
    char* const message = fresh();
    CHECK_EQ(msgPut(lid, 2, message, 4), K_OK);
    CHECK_EQ(queued_in(2), 0);
    late.stop();
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(queued_in(2), 1);
    CHECK_EQ(msgRemove(lid, 2, message, 4), K_OK);
    CHECK_EQ(msgFree(lid, message), K_OK);
    check_all_free(report);
}

void any_queue(Report& report) {
    open_own(report);
    unsigned queue = 9;
    char *a = fresh(), *b = fresh(), *c = fresh();
    CHECK_EQ(msgPut(lid, 2, a, 1), K_OK);
    CHECK_EQ(msgPut(lid, 0, b, 0), K_OK);
    CHECK_EQ(msgPut(lid, 1, c, 1), K_OK);
    CHECK_EQ(msgGetAny(lid, reinterpret_cast<unsigned*>(8), K_NOBLOCK, &out, nullptr), K_EFAULT);
    KnUniqueId source{};
    KnCap self{};
    CHECK_EQ(msgGetAny(lid, &queue, K_NOBLOCK, &out, &source), K_OK);
    CHECK(queue == 1 && out == c);
    actorSelf(&self);
    CHECK(source.uiHead == self.ui.uiHead && source.uiTail == self.ui.uiTail);
    CHECK_EQ(msgGetAny(lid, &queue, K_NOBLOCK, &out, nullptr), K_OK);
    CHECK(queue == 2 && out == a);
    CHECK_EQ(msgGetAny(lid, nullptr, K_NOTIMEOUT, &out, nullptr), K_OK);
    CHECK(out == b);
    CHECK_EQ(msgGetAny(lid, &queue, K_NOBLOCK, &out, nullptr), K_ETIMEOUT);
    // Who waits for one queue comes before who waits for any, and does not take other queues' messages.
    trace.clear();
    static Wait waits[2];
    Helper helpers[2];
    waits[0] = {10, 1, K_NOTIMEOUT};
    waits[1] = {1, 2, K_NOTIMEOUT};
    for (unsigned i = 0; i < 2; ++i) {
        REQUIRE(helpers[i].start(wait_and_note, address_of(&waits[i]), higher_priority) > 0);
    }
    CHECK_EQ(msgPut(lid, 1, a, 0), K_OK);
    CHECK(trace.is({2}));
    CHECK_EQ(msgPut(lid, 2, b, 0), K_OK);
    CHECK(trace.is({2, 1}));
    CHECK_EQ(msgPut(lid, 1, c, 0), K_OK);
    CHECK_EQ(queued_in(1), 1);
    CHECK_EQ(msgFree(lid, got(1)), K_OK);
    check_all_free(report);
}

// ---- all CPUs at once --------------------------------------------------------------------------

constexpr unsigned turns = 400;
std::atomic<unsigned> passed, strange;

// Allocates, marks, puts; gets, looks, frees. There are fewer messages than threads.
void produce(std::uintptr_t seed) {
    for (unsigned i = 0; i < turns; ++i) {
        char* message = nullptr;
        if (msgAllocate(lid, small_pool, 8, K_NOTIMEOUT, &message) != K_OK) {
            ++strange;
            return;
        }
        message[0] = message[59] = static_cast<char>(seed + i);
        if (msgPut(lid, static_cast<unsigned>(seed + i) % own_queues, message, i) != K_OK) {
            ++strange;
        }
    }
}
void consume(std::uintptr_t seed) {
    for (unsigned i = 0; i < turns; ++i) {
        char* message = nullptr;
        const KnTimeVal limit{0, static_cast<long>(1000 + (seed + i) % 7 * 20000)};
        const int result = (seed + i) % 3 == 0 ? msgGetAny(lid, nullptr, K_NOTIMEOUT, &message, nullptr)
                                               : msgGet(lid, static_cast<unsigned>(seed + i) % own_queues,
                                                        &limit, &message, nullptr);
        if (result == K_OK) {
            strange += message[0] == message[59] ? 0U : 1U;
            strange += msgFree(lid, message) == K_OK ? 0U : 1U;
            ++passed;
        } else if (result != K_ETIMEOUT) {
            ++strange;
        }
    }
}

void all_cpus(Report& report) {
    open_own(report);
    passed = strange = 0;
    Helper producers[4], consumers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(consumers[i].start(consume, i, lower_priority, i % cpu_count()) > 0);
        REQUIRE(producers[i].start(produce, i, lower_priority, (i + 1) % cpu_count()) > 0);
    }
    // What the consumers have left is taken here, when nothing goes on by itself.
    unsigned last = 1;
    for (unsigned rounds = 0; passed < 4 * turns && rounds < 20000; ++rounds) {
        const KnTimeVal limit{0, millisecond};
        if (passed != last) {
            last = passed;
            sleep_milliseconds(1);
        } else if (msgGetAny(lid, nullptr, &limit, &out, nullptr) == K_OK) {
            CHECK_EQ(msgFree(lid, out), K_OK);
            last = ++passed;
        }
    }
    CHECK_EQ(passed, 4 * turns);
    CHECK_EQ(strange, 0);
    for (unsigned i = 0; i < 4; ++i) {
        CHECK(producers[i].join());
        consumers[i].stop();
    }
    check_all_free(report);
}

constexpr Case cases[] = {
    {"point_03_waiters_are_served_in_turn", served_in_turn},
    {"allocators_in_turn", allocators_in_turn},
    {"limits", limits},
    {"aborts", aborts},
    {"deleted_waiters", deleted_waiters},
    {"any_queue", any_queue},
    {"all_cpus", all_cpus},
};

} // namespace

const Suite message_waits_suite{"message_waits", cases};

} // namespace chorale::test
