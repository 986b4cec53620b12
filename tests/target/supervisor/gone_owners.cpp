// Actors that go while the thread that deletes them is still to come back to their code: it never does.
#include "../settled.hpp"
#include "groups.hpp"

#include <chorus.h>

namespace chorale::test {

namespace {

VmAddr address(const void* object) { return reinterpret_cast<VmAddr>(object); }

void fault() { *reinterpret_cast<volatile char*>(VmAddr{0x10}) = 1; }

// An actor whose code is this one's, and so stays: what runs of it after its end is noticed.
struct Owner {
    KnCap actor{};
    bool good = actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE) == K_OK;

    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() { static_cast<void>(actorDelete(&actor)); }
    bool gone() const { return actorName(&actor, nullptr, nullptr) == K_EUNKNOWN; }
    bool offer(KnLapHdl handler, unsigned options, KnLapDesc& lap) const {
        return svLapCreate(&actor, handler, nullptr, options, &lap) == K_OK;
    }
};

const KnCap* victim;
KnLapDesc inner, middle;
unsigned entered, came_back, finished;
int outcome;

void start(const KnCap& actor) {
    victim = &actor;
    entered = came_back = finished = 0;
    outcome = 1;
}

void invoke_inner(void*, void*) {
    ++entered;
    static_cast<void>(lapInvoke(&inner, nullptr));
    ++came_back;
}

void invoke_middle(void*, void*) {
    ++entered;
    static_cast<void>(lapInvoke(&middle, nullptr));
    ++came_back;
}

void delete_victim(void*, void*) {
    outcome = actorDelete(victim);
    ++finished;
}

void fault_inside(void*, void*) { fault(); }

// From one owner to another, which deletes the first: that one's invocation fails, the other's ends.
void deleted_by_callee(Report& report) {
    for (unsigned options = 0; options < 4; ++options) {
        Owner first, second;
        KnLapDesc outer{};
        REQUIRE(first.good && second.good);
        start(first.actor);
        REQUIRE(first.offer(invoke_inner, options | K_LAP_SETJMP, outer));
        REQUIRE(second.offer(delete_victim, options, inner));
        CHECK_EQ(lapInvoke(&outer, nullptr), K_EFAIL);
        CHECK_EQ(outcome, K_OK);
        CHECK(first.gone() && !second.gone());
        CHECK_EQ(entered * 100 + finished * 10 + came_back, 110);
    }
}

// Owner, itself again, another one, owner: the two invocations that are left fail one after the other.
void deleted_below_itself(Report& report) {
    for (unsigned options = 0; options < 4; ++options) {
        Owner first, second;
        KnLapDesc outer{};
        REQUIRE(first.good && second.good);
        start(first.actor);
        REQUIRE(first.offer(invoke_middle, K_LAP_SAFE, outer));
        REQUIRE(first.offer(invoke_inner, options, middle));
        REQUIRE(second.offer(delete_victim, options, inner));
        CHECK_EQ(lapInvoke(&outer, nullptr), K_EFAIL);
        CHECK_EQ(outcome, K_OK);
        CHECK(first.gone() && !second.gone());
        CHECK_EQ(entered * 100 + finished * 10 + came_back, 210);
    }
}

// The innermost of three faults: one report, and nothing of the owner runs again.
void fault_below_itself(Report& report) {
    Owner owner;
    KnLapDesc outer{};
    REQUIRE(owner.good);
    start(owner.actor);
    REQUIRE(owner.offer(invoke_middle, K_LAP_SAFE, outer));
    REQUIRE(owner.offer(invoke_inner, K_LAP_SAFE, middle));
    REQUIRE(owner.offer(fault_inside, K_LAP_SAFE, inner));
    CHECK_EQ(lapInvoke(&outer, nullptr), K_EFAIL);
    CHECK(owner.gone());
    CHECK_EQ(entered * 10 + came_back, 20);
}

KnUniqueId own_port;
constexpr unsigned long deepest = 15;

int call_word(unsigned long word) {
    const KnMsgDesc request{0, sizeof word, address(&word), 0, 0};
    KnMsgDesc reply{0, sizeof word, address(&word), 0, 0};
    const KnIpcDest destination{own_port, {}};
    return ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1);
}

// Calls its own port so often, and faults, or has its actor deleted.
void call_itself(KnMsgDesc* message, void* deletes) {
    const unsigned long depth = *reinterpret_cast<const unsigned long*>(message->bodyAddr);
    ++entered;
    if (depth < deepest) {
        static_cast<void>(call_word(depth + 1));
    } else if (deletes != nullptr) {
        static_cast<void>(lapInvoke(&inner, nullptr));
    } else {
        fault();
    }
    ++came_back;
}

void ended_in_nested_handlers(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (unsigned round = 0; round < 2; ++round) {
        Owner owner, other;
        REQUIRE(owner.good && other.good);
        start(owner.actor);
        REQUIRE(other.offer(delete_victim, K_LAP_SAFE, inner));
        const int li = portCreate(&owner.actor, &own_port);
        REQUIRE(li > 0);
        REQUIRE_EQ(svMsgHandler(&owner.actor, li, call_itself, 0, round == 0 ? nullptr : &inner), K_OK);
        CHECK_EQ(call_word(1), K_ECRASH);
        CHECK(owner.gone() && !other.gone());
        CHECK_EQ(entered, deepest);
        CHECK_EQ(came_back, 0);
        CHECK_EQ(outcome, round == 0 ? 1 : K_OK);
        CHECK_EQ(call_word(1), K_EUNKNOWN);
    }
    check_same_objects(report, before, settled_statistics());
}

constexpr Case all[] = {
    {"deleted_by_callee", deleted_by_callee},
    {"deleted_below_itself", deleted_below_itself},
    {"fault_below_itself", fault_below_itself},
    {"ended_in_nested_handlers", ended_in_nested_handlers},
};

} // namespace

const std::span<const Case> gone_owner_cases{all};

} // namespace chorale::test
