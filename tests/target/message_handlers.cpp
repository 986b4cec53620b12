// Suite message_handlers: user threads that send to a port which has a message handler, and notice nothing.
#include "check.hpp"
#include "helper.hpp"
#include "supervisor/message_handlers_shared.hpp"

#include <chorus.h>

#include <array>
#include <atomic>

namespace chorale::test {
namespace {

using Words = std::array<unsigned long, 8>;

KnUniqueId target;

Words order(HandledOrder what) { return {static_cast<unsigned long>(what)}; }

int call(const void* body, unsigned size, void* answer, unsigned room, int delay = -1, unsigned flags = 0) {
    const KnMsgDesc request{0, size, address_of(body), 0, 0};
    KnMsgDesc reply{flags, room, address_of(answer), 0, 0};
    const KnIpcDest destination{target, {}};
    return ipcCall(&request, K_DEFAULTPORT, &destination, &reply, delay);
}

long ask(HandledOrder what, int delay = -1) {
    const Words request = order(what);
    long answer = 0;
    const int size = call(request.data(), sizeof(request), &answer, sizeof(answer), delay);
    return size < 0 ? size : answer;
}

bool find(Report& report) {
    const int result = find_port(handled_port, target, patience);
    if (result < 0) {
        report.fail(__FILE_NAME__, __LINE__, handled_port, result, 0);
    }
    return result >= 0;
}

void by_registers(Report& report) {
    REQUIRE(find(report));
    for (unsigned i = 0; i < 100; ++i) {
        Words request = order(HandledOrder::echo), answer{};
        request[7] = i;
        REQUIRE_EQ(call(request.data(), sizeof(request), answer.data(), sizeof(answer)), sizeof(answer));
        REQUIRE(answer == request);
    }
    CHECK_EQ(call(nullptr, 0, nullptr, 0), 0);
    const KnMsgDesc nothing{};
    CHECK_EQ(svMsgHdlReply(&nothing), K_EPRIV);
    CHECK_EQ(svMsgHandler(K_MYACTOR, K_DEFAULTPORT, nullptr, 0, nullptr), K_EPRIV);
}

alignas(4096) std::array<unsigned char, K_CMSGSIZEMAX> body, answer_body;
std::array<unsigned char, K_CMSGANNEXSIZE> annex, answer_annex;

void large_bodies(Report& report) {
    REQUIRE(find(report));
    const KnSysStatistics before = settled_statistics();
    unsigned value = 1;
    for (unsigned size : {1U, 64U, 65U, 4096U, 8192U, 10'000U, 65'536U}) {
        for (unsigned i = 0; i < size; ++i) {
            body[i] = static_cast<unsigned char>(value += 7);
        }
        for (unsigned i = 0; i < 8; ++i) {
            body[i] = 0; // HandledOrder::echo
        }
        annex.fill(static_cast<unsigned char>(size % 251 + 1));
        for (const bool with_annex : {false, true}) {
            answer_body.fill(0);
            answer_annex.fill(0);
            const KnMsgDesc request{0, size, address_of(body.data()),
                                    with_annex ? address_of(annex.data()) : 0, 0};
            KnMsgDesc reply{0, sizeof(answer_body), address_of(answer_body.data()),
                            address_of(answer_annex.data()), 0};
            const KnIpcDest destination{target, {}};
            REQUIRE_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, with_annex ? 60'000 : -1),
                       size);
            unsigned wrong = 0;
            for (unsigned i = 0; i < size; ++i) {
                wrong += body[i] != answer_body[i] ? 1 : 0;
            }
            CHECK_EQ(wrong, 0);
            CHECK((answer_annex == annex) == with_annex);
        }
    }
    CHECK_EQ(settled_statistics().messages, before.messages);
}

void whose_thread(Report& report) {
    REQUIRE(find(report));
    KnCap own{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    for (KnEvtNum i = 0; i < 3; ++i) {
        const Words request = order(HandledOrder::tell);
        HandledTale tale{};
        REQUIRE_EQ(call(request.data(), sizeof(request), &tale, sizeof(tale)), sizeof(tale));
        CHECK_EQ(tale.thread, threadSelf());
        CHECK(tale.invoker.key == own.key && tale.self.key != own.key);
        CHECK_EQ(tale.flags & K_MSG_CALL, K_MSG_CALL);
        CHECK(tale.sequence != 0);
    }
    KnCap now{};
    CHECK_EQ(actorSelf(&now), K_OK);
    CHECK(now.key == own.key);
}

void sent(Report& report) {
    REQUIRE(find(report));
    const long before = ask(HandledOrder::counted);
    const Words request = order(HandledOrder::count);
    const KnMsgDesc message{0, sizeof(request), address_of(request.data()), 0, 0};
    const KnIpcDest destination{target, {}};
    for (unsigned i = 1; i <= 200; ++i) { // more than a queue holds
        REQUIRE_EQ(ipcSend(&message, K_DEFAULTPORT, &destination), K_OK);
        REQUIRE_EQ(ask(HandledOrder::counted), before + i);
    }
    CHECK_EQ(ask(HandledOrder::ignore), K_EFAIL);
    // The shortest and the longest that go in registers; more than that, and with an annex.
    alignas(Words) static char longest[4096];
    static const char some_annex[K_CMSGANNEXSIZE]{};
    __builtin_memcpy(longest, request.data(), sizeof(request));
    long count = ask(HandledOrder::counted);
    for (const unsigned size : {8U, 64U, 65U, 4096U}) {
        for (const VmAddr with : {VmAddr{0}, address_of(some_annex)}) {
            const KnMsgDesc one{0, size, address_of(longest), with, 0};
            CHECK_EQ(ipcSend(&one, K_DEFAULTPORT, &destination), K_OK);
            // What is kept with the nucleus has no first word for the handler to see: it counts nothing.
            count += size <= 64 ? 1 : 0;
            CHECK_EQ(ask(HandledOrder::counted), count);
        }
    }
    // To a group: one after the other, and others get theirs too.
    KnCap group{};
    KnUniqueId own{};
    const int li = portCreate(K_MYACTOR, &own);
    REQUIRE(li > 0);
    REQUIRE_EQ(grpAllocate(K_DYNAMIC, &group, 0), K_OK);
    CHECK_EQ(grpPortInsert(&group, &own), K_OK);
    CHECK_EQ(grpPortInsert(&group, &target), K_OK);
    const KnIpcDest all{group.ui, {}};
    count = ask(HandledOrder::counted);
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &all), K_OK);
    CHECK_EQ(ask(HandledOrder::counted), count + 1);
    KnMsgDesc received{};
    int port = li;
    CHECK_EQ(ipcReceive(&received, &port, 1000), sizeof(request));
    KnUniqueId any = group.ui;
    CHECK_EQ(ipcTarget(&any, K_FUNCMODE), K_OK);
    CHECK_EQ(grpPortRemove(&group, &own), K_OK);
    const KnIpcDest one{any, {}};
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &one), K_OK);
    CHECK_EQ(ask(HandledOrder::counted), count + 2);
    CHECK_EQ(grpPortRemove(&group, &target), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

std::atomic<long> slept;

void sleep_there(std::uintptr_t flags) {
    const Words request = order(HandledOrder::sleep);
    long answer = 0;
    const int size =
        call(request.data(), sizeof(request), &answer, sizeof(answer), -1, static_cast<unsigned>(flags));
    slept = size < 0 ? size : answer;
}

// As in a LAP: an abort ends the wait in the handler, the thread's end comes when it is home.
void aborted_and_deleted(Report& report) {
    REQUIRE(find(report));
    const KnSysStatistics before = settled_statistics();
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const unsigned flags : {0U, static_cast<unsigned>(K_ABORTABLE)}) {
            Helper aborted;
            slept = 1;
            REQUIRE(aborted.start(sleep_there, flags, higher_priority, cpu) > 0);
            CHECK(eventually([] { return ask(HandledOrder::sleepers) == 1; }));
            CHECK_EQ(threadAbort(K_MYACTOR, aborted.thread()), K_OK);
            CHECK(aborted.join());
            CHECK_EQ(slept, K_EABORT); // says the reply
            CHECK_EQ(ask(HandledOrder::sleepers), 0);
        }
        Helper deleted;
        slept = 1;
        REQUIRE(deleted.start(sleep_there, 0, higher_priority, cpu) > 0);
        CHECK(eventually([] { return ask(HandledOrder::sleepers) == 1; }));
        CHECK_EQ(threadDelete(K_MYACTOR, deleted.thread()), K_OK);
        CHECK(eventually([] { return ask(HandledOrder::sleepers) == 0; }));
        CHECK_EQ(slept, 1); // it never came back
    }
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.messages, before.messages);
}

