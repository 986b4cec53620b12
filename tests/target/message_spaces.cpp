// Suite message_spaces: what is done with messages in shared memory, by one actor and several.
#include "message_spaces.hpp"

namespace chorale::test {
namespace {

constexpr KnMsgSpaceId child_name = 4800, lasting_name = 4713;

void wrong_measures(Report& report) {
    const KnMsgPool good{64, 2}, empty{64, 0}, nothing{0, 2}, too_many{1, K_MSG_NUMBERMAX + 1};
    const KnMsgPool huge{1U << 30, 2}, large{1U << 20, 200}; // more than an actor may have
    KnMsgPool many[K_MSG_POOLMAX + 1];
    for (KnMsgPool& pool : many) {
        pool = good;
    }
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 0, 1, &good), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, K_MSG_QUEUEMAX + 1, 1, &good), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 0, &good), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, K_MSG_POOLMAX + 1, many), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, &empty), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, &nothing), K_EINVAL);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, &too_many), K_ENOMEM);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, &huge), K_ENOMEM);
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, nullptr), K_EFAULT);
    const KnSysStatistics before = settled_statistics();
    CHECK_EQ(msgSpaceCreate(K_PRIVATEID, 1, 1, &large), K_ENOMEM);
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages);
    CHECK_EQ(msgSpaceOpen(K_PRIVATEID), K_EINVAL);
    CHECK_EQ(msgSpaceOpen(own_name + 100), K_EUNKNOWN);
}

void open_twice(Report& report) {
    open_own(report);
    CHECK_EQ(msgSpaceOpen(own_name), lid);
    CHECK_EQ(msgSpaceOpen(own_name), lid);
    const KnMsgPool pool{64, 2};
    CHECK_EQ(msgSpaceCreate(own_name, 1, 1, &pool), K_EBUSY);
    check_all_free(report);
}

void any_pool(Report& report) {
    open_own(report);
    // Of 60, 100 and 2000 bytes: 61 fit into 100, and only those are tried.
    char* messages[4];
    for (char*& message : messages) {
        REQUIRE_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 61, K_NOBLOCK, &message), K_OK);
    }
    CHECK_EQ(free_in(0), 0);
    CHECK_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 61, K_NOBLOCK, &out), K_ETIMEOUT);
    const KnTimeVal brief{0, millisecond};
    CHECK_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 61, &brief, &out), K_ETIMEOUT);
    CHECK_EQ(free_in(1), 2);
    CHECK_EQ(free_in(small_pool), 3);
    CHECK_EQ(msgFree(lid, messages[2]), K_OK);
    CHECK_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 100, K_NOBLOCK, &out), K_OK);
    CHECK_EQ(address_of(out), address_of(messages[2]));
    for (char* message : messages) {
        CHECK_EQ(msgFree(lid, message), K_OK);
    }
    CHECK_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 2001, K_NOBLOCK, &out), K_EINVAL);
    CHECK_EQ(msgAllocate(lid, small_pool, 61, K_NOBLOCK, &out), K_EINVAL);
    CHECK_EQ(msgAllocate(lid, 3, 1, K_NOBLOCK, &out), K_EINVAL);
    CHECK_EQ(msgAllocate(lid, K_ANY_MSGPOOL, 0, K_NOBLOCK, &out), K_OK);
    CHECK_EQ(free_in(small_pool), 2);
    CHECK_EQ(msgFree(lid, out), K_OK);
    check_all_free(report);
}

