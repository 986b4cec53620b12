// What the suites message_spaces and message_waits share: one space for all cases, empty between two of them.
// It goes only with this actor.
#pragma once

#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "memory.hpp"
#include "trace.hpp"

#include <mipc/chMipc.h>

namespace chorale::test {

inline constexpr KnMsgSpaceId own_name = 4711;
inline constexpr KnMsgPool own_pools[] = {{100, 4}, {2000, 2}, {60, 3}};
inline constexpr unsigned own_queues = 3, small_pool = 2;
inline constexpr long millisecond = 1000000;

inline int lid;
inline char* out; // what a message's address is written to

inline void open_own(Report& report) {
    if (lid == 0) {
        lid = msgSpaceCreate(own_name, own_queues, 3, own_pools);
    }
    CHECK(lid > 0);
}

inline char* fresh(unsigned pool = 0) {
    char* message = nullptr;
    return msgAllocate(lid, pool, 1, K_NOBLOCK, &message) == K_OK ? message : nullptr;
}
inline unsigned free_in(unsigned pool) {
    KnMsgPoolStat stat{};
    return msgPoolStat(lid, pool, &stat) == K_OK ? stat.msgFree : ~0U;
}
inline unsigned queued_in(unsigned queue) {
    KnMsgQueueStat stat{};
    return msgQueueStat(lid, queue, &stat) == K_OK ? stat.msgNumber : ~0U;
}
inline char* got(unsigned queue) {
    char* message = nullptr;
    return msgGet(lid, queue, K_NOBLOCK, &message, nullptr) == K_OK ? message : nullptr;
}
inline void check_all_free(Report& report) {
    for (unsigned pool = 0; pool < 3; ++pool) {
        CHECK_EQ(free_in(pool), own_pools[pool].msgNumber);
    }
    for (unsigned queue = 0; queue < own_queues; ++queue) {
        CHECK_EQ(queued_in(queue), 0);
    }
}

} // namespace chorale::test
