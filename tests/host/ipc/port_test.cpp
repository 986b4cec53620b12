// Ports and actors by name: creation, lookup, limits, deletion, stale names, and failure of each allocation.
#include "kernel/ipc/port.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/names.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "tests/host/core/cpus.hpp"
#include "tests/host/mem/memory_machine.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace chorale {
namespace {

struct Named : ::testing::Test {
    Named() {
        test::start_memory();
        test::make_cpus(4);
        static const bool once = [] {
            init_ports(max_cpus);
            init_names(1, 2);
            return true;
        }();
        static_cast<void>(once);
        actors_before = live_actors();
        ports_before = live_ports();
    }
    ~Named() override {
        fail_allocation_after(0);
        while (!actors.empty()) remove_last();
        EXPECT_EQ(live_actors(), actors_before);
        EXPECT_EQ(live_ports(), ports_before);
    }

    Actor* make_actor(std::string_view name = "tester") {
        const Result<Actor*> made = create_actor(name, K_USERACTOR, {.uid = 1, .gid = 2, .did = 3});
        if (!made.ok()) return nullptr;
        actors.push_back(made.value());
        return made.value();
    }
    // As deletion does, with no thread left and no other CPU that could still look.
    void remove_last() {
        Actor& actor = *actors.back();
        actors.pop_back();
        ASSERT_TRUE(begin_actor_deletion(actor, actor));
        for (int li = 0; li < static_cast<int>(Actor::port_limit); ++li)
            static_cast<void>(remove_port(actor, li));
        while (!actor.space.destroy_step()) {
        }
        free_actor(actor);
    }
    [[nodiscard]] static bool remove_port(Actor& actor, int li) {
        Port* port{};
        if (!begin_port_deletion(actor, li, port)) return false;
        free_port(*port);
        return true;
    }