// 0 is the lowest; what is too large counts as the highest; first come, first out in each.
void priorities(Report& report) {
    open_own(report);
    char *a = fresh(), *b = fresh(), *c = fresh(), *d = fresh(), *e = fresh(1), *f = fresh(1);
    REQUIRE(f != nullptr);
    CHECK_EQ(msgPut(lid, 1, a, 0), K_OK);
    CHECK_EQ(msgPut(lid, 1, b, 5), K_OK);
    CHECK_EQ(msgPut(lid, 1, c, K_MSG_PRIOMAX + 9), K_OK);
    CHECK_EQ(msgPut(lid, 1, d, 5), K_OK);
    CHECK_EQ(msgPut(lid, 1, e, K_MSG_PRIOMAX), K_OK);
    CHECK_EQ(msgPut(lid, 1, f, 0), K_OK);
    CHECK_EQ(queued_in(1), 6);
    for (const char* message : {c, e, b, d, a, f}) {
        CHECK_EQ(address_of(got(1)), address_of(message));
    }
    CHECK_EQ(msgGet(lid, 1, K_NOBLOCK, &out, nullptr), K_ETIMEOUT);
    for (char* message : {a, b, c, d, e, f}) {
        CHECK_EQ(msgFree(lid, message), K_OK);
    }
    check_all_free(report);
}

void removal(Report& report) {
    open_own(report);
    char* messages[4];
    for (char*& message : messages) {
        message = fresh();
        CHECK_EQ(msgPut(lid, 0, message, 3), K_OK);
    }
    CHECK_EQ(msgRemove(lid, 0, messages[1], 2), K_EINVAL);
    CHECK_EQ(msgRemove(lid, 1, messages[1], 3), K_EINVAL);
    CHECK_EQ(msgRemove(lid, 0, messages[1], 3), K_OK);
    CHECK_EQ(msgRemove(lid, 0, messages[1], 3), K_EINVAL);
    CHECK_EQ(msgPut(lid, 0, messages[1], 3), K_OK);    // 0 2 3 1
    CHECK_EQ(msgRemove(lid, 0, messages[0], 3), K_OK); // the first
    CHECK_EQ(msgRemove(lid, 0, messages[1], 3), K_OK); // the last
    CHECK_EQ(msgPut(lid, 0, messages[1], K_MSG_PRIOMAX), K_OK);
    CHECK_EQ(msgRemove(lid, 0, messages[1], ~0U), K_OK); // which means the same
    CHECK_EQ(queued_in(0), 2);
    CHECK_EQ(address_of(got(0)), address_of(messages[2]));
    CHECK_EQ(msgRemove(lid, 0, messages[2], 3), K_EINVAL); // consumed
    CHECK_EQ(msgRemove(lid, 0, messages[3], 3), K_OK);     // the only one
    CHECK_EQ(msgGet(lid, 0, K_NOBLOCK, &out, nullptr), K_ETIMEOUT);
    for (char* message : messages) {
        CHECK_EQ(msgFree(lid, message), K_OK);
    }
    check_all_free(report);
}