KnUniqueId served;
int served_li;

// A server that has the handler call it while it serves somebody else; the request stays its current message.
void serve(std::uintptr_t) {
    for (unsigned round = 0; round < 2; ++round) {
        Words words{};
        KnMsgDesc message{0, sizeof(words), address_of(words.data()), 0, 0};
        int port = served_li;
        if (ipcReceive(&message, &port, -1) < 0) {
            return;
        }
        if (words[2] == 1) {
            words[3] = static_cast<unsigned long>(ask(HandledOrder::sleepers));
            KnMsgHead head{};
            words[4] = ipcSysInfo(&head) == K_OK && (head.flags[0] & K_MSG_CALL) != 0 ? 1 : 0;
        }
        const KnMsgDesc reply{0, sizeof(words), address_of(words.data()), 0, 0};
        static_cast<void>(ipcReply(&reply));
    }
}

void nested(Report& report) {
    REQUIRE(find(report));
    served_li = portCreate(K_MYACTOR, &served);
    REQUIRE(served_li > 0);
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper server;
        REQUIRE(server.start(serve, 0, higher_priority, cpu) > 0);
        // From the handler to the server.
        Words request = order(HandledOrder::call);
        request[1] = served.uiHead;
        request[2] = served.uiTail;
        long answer = 0;
        CHECK_EQ(call(request.data(), sizeof(request), &answer, sizeof(answer)), sizeof(answer));
        CHECK_EQ(answer, 7);
        // From the server, which has a current message, to the handler.
        Words words{0, 0, 1}, result{};
        const KnMsgDesc message{0, sizeof(words), address_of(words.data()), 0, 0};
        KnMsgDesc reply{0, sizeof(result), address_of(result.data()), 0, 0};
        const KnIpcDest destination{served, {}};
        CHECK_EQ(ipcCall(&message, K_DEFAULTPORT, &destination, &reply, -1), sizeof(result));
        CHECK_EQ(result[3], 0);
        CHECK_EQ(result[4], 1);
        CHECK(server.join());
    }
    CHECK_EQ(portDelete(K_MYACTOR, served_li), K_OK);
}

