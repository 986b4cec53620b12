// Groups of ports where scenarios do not come: limits, whose port it is, and changes between two steps of a
// broadcast.
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/static_names.hpp"
#include "tests/machine/faults.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/standing.hpp"
#include "tests/machine/world.hpp"

#include <machine/timer.hpp>

namespace chorale::test {

namespace {

using namespace host;

[[nodiscard]] Task<KnCap> allocate_group(int options = K_DYNAMIC, int stamp = 0) {
    Local<KnCap> made;
    EXPECT_EQ(co_await attempt(Call::grpAllocate, options, made.at(), stamp), K_OK);
    co_return co_await made.get();
}

[[nodiscard]] Task<long> member(Call call, KnCap group, KnUniqueId port) {
    Local<KnCap> capability;
    Local<KnUniqueId> name;
    co_await capability.set(group);
    co_await name.set(port);
    co_return co_await attempt(call, capability.at(), name.at());
}

[[nodiscard]] Task<long> send(KnUniqueId to, u32 size = 8, KnUniqueId other = {}) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    Local<u64> body;
    co_await message.set({0, size, size <= 8 ? body.at().raw() : room.raw(), 0, 0});
    co_await destination.set({to, other});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

// How many messages wait there.
[[nodiscard]] u32 waiting(const KnUniqueId& port) {
    const Port* const found = find_port(port);
    return found == nullptr ? 0 : found->queued.load();
}

// By a program of another actor, half of a port's places; its own actor gets the others.
[[nodiscard]] Task<void> places_for_strangers(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), stranger = co_await stage->actor();
    KnUniqueId port{};
    EXPECT_GT(co_await Stage::port(actor, port), 0);
    const auto fill = [port](int expected) -> Task<void> {
        int inserted = 0;
        for (int i = 0; i < K_CPORTGROUPS; ++i) {
            const long result = co_await member(Call::grpPortInsert, co_await allocate_group(), port);
            EXPECT_EQ(result, inserted < expected ? K_OK : K_EFULL);
            inserted += result == K_OK ? 1 : 0;
        }
        EXPECT_EQ(inserted, expected);
    };
    co_await stage->play(stranger, [=](u64) { return fill(K_CPORTGROUPS / 2); }, {.stack = 1});
    co_await rest(5 * millisecond);
    co_await stage->play(actor, [=](u64) { return fill(K_CPORTGROUPS / 2); }, {.stack = 2});
    co_await stage->end();
}

// User actors have no part in groups of the system.
[[nodiscard]] Task<void> groups_of_the_system(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const KnCap group = co_await allocate_group(K_STATSYS, 9);
    KnUniqueId port{};
    EXPECT_GT(co_await Stage::port(actor, port), 0);
    EXPECT_EQ(co_await member(Call::grpPortInsert, group, port), K_OK);
    const auto try_it = [=]() -> Task<void> {
        Local<KnCap> made;
        Local<KnUniqueId> name;
        EXPECT_EQ(co_await attempt(Call::grpAllocate, K_STATSYS, made.at(), 9), K_EPRIV);
        EXPECT_EQ(co_await member(Call::grpPortInsert, group, port), K_EPRIV);
        EXPECT_EQ(co_await member(Call::grpPortRemove, group, port), K_EPRIV);
        co_await name.set({});
        EXPECT_EQ(co_await attempt(Call::portDeclare, 0, name.at()), K_EPRIV);
    };
    co_await stage->play(actor, [=](u64) { return try_it(); }, {.stack = 1});
    co_await stage->end();
}

[[nodiscard]] Task<void> a_full_group(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    const KnCap group = co_await allocate_group();
    KnUniqueId last{};
    for (int i = 0; i < K_CGROUPPORTS; ++i) {
        EXPECT_GT(co_await Stage::port(i < 200 ? actor : other, last), 0);
        EXPECT_EQ(co_await member(Call::grpPortInsert, group, last), K_OK);
    }
    KnUniqueId one_more{};
    EXPECT_GT(co_await Stage::port(other, one_more), 0);
    EXPECT_EQ(co_await member(Call::grpPortInsert, group, one_more), K_EFULL);
    EXPECT_EQ(co_await send(group.ui), K_OK);
    EXPECT_EQ(waiting(last), 1u);
    EXPECT_EQ(co_await member(Call::grpPortRemove, group, last), K_OK);
    EXPECT_EQ(co_await member(Call::grpPortInsert, group, one_more), K_OK);
    KnUniqueId functional = group.ui;
    EXPECT_EQ(ipcTarget(&functional, K_FUNCMODE), K_OK);
    for (int i = 0; i < K_CGROUPPORTS; ++i) EXPECT_EQ(co_await send(functional), K_OK);
    EXPECT_EQ(waiting(one_more), 1u);
    co_await stage->end();
}

// All members are where the coTarget is if that is here, and elsewhere if it is not.
[[nodiscard]] Task<void> places_of_members(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const KnCap group = co_await allocate_group(), empty = co_await allocate_group();
    KnUniqueId port{}, here{}, elsewhere{};
    EXPECT_GT(co_await Stage::port(actor, port), 0);
    EXPECT_EQ(co_await member(Call::grpPortInsert, group, port), K_OK);
    EXPECT_EQ(uiBuild(&here, K_UISITE, 1, 0), K_OK);
    EXPECT_EQ(uiBuild(&elsewhere, K_UISITE, 2, 0), K_OK);
    KnUniqueId with = group.ui, without = group.ui, no_actor = actor.ui;
    EXPECT_EQ(ipcTarget(&with, K_FUNCUMODE), K_OK);
    EXPECT_EQ(ipcTarget(&without, K_FUNCXMODE), K_OK);
    no_actor.uiTail += 1000;
    for (const KnUniqueId& known : {here, actor.ui, group.ui, port})
        EXPECT_EQ(co_await send(with, 8, known), K_OK);
    for (const KnUniqueId& unknown : {elsewhere, no_actor, empty.ui, KnUniqueId{}})
        EXPECT_EQ(co_await send(with, 8, unknown), K_EUNKNOWN);
    EXPECT_EQ(co_await send(without, 8, here), K_EUNKNOWN);
    EXPECT_EQ(co_await send(without, 8, port), K_EUNKNOWN); // there is no other member
    EXPECT_EQ(co_await send(without, 8, elsewhere), K_OK);
    EXPECT_EQ(waiting(port), 5u);
    co_await stage->end();
}

// Each member's server has a better priority than the sender, and the CPU at once.
[[nodiscard]] Task<void> a_broadcast_preempted(u64) {
    constexpr unsigned count = 5;
    const auto stage = std::make_shared<Stage>();
    const auto got = std::make_shared<std::vector<int>>(count);
    const KnCap actor = co_await stage->actor(), sender = co_await stage->actor();
    const KnCap group = co_await allocate_group();
    for (unsigned i = 0; i < count; ++i) {
        KnUniqueId port{};
        const long li = co_await Stage::port(actor, port);
        EXPECT_EQ(co_await member(Call::grpPortInsert, group, port), K_OK);
        const auto take = [got, li, i]() -> Task<void> {
            while ((co_await attempt(message_receive(static_cast<int>(li), 20))).size >= 0) ++(*got)[i];
        };
        co_await stage->play(actor, [=](u64) { return take(); }, {0, 90, i + 1});
    }
    co_await rest(100 * microsecond);
    const auto broadcast = [=]() -> Task<void> {
        EXPECT_EQ(co_await send(group.ui), K_OK);
        EXPECT_EQ(*got, std::vector<int>(count, 1));
    };
    co_await stage->play(sender, [=](u64) { return broadcast(); }, {0, 100, 1});
    co_await stage->end();
    EXPECT_EQ(*got, std::vector<int>(count, 1));
}

// As many groups of one hash as there may be: stamps are chosen, hashes are not.
[[nodiscard]] Task<void> too_many_groups(u64) {
    const auto stage = std::make_shared<Stage>();
    long result = K_OK;
    int stamp = 0;
    for (int actors = 0; result == K_OK && actors < 12; ++actors) {
        const KnCap actor = co_await stage->actor();
        for (int ports = 0; result == K_OK && ports < 250; ++ports) {
            KnUniqueId port{};
            EXPECT_GT(co_await Stage::port(actor, port), 0);
            for (int i = 0; result == K_OK && i < K_CPORTGROUPS; ++i)
                result =
                    co_await member(Call::grpPortInsert, co_await allocate_group(K_STATUSER, ++stamp), port);
        }
    }
    EXPECT_EQ(result, K_EFULL);
    EXPECT_GT(live_groups(), 2000u);
    co_await stage->end();
}

// ---- moments ---------------------------------------------------------------------------------------------

enum class Event : u8 { member_removed, port_deleted, actor_deleted, sender_deleted, all_removed };

// A long broadcast, in which better threads have their turns; something happens in the middle.
[[nodiscard]] Task<void> broadcast_meanwhile(Event event, u64 delay) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true), going = co_await stage->actor(true);
    const KnCap sender = co_await stage->actor(true);
    const KnCap group = co_await allocate_group();
    std::vector<KnUniqueId> names(8);
    std::vector<long> ports;
    for (unsigned i = 0; i < names.size(); ++i) {
        ports.push_back(co_await Stage::port(i % 2 == 0 ? actor : going, names[i]));
        EXPECT_EQ(co_await member(Call::grpPortInsert, group, names[i]), K_OK);
    }
    const auto result = std::make_shared<long>(K_EBUSY);
    const auto broadcast = [=]() -> Task<void> { *result = co_await send(group.ui, 6000); };
    co_await stage->serve(sender, [=](u64) { return broadcast(); }, {.cpu = 1, .stack = 1});
    for (const u64 begun = machine::now(); machine::now() < begun + delay;) co_await pause();
    Named owner;
    co_await owner.set(going);
    switch (event) {
    case Event::member_removed:
        EXPECT_EQ(co_await member(Call::grpPortRemove, group, names[5]), K_OK);
        break;
    case Event::port_deleted:
        EXPECT_EQ(co_await attempt(Call::portDelete, owner.at(), ports[5]), K_OK);
        break;
    case Event::actor_deleted:
        co_await remove_actor(going);
        break;
    case Event::sender_deleted:
        co_await remove_actor(sender);
        break;
    case Event::all_removed:
        for (const KnUniqueId& name : names)
            EXPECT_EQ(co_await member(Call::grpPortRemove, group, name), K_OK);
        break;
    }
    co_await rest(2 * millisecond);
    // Who was there all the time got one; the others one at most.
    for (unsigned i = 0; i < names.size(); ++i) {
        const bool stayed = event < Event::sender_deleted && i % 2 == 0;
        EXPECT_TRUE(waiting(names[i]) == 1 || (!stayed && waiting(names[i]) == 0)) << i;
    }
    if (event < Event::sender_deleted) EXPECT_EQ(*result, K_OK);
    co_await stage->end();
}