// A message is named by the address of its first byte, and is the caller's or not.
void wrong_messages(Report& report) {
    open_own(report);
    char* const message = fresh(1);
    REQUIRE(message != nullptr);
    for (char* wrong : {message + 1, message + 64, message + (1 << 24), static_cast<char*>(nullptr)}) {
        CHECK_EQ(msgPut(lid, 0, wrong, 0), K_EINVAL);
        CHECK_EQ(msgFree(lid, wrong), K_EINVAL);
        CHECK_EQ(msgRemove(lid, 0, wrong, 0), K_EINVAL);
    }
    CHECK_EQ(msgPut(lid, own_queues, message, 0), K_EINVAL);
    CHECK_EQ(msgRemove(lid, own_queues, message, 0), K_EINVAL);
    CHECK_EQ(msgGet(lid, own_queues, K_NOBLOCK, &out, nullptr), K_EINVAL);
    CHECK_EQ(msgPut(lid, 0, message, 0), K_OK);
    CHECK_EQ(msgPut(lid, 0, message, 0), K_EINVAL);
    CHECK_EQ(msgFree(lid, message), K_EINVAL);
    CHECK_EQ(msgGet(lid, 0, K_NOBLOCK, nullptr, nullptr), K_EFAULT);
    CHECK_EQ(msgGet(lid, 0, K_NOBLOCK, &out, reinterpret_cast<KnUniqueId*>(8)), K_EFAULT);
    CHECK_EQ(queued_in(0), 1); // it went back
    CHECK_EQ(msgGet(lid, 0, K_NOBLOCK, &out, nullptr), K_OK);
    CHECK_EQ(msgFree(lid, message), K_OK);
    CHECK_EQ(msgFree(lid, message), K_EINVAL);
    CHECK_EQ(msgAllocate(lid, 0, 1, K_NOBLOCK, nullptr), K_EFAULT);
    CHECK_EQ(msgAllocate(lid, 0, 1, K_NOTIMEOUT, nullptr), K_EFAULT);
    for (const int wrong : {0, -1, K_MSG_OPENMAX, K_MSG_OPENMAX + 1}) {
        CHECK_EQ(msgPut(wrong, 0, message, 0), K_EINVAL);
        CHECK_EQ(msgFree(wrong, message), K_EINVAL);
        CHECK_EQ(msgRemove(wrong, 0, message, 0), K_EINVAL);
        CHECK_EQ(msgGet(wrong, 0, K_NOBLOCK, &out, nullptr), K_EINVAL);
        CHECK_EQ(msgGetAny(wrong, nullptr, K_NOBLOCK, &out, nullptr), K_EINVAL);
        CHECK_EQ(msgAllocate(wrong, 0, 1, K_NOBLOCK, &out), K_EINVAL);
        KnMsgPoolStat pool;
        KnMsgQueueStat queue;
        CHECK_EQ(msgPoolStat(wrong, 0, &pool), K_EINVAL);
        CHECK_EQ(msgQueueStat(wrong, 0, &queue), K_EINVAL);
    }
    KnMsgPoolStat stat{};
    CHECK_EQ(msgPoolStat(lid, 1, &stat), K_OK);
    CHECK(stat.msgSize == 2000 && stat.msgNumber == 2 && stat.msgFree == 2);
    CHECK_EQ(msgPoolStat(lid, 3, &stat), K_EINVAL);
    CHECK_EQ(msgPoolStat(lid, 0, nullptr), K_EFAULT);
    CHECK_EQ(msgQueueStat(lid, 0, nullptr), K_EFAULT);
    check_all_free(report);
}