std::atomic<unsigned> rounds_done;

void call_often(std::uintptr_t) {
    for (unsigned i = 0; i < 300; ++i) {
        Words request = order(HandledOrder::echo), answer{};
        request[1] = i;
        const int size = call(request.data(), sizeof(request), answer.data(), sizeof(answer));
        rounds_done += size == static_cast<int>(sizeof(answer)) && answer == request ? 1 : 0;
    }
}

// Each on its own CPU, all at once.
void from_every_cpu(Report& report) {
    REQUIRE(find(report));
    rounds_done = 0;
    const unsigned threads = cpu_count() < 4 ? cpu_count() : 4;
    std::array<Helper, 4> helpers;
    for (KnCpuId cpu = 0; cpu < threads; ++cpu) {
        REQUIRE(helpers[cpu].start(call_often, 0, lower_priority, cpu) > 0);
    }
    for (KnCpuId cpu = 0; cpu < threads; ++cpu) {
        CHECK(helpers[cpu].join(60'000));
    }
    CHECK_EQ(rounds_done, 300 * threads);
}

constexpr Case cases[] = {
    {"by_registers", by_registers},
    {"large_bodies", large_bodies},
    {"whose_thread", whose_thread},
    {"sent", sent},
    {"aborted_and_deleted", aborted_and_deleted},
    {"nested", nested},
    {"from_every_cpu", from_every_cpu},
};

} // namespace

const Suite message_handlers_suite{"message_handlers", cases};

} // namespace chorale::test