void at_all_moments(Event event) {
    play_clean(
        [=](u64) -> Task<void> {
            for (u64 delay = 0; delay < 6'000; delay += 500) co_await broadcast_meanwhile(event, delay);
        },
        1000);
}

} // namespace

TEST(Groups, places_for_strangers) { play_clean(places_for_strangers); }
TEST(Groups, of_the_system) { play_clean(groups_of_the_system); }
TEST(Groups, that_are_full) { play_clean(a_full_group, 5000); }
TEST(Groups, with_members_near_others) { play_clean(places_of_members); }
TEST(Groups, broadcasts_that_are_preempted) { play_clean(a_broadcast_preempted); }
TEST(Groups, too_many) { play_clean(too_many_groups, 50'000); }
TEST(Groups, lose_a_member_meanwhile) { at_all_moments(Event::member_removed); }
TEST(Groups, lose_a_port_meanwhile) { at_all_moments(Event::port_deleted); }
TEST(Groups, lose_an_actor_meanwhile) { at_all_moments(Event::actor_deleted); }
TEST(Groups, lose_the_sender_meanwhile) { at_all_moments(Event::sender_deleted); }
TEST(Groups, lose_all_meanwhile) { at_all_moments(Event::all_removed); }

TEST(Groups, that_are_broken_are_reported) {
    with_standing([](Standing& all) {
        const KnCap name = name_group(K_STATUSER, 1).value();
        ASSERT_EQ(join_group(name.ui, *all.waited, true), Status::ok);
        ASSERT_EQ(join_group(name.ui, *all.queued, true), Status::ok);
        ASSERT_TRUE(check_invariants(Depth::whole).empty());
        Group& group = *find_group(name.ui);
        broken(group.members, 1, 54, "counts 1 members and has 2");
        broken(group.last, nullptr, 54, "does not know its last member");
        broken(group.last->number, 0, 54, "out of order");
        broken(group.last->previous, nullptr, 54, "another's member");
        broken(group.last->port, &null_port(), 54, "is no port");
        broken(all.waited->memberships, nullptr, 54, "is in a group and does not know");
        broken(group.first, group.last, 54, "another's member");
        free_membership(*leave_group(name.ui, *all.waited));
        free_membership(*leave_group(name.ui, *all.queued));
        ASSERT_EQ(leave_group(name.ui, *all.queued), nullptr);
    });
}

// In the same memory, perhaps, and under the same name: another life.
TEST(StaticNames, that_come_back_are_of_another_port) {
    with_standing([](Standing& all) {
        std::vector<u64> lives;
        for (unsigned round = 0; round < 5; ++round) {
            KnUniqueId name;
            ASSERT_EQ(uiBuild(&name, K_UIPORT, 1, 500), K_OK);
            const Result<Port*> port = create_port(*all.actor, false, &name);
            ASSERT_TRUE(port.ok());
            EXPECT_EQ(find_port(name), port.value());
            EXPECT_EQ(create_port(*all.actor, false, &name).status(), Status::busy);
            for (const u64 life : lives) EXPECT_FALSE(still_lives(*port.value(), life));
            lives.push_back(life_of(*port.value()));
            EXPECT_TRUE(still_lives(*port.value(), lives.back()));
            Port* going{};
            ASSERT_TRUE(begin_port_deletion(*all.actor, static_cast<int>(port.value()->li.load()), going));
            EXPECT_EQ(find_port(name), nullptr);
            free_port(*going);
        }
    });
}

TEST(StaticNames, that_collide_are_found_all_the_same) {
    with_standing([](Standing& all) {
        std::vector<KnUniqueId> names(StaticNames::displaced_limit + 1);
        std::vector<Port*> ports;
        unsigned stamp = 0;
        for (KnUniqueId& name : names) {
            ASSERT_EQ(uiBuild(&name, K_UIPORT, 1, stamp << 12 | stamp), K_OK);
            const Result<Port*> made = create_port(*all.actor, false, &name);
            ASSERT_TRUE(made.ok()) << stamp;
            ports.push_back(made.value());
            ++stamp;
        }
        KnUniqueId one_more;
        ASSERT_EQ(uiBuild(&one_more, K_UIPORT, 1, stamp << 12 | stamp), K_OK);
        EXPECT_EQ(create_port(*all.actor, false, &one_more).status(), Status::full);
        EXPECT_EQ(find_port(one_more), nullptr);
        EXPECT_TRUE(check_invariants(Depth::whole).empty());
        // From the middle, from the ends, and the one in the table.
        for (const std::size_t which : {std::size_t{16}, std::size_t{32}, std::size_t{1}, std::size_t{0}}) {
            Port* going{};
            ASSERT_TRUE(begin_port_deletion(*all.actor, static_cast<int>(ports[which]->li.load()), going));
            free_port(*going);
            ports[which] = nullptr;
            for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(find_port(names[i]), ports[i]) << i;
        }
        for (Port* const port : ports) {
            Port* going{};
            if (port == nullptr) continue;
            ASSERT_TRUE(begin_port_deletion(*all.actor, static_cast<int>(port->li.load()), going));
            free_port(*going);
        }
    });
}

} // namespace chorale::test
