// svActorEndNotice: a message when an actor is gone, whoever has deleted it.
#include "../settled.hpp"
#include "groups.hpp"

#include <chorus.h>

namespace chorale::test {

namespace {

[[noreturn]] void delete_itself() {
    for (;;) {
        actorDelete(K_MYACTOR);
    }
}

[[noreturn]] void fault() {
    *reinterpret_cast<volatile char*>(VmAddr{8}) = 0;
    delete_itself();
}

// While there is one, the request for the case is put aside, which a message that comes would replace.
class NoticePort {
  public:
    NoticePort() = default;
    NoticePort(const NoticePort&) = delete;
    NoticePort& operator=(const NoticePort&) = delete;
    ~NoticePort() {
        if (li > 0) portDelete(K_MYACTOR, li);
        if (saved_ > 0) ipcRestore(saved_);
    }

    KnUniqueId name{};
    int li{portCreate(K_MYACTOR, &name)};

  private:
    int saved_{ipcSave(K_NONEPORT)};
};

// Whether the next message there says so.
bool told(const NoticePort& port, const KnCap& actor, uint64_t cookie) {
    KnEndNotice notice{};
    KnMsgDesc message{0, sizeof notice, reinterpret_cast<VmAddr>(&notice), 0, 0};
    int li = port.li;
    const int size = ipcReceive(&message, &li, 5000);
    return size == sizeof notice && notice.enActor.ui.uiHead == actor.ui.uiHead &&
           notice.enActor.ui.uiTail == actor.ui.uiTail && notice.enActor.key == actor.key &&
           notice.enCookie == cookie;
}

bool silent(const NoticePort& port) {
    KnEndNotice notice{};
    KnMsgDesc message{0, sizeof notice, reinterpret_cast<VmAddr>(&notice), 0, 0};
    int li = port.li;
    return ipcReceive(&message, &li, 0) == K_ETIMEOUT;
}

int start_thread(const KnCap& actor, void (*entry)(), unsigned cpu) {
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                     reinterpret_cast<KnPc>(entry)};
    const KnFifoThParms schedule{K_SCHED_FIFO, 150};
    KnThreadLid thread = 0;
    int result = threadCreate(&actor, &thread, K_INACTIVE, &schedule, &start);
    if (result == K_OK) result = threadBind(&actor, thread, cpu, nullptr, K_NONEXCLUSIVE);
    return result == K_OK ? threadActivate(&actor, thread) : result;
}

// By another, by itself, by a fault; on each CPU; what it had has been given back when the message comes.
void ends_are_told(Report& report) {
    const NoticePort port;
    REQUIRE(port.li > 0);
    const unsigned cpus = running_cpus();
    uint64_t cookie = 1;
    for (unsigned round = 0; round < 2; ++round) {
        for (unsigned cpu = 0; cpu < cpus; ++cpu) {
            for (void (*const entry)() :
                 {static_cast<void (*)()>(nullptr), +[] { delete_itself(); }, +[] { fault(); }}) {
                KnCap actor{};
                REQUIRE_EQ(
                    actorCreate(K_MYACTOR, &actor, entry == nullptr ? K_USERACTOR : K_SUPACTOR, K_ACTIVE),
                    K_OK);
                KnSysStatistics before{}, after{};
                CHECK_EQ(sysStatistics(&before), K_OK);
                CHECK_EQ(svActorEndNotice(&actor, &port.name, ++cookie), K_OK);
                CHECK(silent(port));
                const int ended = entry == nullptr ? actorDelete(&actor) : start_thread(actor, entry, cpu);
                CHECK_EQ(ended, K_OK);
                CHECK(told(port, actor, cookie));
                CHECK_EQ(sysStatistics(&after), K_OK);
                CHECK_EQ(after.actors, before.actors - 1);
                CHECK_EQ(after.threads, before.threads);
                CHECK_EQ(after.ports, before.ports - 1);
                CHECK_EQ(actorName(&actor, nullptr, nullptr), K_EUNKNOWN);
                CHECK(silent(port));
            }
        }
    }
}

void notices_are_cancelled(Report& report) {
    const Counted counted{report};
    const NoticePort port;
    REQUIRE(port.li > 0);
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, nullptr, 0), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 1), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 2), K_EBUSY);
    CHECK_EQ(svActorEndNotice(&actor, nullptr, 0), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 3), K_OK);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK(told(port, actor, 3));
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 4), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, nullptr, 0), K_OK);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK(silent(port));
}

// A port that is gone, or goes, is told nothing, and its notice makes room for another.
void ports_that_go(Report& report) {
    const Counted counted{report};
    KnCap actor{}, other{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    KnUniqueId gone{};
    {
        const NoticePort port;
        REQUIRE(port.li > 0);
        gone = port.name;
        CHECK_EQ(svActorEndNotice(&actor, &port.name, 1), K_OK);
        CHECK_EQ(svActorEndNotice(&other, &port.name, 2), K_OK);
    }
    CHECK_EQ(actorDelete(&other), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &gone, 1), K_EUNKNOWN);
    const NoticePort port;
    REQUIRE(port.li > 0);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 3), K_OK);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK(told(port, actor, 3));
    CHECK(silent(port));
}

void wrong_arguments(Report& report) {
    const NoticePort port;
    REQUIRE(port.li > 0);
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    KnCap wrong = actor;
    wrong.key ^= 1;
    CHECK(svActorEndNotice(&wrong, &port.name, 1) < 0);
    KnUniqueId nobody = port.name;
    nobody.uiTail ^= 1;
    CHECK_EQ(svActorEndNotice(&actor, &nobody, 1), K_EUNKNOWN);
    CHECK_EQ(svActorEndNotice(&actor, reinterpret_cast<const KnUniqueId*>(VmAddr{8}), 1), K_EFAULT);
    CHECK_EQ(svActorEndNotice(reinterpret_cast<const KnCap*>(VmAddr{8}), &port.name, 1), K_EFAULT);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK_EQ(svActorEndNotice(&actor, &port.name, 1), K_EUNKNOWN);
    CHECK_EQ(svActorEndNotice(&actor, nullptr, 1), K_EUNKNOWN);
    CHECK(silent(port));
}

constexpr Case all[] = {{"ends_are_told", ends_are_told},
                        {"notices_are_cancelled", notices_are_cancelled},
                        {"ports_that_go", ports_that_go},
                        {"end_notice_arguments", wrong_arguments}};

} // namespace

const std::span<const Case> end_notice_cases{all};

} // namespace chorale::test
