// Supervisor actors made by a supervisor actor: the code is this image's, as all of them share one space.
#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

#include <atomic>

namespace chorale::test {

namespace {

std::atomic<unsigned> arrived;

[[noreturn]] void spin() {
    ++arrived;
    for (;;) {
    }
}

[[noreturn]] void sleep() {
    ++arrived;
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

[[noreturn]] void write_to_text() {
    *reinterpret_cast<volatile char*>(reinterpret_cast<VmAddr>(&spin)) = 0;
    spin();
}

[[noreturn]] void read_user_memory() {
    static_cast<void>(*reinterpret_cast<volatile char*>(VmAddr{0x400000}));
    spin();
}

[[noreturn]] void jump_to_data() {
    static char data[16];
    reinterpret_cast<void (*)()>(reinterpret_cast<VmAddr>(data))();
    spin();
}

void return_from_entry() {}

[[gnu::noinline]] unsigned long overflow(unsigned long depth) {
    volatile unsigned long words[64];
    words[depth % 64] = depth;
    return depth == ~0UL ? 0 : overflow(depth + 1) + words[(depth + 1) % 64];
}

[[noreturn]] void exhaust_stack() {
    static_cast<void>(overflow(0));
    spin();
}

// A supervisor actor with a thread at `entry`.
int start_actor(KnCap& actor, void (*entry)(), long cpu = -1) {
    int error = actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE);
    if (error < 0) {
        return error;
    }
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                     reinterpret_cast<KnPc>(entry)};
    const KnFifoThParms schedule{K_SCHED_FIFO, 150};
    KnThreadLid thread = 0;
    error = threadCreate(&actor, &thread, K_INACTIVE, &schedule, &start);
    if (error == K_OK && cpu >= 0) {
        error = threadBind(&actor, thread, static_cast<KnCpuId>(cpu), nullptr, K_NONEXCLUSIVE);
    }
    return error < 0 ? error : threadActivate(&actor, thread);
}

bool gone(const KnCap& actor) {
    return eventually([&] { return actorName(&actor, nullptr, nullptr) == K_EUNKNOWN; });
}

// A fault ends its actor, and nobody else.
void faults(Report& report) {
    for (void (*const entry)() :
         {+[] { write_to_text(); }, +[] { read_user_memory(); }, +[] { jump_to_data(); },
          +[] { return_from_entry(); }, +[] { exhaust_stack(); }}) {
        KnCap actor{};
        REQUIRE_EQ(start_actor(actor, entry), K_OK);
        CHECK(gone(actor));
    }
}

// Whatever its threads do, on whichever CPU: nothing of the actor is left.
void deletion(Report& report) {
    KnSysStatistics before{}, after{};
    const unsigned cpus = running_cpus();
    for (unsigned round = 0; round < 6; ++round) {
        if (round == 1) {
            before = settled_statistics();
        }
        arrived = 0;
        KnCap spinner{}, sleeper{};
        // In this order: there may be one CPU, and who spins does not give it up.
        REQUIRE_EQ(start_actor(sleeper, +[] { sleep(); }, round % cpus), K_OK);
        CHECK(eventually([] { return arrived.load() == 1; }));
        REQUIRE_EQ(start_actor(spinner, +[] { spin(); }, (round + 1) % cpus), K_OK);
        CHECK(eventually([] { return arrived.load() == 2; }));
        CHECK_EQ(actorDelete(&spinner), K_OK);
        CHECK_EQ(actorDelete(&sleeper), K_OK);
        CHECK_EQ(actorDelete(&spinner), K_EUNKNOWN);
    }
    after = settled_statistics();
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.ports, before.ports);
    CHECK(after.freePages + 64 >= before.freePages);
}

void start_errors(Report& report) {
    KnCap supervisor{}, user{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &supervisor, K_SUPACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    KnThreadLid thread = 0;
    const KnPc entry = reinterpret_cast<KnPc>(&spin);
    KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE, 0x500000, 0x400000};
    CHECK_EQ(threadCreate(&supervisor, &thread, K_INACTIVE, nullptr, &start), K_EINVAL);
    CHECK_EQ(threadCreate(&user, &thread, K_INACTIVE, nullptr, &start), K_OK);
    start = {K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0, entry};
    CHECK_EQ(threadCreate(&user, &thread, K_INACTIVE, nullptr, &start), K_EINVAL);
    CHECK_EQ(threadCreate(&supervisor, &thread, K_INACTIVE, nullptr, &start), K_OK);
    start.dsEntry = 0x400000;
    CHECK_EQ(threadCreate(&supervisor, &thread, K_INACTIVE, nullptr, &start), K_EINVAL);
    CHECK_EQ(actorDelete(&supervisor), K_OK);
    CHECK_EQ(actorDelete(&user), K_OK);
}

unsigned destroyed;
void* last_destroyed;
int wait_of_destructor;
KnCap self_of_destructor;

void destroy(void* value) {
    ++destroyed;
    last_destroyed = value;
    const KnTimeVal wait{0, 1'000'000};
    wait_of_destructor = threadDelay(&wait);
    actorSelf(&self_of_destructor);
}

// The destructor of a key runs when an actor with a value has ended, in the key's actor, on the thread that
// deletes the other one.
void values_destroyed(Report& report) {
    PdKey key = 0, plain = 0;
    KnCap user{}, own{};
    int value = 0;
    destroyed = 0;
    REQUIRE_EQ(actorSelf(&own), K_OK);
    REQUIRE_EQ(padKeyCreate(&key, destroy), 0);
    REQUIRE_EQ(padKeyCreate(&plain, nullptr), 0);
    for (unsigned round = 1; round <= 2; ++round) {
        REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
        CHECK_EQ(padSet(&user, key, &value), 0);
        CHECK_EQ(padSet(&user, plain, &value), 0);
        CHECK_EQ(actorDelete(&user), K_OK);
        CHECK_EQ(destroyed, round);
        CHECK(last_destroyed == &value);
        CHECK_EQ(wait_of_destructor, K_ETIMEOUT);
        CHECK(self_of_destructor.ui.uiTail == own.ui.uiTail && self_of_destructor.key == own.key);
    }
    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(padSet(&user, key, nullptr), 0);
    CHECK_EQ(actorDelete(&user), K_OK);
    CHECK_EQ(destroyed, 2);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &user, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(padSet(&user, key, &value), 0);
    CHECK_EQ(padKeyDelete(key), 0);
    CHECK_EQ(padKeyDelete(plain), 0);
    CHECK_EQ(actorDelete(&user), K_OK);
    CHECK_EQ(destroyed, 2);
}

constexpr Case all[] = {{"faults", faults},
                        {"deletion", deletion},
                        {"start_errors", start_errors},
                        {"values_destroyed", values_destroyed}};

} // namespace

const std::span<const Case> actor_cases{all};

} // namespace chorale::test