// The whole of each message is memory, and no two have any of it in common.
void contents(Report& report) {
    open_own(report);
    char *a = fresh(1), *b = fresh(1);
    REQUIRE(b != nullptr);
    for (unsigned i = 0; i < 2000; ++i) {
        a[i] = 1;
        b[i] = 2;
    }
    unsigned wrong = 0;
    for (unsigned i = 0; i < 2000; ++i) {
        wrong += a[i] == 1 && b[i] == 2 ? 0U : 1U;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(address_of(a) % 64, 0);
    CHECK_EQ(msgFree(lid, a), K_OK);
    CHECK_EQ(msgFree(lid, b), K_OK);
}

// ---- several actors ----------------------------------------------------------------------------

struct Told { // by a child, in its own memory
    int lid;
    int results[6];
    char* message;
} told;

[[nodiscard]] Told told_by(const Child& child) {
    Told copy{};
    vmCopy(&child.capability(), address_of(&told), K_MYACTOR, address_of(&copy), sizeof copy, 0);
    return copy;
}

// Opens this actor's space and turns what comes through queue 0 round, through queue 1.
void turn_round(std::uintptr_t) {
    told.lid = msgSpaceOpen(own_name);
    told.results[0] = msgSpaceOpen(own_name) == told.lid ? 1 : 0;
    for (;;) {
        if (msgGet(told.lid, 0, K_NOTIMEOUT, &told.message, nullptr) != K_OK) {
            break;
        }
        for (unsigned i = 0; i < 60; ++i) {
            told.message[i] = static_cast<char>(told.message[i] + 1);
        }
        msgPut(told.lid, 1, told.message, 3);
    }
}

void between_actors(Report& report) {
    open_own(report);
    Child child;
    REQUIRE_EQ(child.create("message_peer"), K_OK);
    const KnCap name = child.capability();
    REQUIRE(child.start(turn_round, 0, higher_priority, cpu_count() - 1) > 0);
    for (unsigned round = 0; round < 20; ++round) {
        char* const message = fresh(round % 3);
        REQUIRE(message != nullptr);
        for (unsigned i = 0; i < 60; ++i) {
            message[i] = static_cast<char>(round + i);
        }
        CHECK_EQ(msgPut(lid, 0, message, round), K_OK);
        KnUniqueId source{};
        REQUIRE_EQ(msgGet(lid, 1, K_NOTIMEOUT, &out, &source), K_OK);
        CHECK(out == message);
        CHECK(source.uiHead == name.ui.uiHead && source.uiTail == name.ui.uiTail);
        unsigned wrong = 0;
        for (unsigned i = 0; i < 60; ++i) {
            wrong += message[i] == static_cast<char>(round + i + 1) ? 0U : 1U;
        }
        CHECK_EQ(wrong, 0);
        CHECK_EQ(msgFree(lid, message), K_OK);
    }
    const Told there = told_by(child);
    CHECK(there.lid > 0);
    CHECK_EQ(there.results[0], 1);
    CHECK_EQ(child.destroy(), K_OK); // while it waits
    CHECK_EQ(msgPut(lid, 0, fresh(), 0), K_OK);
    CHECK_EQ(queued_in(0), 1);
    CHECK_EQ(msgFree(lid, got(0)), K_OK);
    check_all_free(report);
}

// Takes one message and puts another, then sits on a third; tries what is not its own.
void hoard(std::uintptr_t) {
    told.lid = msgSpaceOpen(own_name);
    told.results[0] = msgGet(told.lid, 0, K_NOTIMEOUT, &told.message, nullptr);
    char* message = nullptr;
    told.results[1] = msgAllocate(told.lid, 1, 1, K_NOBLOCK, &message);
    told.results[2] = msgPut(told.lid, 2, message, 1);
    // The other one of the pool is not this actor's.
    told.results[3] = msgFree(told.lid, message + 2048);
    told.results[4] = msgPut(told.lid, 0, message + 2048, 0);
    told.results[5] = 1;
    threadDelay(K_NOTIMEOUT);
}

void of_dead_actors(Report& report) {
    open_own(report);
    Child child;
    REQUIRE_EQ(child.create("hoarder"), K_OK);
    REQUIRE(child.start(hoard, 0, higher_priority) > 0);
    char* const first = fresh(1);
    CHECK_EQ(msgPut(lid, 0, fresh(0), 0), K_OK);
    REQUIRE(eventually([&] { return told_by(child).results[5] == 1; }));
    const Told there = told_by(child);
    CHECK_EQ(there.results[0], K_OK);
    CHECK_EQ(there.results[1], K_OK);
    CHECK_EQ(there.results[2], K_OK);
    CHECK_EQ(there.results[3], K_EINVAL);
    CHECK_EQ(there.results[4], K_EINVAL);
    CHECK_EQ(free_in(0), 3);
    CHECK_EQ(child.destroy(), K_OK);
    CHECK_EQ(free_in(0), 4);   // what it had is free again
    CHECK_EQ(queued_in(2), 1); // what it had put is there
    CHECK_EQ(msgFree(lid, got(2)), K_OK);
    CHECK_EQ(msgFree(lid, first), K_OK);
    check_all_free(report);
}

void create_for_others(std::uintptr_t) {
    constexpr KnMsgPool pool{128, 2};
    told.lid = msgSpaceCreate(lasting_name, 1, 1, &pool);
    told.results[0] = msgAllocate(told.lid, 0, 1, K_NOBLOCK, &told.message);
    told.message[0] = 7;
    told.results[1] = msgPut(told.lid, 0, told.message, 0);
    told.results[5] = 1;
    threadDelay(K_NOTIMEOUT);
}
void open_and_wait(std::uintptr_t) {
    told.lid = msgSpaceOpen(lasting_name);
    told.results[5] = 1;
    threadDelay(K_NOTIMEOUT);
    told.results[0] = msgGet(told.lid, 0, K_NOBLOCK, &told.message, nullptr);
    told.results[1] = told.message[0];
    told.results[2] = msgFree(told.lid, told.message);
    told.results[5] = 2;
    threadDelay(K_NOTIMEOUT);
}

// A space lives as long as somebody has it open.
void creator_goes_first(Report& report) {
    const KnSysStatistics before = settled_statistics();
    {
        Child creator, opener;
        REQUIRE_EQ(creator.create("creator"), K_OK);
        REQUIRE_EQ(opener.create("opener"), K_OK);
        REQUIRE(creator.start(create_for_others, 0, higher_priority) > 0);
        REQUIRE(eventually([&] { return told_by(creator).results[5] == 1; }));
        const int thread = opener.start(open_and_wait, 0, higher_priority, cpu_count() - 1);
        REQUIRE(thread > 0);
        REQUIRE(eventually([&] { return told_by(opener).results[5] == 1; }));
        CHECK(told_by(opener).lid > 0);
        CHECK_EQ(creator.destroy(), K_OK);
        REQUIRE_EQ(threadAbort(&opener.capability(), thread), K_OK);
        REQUIRE(eventually([&] { return told_by(opener).results[5] == 2; }));
        const Told there = told_by(opener);
        CHECK_EQ(there.results[0], K_OK);
        CHECK_EQ(there.results[1], 7);
        CHECK_EQ(there.results[2], K_OK);
    }
    CHECK_EQ(msgSpaceOpen(lasting_name), K_EUNKNOWN);
    const KnSysStatistics after = settled_statistics();
    check_same_objects(report, before, after);
    CHECK(after.freePages + 64 >= before.freePages);
}

void open_too_many(std::uintptr_t) {
    constexpr KnMsgPool pool{64, 1};
    for (unsigned i = 0; i < K_MSG_OPENMAX; ++i) {
        told.results[0] += msgSpaceCreate(i % 2 == 0 ? K_PRIVATEID : child_name + i, 1, 1, &pool) > 0;
    }
    told.results[1] = msgSpaceCreate(K_PRIVATEID, 1, 1, &pool);
    told.results[2] = msgSpaceOpen(own_name);
    told.results[5] = 1;
    threadDelay(K_NOTIMEOUT);
}

void too_many(Report& report) {
    open_own(report);
    Child child;
    REQUIRE_EQ(child.create("many_spaces"), K_OK);
    REQUIRE(child.start(open_too_many, 0, higher_priority) > 0);
    REQUIRE(eventually([&] { return told_by(child).results[5] == 1; }));
    const Told there = told_by(child);
    CHECK_EQ(there.results[0], K_MSG_OPENMAX);
    CHECK_EQ(there.results[1], K_EFULL);
    CHECK_EQ(there.results[2], K_EFULL);
}

constexpr Case cases[] = {
    {"wrong_measures", wrong_measures},
    {"point_11_open_is_idempotent", open_twice},
    {"point_11_any_pool_does_not_spill", any_pool},
    {"point_11_priority_0_is_the_lowest", priorities},
    {"point_11_remove_needs_the_priority", removal},
    {"wrong_messages", wrong_messages},
    {"contents", contents},
    {"between_actors", between_actors},
    {"of_dead_actors", of_dead_actors},
    {"creator_goes_first", creator_goes_first},
    {"too_many", too_many},
};

} // namespace

const Suite message_spaces_suite{"message_spaces", cases};

} // namespace chorale::test