    std::vector<Actor*> actors;
    unsigned actors_before{}, ports_before{};
};

TEST_F(Named, AnActorHasItsDefaultPort) {
    const Actor* const actor = make_actor();
    ASSERT_NE(actor, nullptr);
    ASSERT_NE(actor->default_port, nullptr);
    EXPECT_EQ(static_cast<int>(actor->default_port->li), K_DEFAULTPORT);
    EXPECT_EQ(find_port(actor->default_port->ui), actor->default_port);
    EXPECT_EQ(static_cast<KnProtId>(actor->default_port->protection).gid, 2);
}

TEST_F(Named, APortIsFoundByItsWholeNameOnly) {
    Actor& actor = *make_actor();
    const Result<Port*> port = create_port(actor, false);
    ASSERT_TRUE(port.ok());
    EXPECT_GT(port.value()->li, 0u);
    const KnUniqueId name = port.value()->ui;
    EXPECT_EQ(kind_of(name), NameKind::port);
    EXPECT_EQ(find_port(name), port.value());
    for (unsigned bit = 0; bit < 64; ++bit) {
        EXPECT_EQ(find_port({name.uiHead ^ (u64{1} << bit), name.uiTail}), nullptr) << bit;
        EXPECT_EQ(find_port({name.uiHead, name.uiTail ^ (u64{1} << bit)}), nullptr) << bit;
    }
}

TEST_F(Named, TheClearedNameNamesNothing) { EXPECT_EQ(find_port({0, 0}), nullptr); }

TEST_F(Named, ADeletedPortIsNotFoundAndItsNumberIsFreeAgain) {
    Actor& actor = *make_actor();
    const KnUniqueId name = create_port(actor, false).value()->ui;
    const int li = static_cast<int>(find_port(name)->li);
    Port* port{};
    ASSERT_TRUE(begin_port_deletion(actor, li, port));
    EXPECT_EQ(find_port(name), nullptr);
    EXPECT_FALSE(remove_port(actor, li)) << "deleted twice";
    free_port(*port);
    const Result<Port*> next = create_port(actor, false);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(static_cast<int>(next.value()->li), li);
    EXPECT_EQ(find_port(name), nullptr) << "a stale name";
    EXPECT_EQ(find_port(next.value()->ui), next.value());
}

TEST_F(Named, NamesAreNeverUsedTwice) {
    Actor& actor = *make_actor();
    std::set<u64> tails;
    for (int i = 0; i < 10'000; ++i) {
        const Result<Port*> port = create_port(actor, false);
        ASSERT_TRUE(port.ok());
        EXPECT_TRUE(tails.insert(port.value()->ui.uiTail).second);
        ASSERT_TRUE(remove_port(actor, static_cast<int>(port.value()->li)));
    }
}

TEST_F(Named, AnActorsTableOfPortsFills) {
    Actor& actor = *make_actor();
    std::set<int> numbers{K_DEFAULTPORT};
    for (unsigned i = 1; i < Actor::port_limit; ++i) {
        const Result<Port*> port = create_port(actor, false);
        ASSERT_TRUE(port.ok());
        EXPECT_TRUE(numbers.insert(static_cast<int>(port.value()->li)).second);
    }
    EXPECT_EQ(create_port(actor, false).status(), Status::full);
    ASSERT_TRUE(remove_port(actor, 100));
    const Result<Port*> port = create_port(actor, false);
    ASSERT_TRUE(port.ok());
    EXPECT_EQ(static_cast<int>(port.value()->li), 100);
}

TEST_F(Named, TheTableOfNamesFills) {
    std::vector<KnUniqueId> names;
    while (live_ports() < port_buckets) {
        Actor* const actor = make_actor();
        ASSERT_NE(actor, nullptr);
        while (live_ports() < port_buckets) {
            const Result<Port*> port = create_port(*actor, false);
            if (!port.ok()) break;
            names.push_back(port.value()->ui);
        }
    }
    std::set<const Port*> found;
    for (const KnUniqueId& name : names) {
        const Port* const port = find_port(name);
        ASSERT_NE(port, nullptr);
        EXPECT_TRUE(found.insert(port).second);
    }
    const unsigned actors_now = live_actors();
    EXPECT_EQ(create_actor("late", K_USERACTOR, {}).status(), Status::full);
    EXPECT_EQ(live_actors(), actors_now);
    ASSERT_TRUE(remove_port(*actors.front(), 5));
    EXPECT_EQ(static_cast<int>(create_port(*actors.front(), false).value()->li), 5);
}

TEST_F(Named, ADyingActorGetsNoPort) {
    Actor& actor = *make_actor();
    ASSERT_TRUE(begin_actor_deletion(actor, actor));
    EXPECT_EQ(create_port(actor, false).status(), Status::unknown);
    EXPECT_FALSE(begin_actor_deletion(actor, actor)) << "deleted twice";
    EXPECT_TRUE(remove_port(actor, K_DEFAULTPORT));
    while (!actor.space.destroy_step()) {
    }
    free_actor(actor);
    actors.clear();
}

TEST_F(Named, TwoActorsNeverDeleteEachOther) {
    Actor& first = *make_actor();
    Actor& second = *make_actor();
    ASSERT_TRUE(begin_actor_deletion(first, second));
    EXPECT_FALSE(begin_actor_deletion(second, first));
    EXPECT_TRUE(remove_port(second, K_DEFAULTPORT));
    while (!second.space.destroy_step()) {
    }
    free_actor(second);
    actors.pop_back();
}

TEST_F(Named, ACapabilityNeedsNameAndKey) {
    const Actor* const actor = make_actor();
    KnCap capability = actor->capability;
    EXPECT_EQ(find_actor(capability).value(), actor);
    ++capability.key;
    EXPECT_EQ(find_actor(capability).status(), Status::invalid);
    --capability.key;
    ++capability.ui.uiTail;
    EXPECT_EQ(find_actor(capability).status(), Status::unknown);
    EXPECT_EQ(find_actor({actor->default_port->ui, 0}).status(), Status::invalid) << "the name of a port";
    EXPECT_EQ(find_actor({}).status(), Status::invalid);
}

TEST_F(Named, ADeletedActorIsNotFoundAndItsPlaceIsUsedAgain) {
    const KnCap old = make_actor()->capability;
    remove_last();
    EXPECT_EQ(find_actor(old).status(), Status::unknown);
    for (int i = 0; i < 2000; ++i) { // once round the table
        ASSERT_NE(make_actor(), nullptr);
        EXPECT_FALSE(find_actor(old).ok());
        remove_last();
    }
}

TEST_F(Named, LongNamesAreCut) {
    const Actor* const actor = make_actor(std::string(200, 'x'));
    EXPECT_EQ(std::string{actor->name}, std::string(K_ACTORNAMEMAX - 1, 'x'));
}

TEST_F(Named, AFailedAllocationLeavesNothingBehind) {
    make_actor(); // the slabs are there from now on
    remove_last();
    u64 failures = 0;
    for (u64 n = 1;; ++n) {
        fail_allocation_after(n);
        const Result<Actor*> actor = create_actor("unlucky", K_USERACTOR, {});
        fail_allocation_after(0);
        if (actor.ok()) {
            actors.push_back(actor.value());
            break;
        }
        ++failures;
        EXPECT_EQ(actor.status(), Status::no_memory);
        EXPECT_EQ(live_actors(), actors_before);
        EXPECT_EQ(live_ports(), ports_before);
        ASSERT_LT(n, 100u);
    }
    EXPECT_GE(failures, 1u);
}

// From before the grace period on: a server that still points there must not take the number of the port
// after it for one of its own actor's.
TEST_F(Named, APortThatIsBeingDeletedIsNobodys) {
    Actor* const actor = make_actor();
    ASSERT_NE(actor, nullptr);
    const Result<Port*> made = create_port(*actor, false);
    ASSERT_TRUE(made.ok());
    Port& port = *made.value();
    const KnUniqueId name = port.ui;
    EXPECT_EQ(port.actor.load(), actor);
    const u64 life = life_of(port);
    EXPECT_EQ(find_port(name), &port);
    EXPECT_TRUE(still_lives(port, life));
    Port* found{};
    ASSERT_TRUE(begin_port_deletion(*actor, static_cast<int>(port.li), found));
    EXPECT_EQ(found, &port);
    EXPECT_EQ(port.actor.load(), nullptr);
    EXPECT_EQ(port.li.load(), deleted_port_li);
    EXPECT_FALSE(still_lives(port, life));
    free_port(port);
    EXPECT_FALSE(still_lives(port, life));
    EXPECT_FALSE(still_lives(port, 0));
}

// A name that nobody was told of may be looked up all the same, and the thread sanitizer sees when it is
// taken back without a grace period: the port of an actor that has no room for it.
TEST_F(Named, NoNameIsTakenBackWhileOthersLook) {
    Actor* const actor = make_actor();
    ASSERT_NE(actor, nullptr);
    u64 last = 0; // bucket; the next name's is behind it
    for (Result<Port*> made = create_port(*actor, false); made.ok(); made = create_port(*actor, false))
        last = bucket_of(made.value()->ui.uiHead);
    const unsigned before = live_ports();
    std::atomic<unsigned> looks{0};
    unsigned found = 0;
    std::thread looker{[&] {
        test::become_cpu(1);
        do {
            const u64 bucket = (last + 1) % port_buckets;
            if (find_port({.uiHead = bucket << (64 - name_bucket_bits), .uiTail = 1}) != nullptr) ++found;
            // release: nobody acquires it; the sanitizer only remembers accesses between two releases once
        } while (looks.fetch_add(1, std::memory_order_release) < 300'000);
    }};
    // relaxed: no order between the two
    while (looks.load(std::memory_order_relaxed) < 300'000)
        EXPECT_EQ(create_port(*actor, false).status(), Status::full);
    looker.join();
    EXPECT_EQ(found, 0u);
    EXPECT_EQ(live_ports(), before);
}

TEST_F(Named, ManyCpusCreateAndDeleteAtOnce) {
    constexpr unsigned cpus = 4;
    for (unsigned i = 0; i < cpus; ++i) ASSERT_NE(make_actor(), nullptr);
    std::vector<std::thread> threads;
    std::atomic<unsigned> wrong{0};
    for (CpuIndex index = 0; index < cpus; ++index) {
        threads.emplace_back([&, index] {
            test::become_cpu(index);
            Actor& actor = *actors[index];
            for (int round = 0; round < 3000; ++round) {
                const Result<Port*> port = create_port(actor, false);
                if (!port.ok()) {
                    ++wrong;
                    continue;
                }
                const KnUniqueId name = port.value()->ui;
                if (find_port(name) != port.value()) ++wrong;
                if (!remove_port(actor, static_cast<int>(port.value()->li))) ++wrong;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0u);
}

} // namespace
} // namespace chorale
