// Suite faults: a child actor does what no user program may do. It ends, and everybody else goes on.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

void every_fault(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (const Fault& fault : faults()) {
        Child child;
        REQUIRE_EQ(child.create(fault.name), K_OK);
        REQUIRE(child.start(fault.body, 0) > 0);
        if (!child.gone()) {
            report.fail(fault.name, 0, "actor ended", 0, 1);
        }
        // Its memory comes back behind its name: a small machine has none for all of them at once.
        constexpr std::uint64_t some_pages = 256; // that the nucleus keeps for the next
        CHECK(eventually([&] {
            return sysStatistics(&after) == K_OK && after.freePages + some_pages >= before.freePages;
        }));
    }
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.threads <= before.threads; }));
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.ports, before.ports);
}

// An instruction of which only the first half is there: it ends beyond the last page of its region.
void jump_to(std::uintptr_t address) { reinterpret_cast<void (*)()>(address)(); }

void instruction_across_end(Report& report) {
    constexpr VmSize page = 4096;
    const std::span<const unsigned char> half = half_an_instruction();
    Child child;
    REQUIRE_EQ(child.create("across end"), K_OK);
    KnRgnDesc code{0, page, K_EXECUTABLE | K_ANYWHERE, 0, nullptr, 0};
    REQUIRE_EQ(rgnAllocate(&child.capability(), &code), K_OK);
    const VmAddr at = code.startAddr + page - half.size();
    REQUIRE_EQ(vmCopy(K_MYACTOR, address_of(half.data()), &child.capability(), at, half.size(), 0), K_OK);
    REQUIRE(child.start(jump_to, at) > 0);
    CHECK(child.gone());
}

// The same on another CPU, with the other threads of the actor in all kinds of waits.
void wait_in_receive(std::uintptr_t) {
    KnMsgDesc message{};
    int port = K_DEFAULTPORT;
    ipcReceive(&message, &port, -1);
}

void wait_in_delay(std::uintptr_t) { threadDelay(K_NOTIMEOUT); }

void loop(std::uintptr_t) {
    for (volatile unsigned i = 0;; i = i + 1) {
    }
}

void fault_with_others(Report& report) {
    const KnCpuId other = cpu_count() - 1;
    for (unsigned round = 0; round < 5; ++round) {
        Child child;
        REQUIRE_EQ(child.create("crowd"), K_OK);
        REQUIRE(child.start(wait_in_receive, 0, lower_priority, 0) > 0);
        REQUIRE(child.start(wait_in_delay, 0, lower_priority, other) > 0);
        REQUIRE(child.start(loop, 0, lower_priority + 1, other) > 0);
        REQUIRE(child.start(loop, 0, lower_priority + 1, 0) > 0);
        sleep_milliseconds(2);
        REQUIRE(child.start(faults()[round].body, 0, lower_priority, other) > 0);
        CHECK(child.gone());
    }
}

// Takes its CPU for ever; a higher priority still gets it, and the actor can be deleted.
void endless_loop(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Child child;
        REQUIRE_EQ(child.create("loop"), K_OK);
        REQUIRE(child.start(loop, 0, lower_priority, cpu) > 0);
        sleep_milliseconds(5);
        CHECK_EQ(child.destroy(), K_OK);
        CHECK(child.gone());
    }
}

std::atomic<unsigned> oddities_survived;

void all_oddities(std::uintptr_t) {
    for (const Fault& oddity : oddities()) {
        oddity.body(0);
        oddities_survived.fetch_add(1);
    }
}

void every_oddity(Report& report) {
    oddities_survived = 0;
    Child child;
    REQUIRE_EQ(child.create("odd"), K_OK);
    REQUIRE(child.start(all_oddities, 0) > 0);
    unsigned survived = 0;
    const auto look = [&] {
        vmCopy(&child.capability(), address_of(&oddities_survived), K_MYACTOR, address_of(&survived),
               sizeof(survived), 0);
        return survived == oddities().size();
    };
    if (!eventually(look, 1000)) {
        report.fail(oddities()[survived].name, 0, "thread went on", 0, 1);
    }
}

// Reads of what is not its own, through the nucleus.
void other_actors_memory(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("victim"), K_OK);
    KnCap wrong = child.capability();
    wrong.key ^= 0x100;
    unsigned value = 0;
    CHECK(vmCopy(&wrong, address_of(&oddities_survived), K_MYACTOR, address_of(&value), sizeof(value), 0) <
          0);
    CHECK(rgnAllocate(&wrong, nullptr) < 0);
    CHECK(threadDelete(&wrong, 1) < 0);
}

std::atomic<int> privilege_results[2];

void try_privileged(std::uintptr_t) {
    const KnRebootDesc verdict{K_REBOOT_FAILURE};
    privilege_results[0] = sysReboot(&verdict);
    KnCap actor;
    privilege_results[1] = actorCreate(K_MYACTOR, &actor, K_SYSTEMACTOR, K_ACTIVE);
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

void user_actor_has_no_privilege(Report& report) {
    Child child;
    REQUIRE_EQ(child.create("plain user"), K_OK);
    REQUIRE(child.start(try_privileged, 0) > 0);
    int results[2] = {};
    CHECK(eventually([&] {
        vmCopy(&child.capability(), address_of(privilege_results), K_MYACTOR, address_of(results),
               sizeof(results), 0);
        return results[0] != 0 && results[1] != 0;
    }));
    CHECK_EQ(results[0], K_EPRIV);
    CHECK_EQ(results[1], K_EPRIV);
}

constexpr Case cases[] = {
    {"every_fault", every_fault},
    {"instruction_across_end", instruction_across_end},
    {"fault_with_others", fault_with_others},
    {"endless_loop", endless_loop},
    {"every_oddity", every_oddity},
    {"other_actors_memory", other_actors_memory},
    {"user_actor_has_no_privilege", user_actor_has_no_privilege},
};

} // namespace

const Suite faults_suite{"faults", cases};

} // namespace chorale::test
