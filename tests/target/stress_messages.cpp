// The message stress: every call of messages, from many threads of several actors, while threads, ports and
// actors are killed, moved and made again. What must hold is said in stress_board.hpp; beside that: a call
// returns no error that is not documented for it, bodies arrive whole and at most once, nobody hangs, and at
// the end the nucleus has what it had at the beginning. Options: as stress.cpp.
#include "stress_messages.hpp"

#include "child.hpp"
#include "memory.hpp"
#include "stress_clients.hpp"

#include <mipc/chMipc.h>

namespace chorale::test {
namespace messages {
namespace {

constexpr unsigned round_milliseconds = 250, warm_up_milliseconds = 300;
constexpr VmSize board_size = (sizeof(Board) + page - 1) / page * page;

struct Kid {
    Child child;
    unsigned killed_threads{};
};
Kid kids[kid_limit];
Child egg; // of which the kids are copies
KnCap home_capability, anchor;
unsigned home_count; // threads of home

std::uint64_t place_of(unsigned actor, int li) {
    return std::uint64_t{actor} << 32 | static_cast<unsigned>(li);
}
const KnCap& capability_of(unsigned actor) {
    return actor == home ? home_capability : kids[actor].child.capability();
}
unsigned threads_of(unsigned actor) { return actor == home ? home_count : kid_threads; }
unsigned random_priority(Random& random) { return main_priority + 1 + random.below(10); }

// ---- threads and actors --------------------------------------------------------------------------------

bool is_server(unsigned index) { return index < 2; }

ThreadBody body_of(unsigned actor, unsigned index) {
    if (is_server(index)) {
        return run_server;
    }
    if (index == 2) {
        return actor == home ? run_rings_of_home : run_ring_of_kid;
    }
    return run_client;
}

bool start_one(unsigned actor, unsigned index, Random& random) {
    ThreadEntry& entry = board.actors[actor].threads[index];
    const Identity self{actor, index, entry.incarnation.load() + 1};
    const unsigned priority = random_priority(random), cpu = random.below(board.cpus);
    Room& room = room_of(index);
    entry.incarnation = self.incarnation;
    entry.doing = Doing::nothing;
    const ThreadBody body = body_of(actor, index);
    const int thread = actor == home
                           ? start_thread({body, self.packed(), room.stack, sizeof room.stack, priority, cpu})
                           : kids[actor].child.start_on(address_of(room.stack) + sizeof room.stack, body,
                                                        self.packed(), priority, cpu);
    entry.thread = thread;
    return thread > 0;
}

bool make_kid(unsigned i, Random& random) {
    Kid& kid = kids[i];
    kid.killed_threads = 0;
    if (kid.child.duplicate(egg) != K_OK) {
        return false;
    }
    KnRgnDesc target = region_at(board_address, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(board_address, board_size, 0);
    bool good = rgnMapFromActor(&capability_of(i), &target, K_MYACTOR, &source) == K_OK;
    board.actors[i].saved = 0;
    board.actors[i].capability.set(capability_of(i));
    for (unsigned index = 0; index < kid_threads; ++index) {
        good = good && start_one(i, index, random);
    }
    return good;
}

void end_kid(Report& report, unsigned i) {
    for (ThreadEntry& entry : board.actors[i].threads) {
        entry.doomed = entry.incarnation.load();
        entry.thread = 0;
    }
    CHECK_EQ(kids[i].child.destroy(), K_OK);
}

// ---- ports ---------------------------------------------------------------------------------------------

unsigned some_host(unsigned port, Random& random) {
    if (port < first_tame) {
        return home;
    }
    return port < first_wild ? random.below(tame_actors)
                             : tame_actors + random.below(kid_limit - tame_actors);
}

bool make_port(unsigned port, Random& random) {
    const unsigned actor = some_host(port, random);
    KnUniqueId name{};
    const int li = portCreate(&capability_of(actor), &name);
    if (li <= 0) {
        return false;
    }
    const int result = portEnable(&capability_of(actor), li, static_cast<int>(random.below(3)));
    // Somebody may have moved a wild one already, for one that had its number.
    if (result != K_OK && (port < first_wild || result != K_EINVAL)) {
        return false;
    }
    board.ports[port].place = place_of(actor, li);
    board.ports[port].name.set(name);
    return true;
}

struct Place {
    unsigned actor;
    int li;
    explicit Place(unsigned port)
        : actor{static_cast<unsigned>(board.ports[port].place.load() >> 32)},
          li{static_cast<int>(board.ports[port].place.load() & 0xffffffff)} {}
};

void replace_port(Report& report, unsigned port, Random& random) {
    const Place at{port};
    const int result = portDelete(&capability_of(at.actor), at.li);
    CHECK(result == K_OK || (port >= first_wild && (result == K_EINVAL || result == K_EUNKNOWN)));
    CHECK(make_port(port, random));
}

// With its actor die the ports that are there.
void replace_kid(Report& report, unsigned i, Random& random) {
    end_kid(report, i);
    CHECK(make_kid(i, random));
    for (unsigned port = first_tame; port < port_limit; ++port) {
        if (Place{port}.actor == i) {
            CHECK(make_port(port, random));
        }
    }
}

void move_tame_port(Report& report, Random& random) {
    const unsigned port = first_tame + random.below(tame_ports);
    const Place at{port};
    const unsigned to = (at.actor + 1) % tame_actors;
    const int options = random.below(2) == 0 ? K_WITHMSG : K_WITHOUTMSG;
    const int there = portMigrate(options, &capability_of(at.actor), at.li, &capability_of(to), nullptr);
    CHECK(there > 0);
    CHECK_EQ(portEnable(&capability_of(to), there, static_cast<int>(random.below(3))), K_OK);
    board.ports[port].place = place_of(to, there);
}

void move_steady_port(Report& report, Random& random) {
    const unsigned port = random.below(steady_ports);
    const int there = portMigrate(K_WITHMSG, K_MYACTOR, Place{port}.li, &anchor, nullptr);
    CHECK(there > 0);
    const int back = portMigrate(K_WITHMSG, &anchor, there, K_MYACTOR, nullptr);
    CHECK(back > 0);
    CHECK_EQ(portEnable(K_MYACTOR, back, static_cast<int>(random.below(3))), K_OK);
    board.ports[port].place = place_of(home, back);
}

// A group has no end of its own: it is gone with its last port.
void replace_group(Report& report, unsigned i, Random& random) {
    KnCap old{}, next{};
    if (board.groups[i].get(old)) {
        for (const PortEntry& entry : board.ports) {
            KnUniqueId port{};
            (void)entry.name.get(port);
            const int result = grpPortRemove(&old, &port);
            CHECK(result == K_OK || result == K_EINVAL || result == K_EUNKNOWN);
        }
    }
    CHECK_EQ(grpAllocate(random.below(2) == 0 ? K_DYNAMIC : K_STATUSER, &next, 5700 + static_cast<int>(i)),
             K_OK);
    board.groups[i].set(next);
    for (unsigned count = 0; count < 3; ++count) {
        KnUniqueId port{};
        (void)board.ports[random.below(port_limit)].name.get(port);
        const int result = grpPortInsert(&next, &port);
        CHECK(result == K_OK || result == K_EUNKNOWN || result == K_EFULL);
    }
}

// ---- the disturber -------------------------------------------------------------------------------------

void replace_thread(Report& report, Random& random) {
    const unsigned i = random.below(kid_limit), index = random.below(kid_threads);
    ThreadEntry& entry = board.actors[i].threads[index];
    entry.doomed = entry.incarnation.load();
    CHECK_EQ(threadDelete(&capability_of(i), entry.thread), K_OK);
    CHECK(start_one(i, index, random));
    // What its dead threads had of message spaces, it keeps.
    if (++kids[i].killed_threads == 20) {
        replace_kid(report, i, random);
    }
}

void disturb_thread(Report& report, Random& random, unsigned how) {
    const unsigned actor = random.below(actor_limit);
    const KnThreadLid thread = board.actors[actor].threads[random.below(threads_of(actor))].thread;
    const KnCap& capability = capability_of(actor);
    if (how == 0) {
        CHECK_EQ(threadAbort(&capability, thread), K_OK);
    } else if (how == 1) {
        const int result = threadBind(&capability, thread, random.below(board.cpus), nullptr, K_NONEXCLUSIVE);
        CHECK(result == K_OK || result == K_EBUSY || result == K_ENOMEM);
    } else {
        const KnFifoThParms next{K_SCHED_FIFO, random_priority(random)};
        CHECK_EQ(threadScheduler(&capability, thread, nullptr, &next), K_OK);
    }
}

void disturb(Report& report, Random& random) {
    const unsigned choice = random.below(100);
    if (choice < 25) {
        replace_thread(report, random);
    } else if (choice < 30) {
        replace_kid(report, random.below(kid_limit), random);
    } else if (choice < 42) {
        move_tame_port(report, random);
    } else if (choice < 54) {
        replace_port(report, first_tame + random.below(port_limit - first_tame), random);
    } else if (choice < 64) {
        move_steady_port(report, random);
    } else if (choice < 69) {
        replace_group(report, random.below(group_limit), random);
    } else if (choice < 98) {
        disturb_thread(report, random, random.below(3));
    } else {
        threadBind(K_MYACTOR, K_MYSELF, random.below(board.cpus), nullptr, K_NONEXCLUSIVE);
    }
}

// ---- rounds ----------------------------------------------------------------------------------------------

// What a thread does when there is nothing to do any more. Who may wait for ever for somebody who has died is
// told not to.
bool settled(unsigned actor, unsigned index, bool persuade) {
    const ThreadEntry& entry = board.actors[actor].threads[index];
    if (entry.doing.load() == (is_server(index) ? Doing::receiving : Doing::resting)) {
        return true;
    }
    if (persuade && !is_server(index)) {
        threadAbort(&capability_of(actor), entry.thread);
    }
    return false;
}

bool all_settled(bool persuade) {
    bool all = board.actors[home].saved == 0 && board.counted_received == board.counted_sent;
    for (unsigned actor = 0; actor < actor_limit; ++actor) {
        for (unsigned index = 0; index < threads_of(actor); ++index) {
            all = settled(actor, index, persuade) && all;
        }
    }
    return all;
}

void print_unsettled() {
    print("stress: %lu counted sends, %lu received, %d saved at home\n", board.counted_sent.load(),
          board.counted_received.load(), board.actors[home].saved.load());
    for (unsigned actor = 0; actor < actor_limit; ++actor) {
        for (unsigned index = 0; index < threads_of(actor); ++index) {
            if (!settled(actor, index, false)) {
                const ThreadEntry& entry = board.actors[actor].threads[index];
                const char* const call = entry.call.load();
                print("stress: thread %d (%u) of actor %u hangs (%u): %s\n", entry.thread.load(), index,
                      actor, static_cast<unsigned>(entry.doing.load()), call == nullptr ? "" : call);
            }
        }
    }
}

// Everybody comes to the end of what he does: nobody hangs.
bool gather(Report& report) {
    unsigned polls = 0;
    board.pause = true;
    const bool all = eventually([&] { return all_settled(++polls % 16 == 0); });
    if (!all) {
        print_unsettled();
    }
    CHECK(all);
    return all;
}

void print_counts() {
    print("stress: %lu calls, %lu sends, %lu parcels, %lu ring words, %lu moves\n", board.calls.load(),
          board.sends.load(), board.parcels.load(), board.ring_words_seen.load(), board.moved.load());
}

void run_for(Report& report, Random& random, std::uint64_t milliseconds) {
    const std::uint64_t start = now_microseconds();
    std::uint64_t next_line = start + 5000000, round_end = start;
    for (std::uint64_t now = start; now < start + milliseconds * 1000; now = now_microseconds()) {
        if (now >= round_end) {
            if (!gather(report)) {
                return;
            }
            board.pause = false;
            round_end = now_microseconds() + round_milliseconds * 1000;
        }
        sleep_milliseconds(1 + random.below(3));
        disturb(report, random);
        if (now >= next_line) {
            print("stress: %lu s\n", (now - start) / 1000000);
            print_counts();
            next_line += 5000000;
        }
    }
}

// ---- beginning and end
// -------------------------------------------------------------------------------------

bool set_up(std::uint64_t seed) {
    if (allocate(board_address, board_size) != K_OK ||
        allocate(rooms_address, sizeof(Room) * home_threads) != K_OK) {
        return false;
    }
    board.cpus = cpu_count();
    board.seed = seed;
    board.pause = true;
    home_count = 3 + (board.cpus < home_threads - 3 ? board.cpus : home_threads - 3);
    for (RingPair& pair : board.rings) {
        msgRingInit(&pair.out, ring_words);
        msgRingInit(&pair.back, ring_words);
    }
    // It stays open; the next run finds it.
    const int created = msgSpaceCreate(space_name, space_queues, space_pools, pools);
    KnRgnDesc rooms = region_at(rooms_address, sizeof(Room) * kid_threads, K_WRITABLE | K_FILLZERO);
    return (created > 0 || created == K_EBUSY) && actorSelf(&home_capability) == K_OK &&
           actorCreate(K_MYACTOR, &anchor, K_USERACTOR, K_ACTIVE) == K_OK && egg.create("egg") == K_OK &&
           rgnAllocate(&egg.capability(), &rooms) == K_OK;
}

bool start_all(Report& report, Random& random) {
    bool good = true;
    board.actors[home].capability.set(home_capability);
    for (unsigned i = 0; i < kid_limit; ++i) {
        good = good && make_kid(i, random);
    }
    for (unsigned port = 0; good && port < port_limit; ++port) {
        good = make_port(port, random);
    }
    for (unsigned i = 0; i < group_limit; ++i) {
        replace_group(report, i, random);
    }
    for (unsigned index = 0; good && index < home_count; ++index) {
        good = start_one(home, index, random);
    }
    CHECK(good);
    return good;
}

// Those of the dead are in their pools already.
void empty_space(Report& report) {
    const int space = msgSpaceOpen(space_name);
    char* message = nullptr;
    while (msgGetAny(space, nullptr, K_NOBLOCK, &message, nullptr) == K_OK) {
        CHECK_EQ(msgFree(space, message), K_OK);
    }
    for (unsigned i = 0; i < space_pools; ++i) {
        KnMsgPoolStat stat{};
        CHECK_EQ(msgPoolStat(space, i, &stat), K_OK);
        CHECK_EQ(stat.msgFree, pools[i].msgNumber);
    }
}

void stop_all(Report& report) {
    board.stop = true;
    for (unsigned i = 0; i < kid_limit; ++i) {
        end_kid(report, i);
    }
    for (unsigned index = 0; index < home_count; ++index) {
        const ThreadEntry& entry = board.actors[home].threads[index];
        CHECK(is_server(index) || eventually([&] { return entry.doing.load() == Doing::nothing; }));
        threadDelete(K_MYACTOR, entry.thread); // unless it has ended by itself
    }
    for (unsigned port = 0; port < steady_ports; ++port) {
        CHECK_EQ(portDelete(K_MYACTOR, Place{port}.li), K_OK);
    }
    CHECK_EQ(actorDelete(&anchor), K_OK);
    CHECK_EQ(egg.destroy(), K_OK);
    empty_space(report);
    const auto credits = [] {
        KnActorStatistics now{};
        return actorStatistics(K_MYACTOR, &now) == K_OK ? now.credits : ~0UL;
    };
    CHECK(eventually([&] { return credits() == 0; }));
    CHECK_EQ(credits(), 0);
}

void check_board(Report& report) {
    if (board.problems != 0) {
        print("stress: %lu problems, the first: %s: %ld\n", board.problems.load(), board.first_problem.load(),
              board.first_value.load());
    }
    CHECK_EQ(board.problems, 0);
    CHECK_EQ(board.counted_received, board.counted_sent);
}

void check_variety(Report& report) {
    const bool all_happened =
        board.calls > 0 && board.sends > 0 && board.parcels > 0 && board.ring_words_seen > 0;
    if (!all_happened) {
        print_counts();
    }
    CHECK(all_happened);
}

void one_run(Report& report, std::uint64_t seed, std::uint64_t milliseconds) {
    Random random{seed + milliseconds};
    const bool ready = set_up(seed);
    REQUIRE(ready);
    if (start_all(report, random)) {
        run_for(report, random, milliseconds);
        (void)gather(report);
    }
    stop_all(report);
    check_board(report);
    if (milliseconds > warm_up_milliseconds) {
        check_variety(report);
    }
    threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE);
    CHECK_EQ(release(board_address, board_size), K_OK);
    CHECK_EQ(release(rooms_address, sizeof(Room) * home_threads), K_OK);
}

} // namespace
} // namespace messages

void stress_messages(Report& report) {
    const unsigned long seconds = stress_seconds();
    if (seconds == 0) {
        report.skip("smp.stress=0");
        return;
    }
    const unsigned long seed = environment_number("seed", 1);
    print("stress: %lu s of messages, seed=%lu\n", seconds, seed);
    // The nucleus's caches fill up once; what is there afterwards must not grow.
    messages::one_run(report, seed, messages::warm_up_milliseconds);
    const KnSysStatistics before = settled_statistics();
    messages::one_run(report, seed, seconds * 1000);
    const KnSysStatistics after = settled_statistics();
    check_same_objects(report, before, after);
    CHECK(after.freePages + 256 >= before.freePages); // page tables and caches may have grown
}

} // namespace chorale::test
