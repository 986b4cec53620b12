// Suite ipc: what arrives of a message: bodies of all sizes, annexes, header, errors of sizes and addresses.
// The digests noted here are the same in every run, with the fast path on or off, on any number of CPUs.
#include "check.hpp"
#include "helper.hpp"
#include "peer.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr unsigned guard = 64;
constexpr unsigned char untouched = 0xee;
alignas(4096) unsigned char request_body[body_limit + 2 * guard];
alignas(4096) unsigned char reply_body[body_limit + 2 * guard];
unsigned char request_annex[K_CMSGANNEXSIZE], reply_annex[K_CMSGANNEXSIZE + 8];

class Digest {
  public:
    void add(std::uint64_t value) { value_ = (value_ ^ value) * 0x100000001b3U; }
    void add(const unsigned char* bytes, unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            add(bytes[i]);
        }
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_{0xcbf29ce484222325U};
};

struct Exchange {
    unsigned size;
    unsigned room;
    unsigned offset{}; // of both buffers from their alignment
    bool annex{};
    int delay{-1};
    int source{K_DEFAULTPORT};
};

// One call to the echo peer, checked byte by byte.
void exchange(Report& report, const KnIpcDest& destination, const Exchange& plan, Digest& digest) {
    unsigned char* sent = request_body + plan.offset;
    unsigned char* got = reply_body + guard + plan.offset;
    for (unsigned i = 0; i < plan.size; ++i) {
        sent[i] = pattern_byte(i + plan.size);
    }
    __builtin_memset(got - guard, untouched,
                     guard + (plan.room < plan.size ? plan.size : plan.room) + guard - plan.offset);
    for (unsigned i = 0; i < K_CMSGANNEXSIZE; ++i) {
        request_annex[i] = pattern_byte(i + 3 * plan.size);
    }
    __builtin_memset(reply_annex, untouched, sizeof(reply_annex));
    const KnMsgDesc request{0, plan.size, address_of(sent), plan.annex ? address_of(request_annex) : 0, 0};
    KnMsgDesc reply{0, plan.room, address_of(got), plan.annex ? address_of(reply_annex) : 0, 0};
    const int result = ipcCall(&request, plan.source, &destination, &reply, plan.delay);
    CHECK_EQ(result, plan.size);
    const unsigned kept = plan.room < plan.size ? plan.room : plan.size;
    unsigned wrong = 0;
    for (unsigned i = 0; i < kept; ++i) {
        wrong += got[i] != echo_byte(sent[i]) ? 1U : 0U;
    }
    CHECK_EQ(wrong, 0);
    for (unsigned i = 1; i <= guard - plan.offset; ++i) {
        wrong += got[-static_cast<int>(i)] != untouched ? 1U : 0U;
        wrong += got[kept + i - 1] != untouched ? 1U : 0U;
    }
    CHECK_EQ(wrong, 0);
    for (unsigned i = 0; plan.annex && i < K_CMSGANNEXSIZE; ++i) {
        wrong += reply_annex[i] != echo_byte(request_annex[i]) ? 1U : 0U;
    }
    CHECK(wrong == 0 && reply_annex[K_CMSGANNEXSIZE] == untouched);
    digest.add(static_cast<std::uint64_t>(static_cast<std::int64_t>(result)));
    digest.add(got, kept);
}

constexpr unsigned large_sizes[] = {65,   71,   72,   119,  120,   121,   1024,
                                    4095, 4096, 4097, 8192, 12345, 65535, 65536};

void all_sizes_to(Report& report, KnCpuId cpu) {
    Peers peers;
    REQUIRE_EQ(peers.start(cpu), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    Digest digest;
    for (unsigned size = 0; size <= 64; ++size) {
        for (const unsigned offset : {0U, 1U, 7U}) {
            exchange(report, echo, {size, size, offset}, digest);
            exchange(report, echo, {size, 64, offset}, digest);
        }
        exchange(report, echo, {.size = size, .room = size, .delay = 10000}, digest);
    }
    for (const unsigned size : large_sizes) {
        for (const unsigned offset : {0U, 3U}) {
            exchange(report, echo, {size, size, offset}, digest);
        }
    }
    report.note("digest", digest.value());
}

void sizes(Report& report) { all_sizes_to(report, 0); }

void sizes_other_cpu(Report& report) { all_sizes_to(report, cpu_count() - 1); }

std::atomic<bool> disturbing;

void disturb(std::uintptr_t) {
    const KnTimeVal pause{0, 20'000};
    while (disturbing) {
        threadDelay(&pause);
    }
}

// A better thread wakes up again and again, between two pieces of whatever is being copied.
void long_bodies_preempted(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    disturbing = true;
    Helper above;
    REQUIRE(above.start(disturb, 0, higher_priority) > 0);
    Digest digest;
    for (unsigned round = 0; round < 20; ++round) {
        exchange(report, peers.destination(PeerKind::echo), {65536, 65536, round % 4}, digest);
        exchange(report, peers.destination(PeerKind::echo), {65535, 65535, round % 4}, digest);
    }
    disturbing = false;
    CHECK(above.join());
    report.note("digest", digest.value());
}

void truncation(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    Digest digest;
    for (unsigned size = 0; size <= 64; ++size) {
        for (unsigned room = 0; room <= size; ++room) {
            exchange(report, echo, {size, room}, digest);
        }
    }
    for (const unsigned size : large_sizes) {
        for (const unsigned room : {0U, 1U, 63U, 64U, 65U, size - 1}) {
            exchange(report, echo, {size, room < size ? room : size}, digest);
        }
    }
    report.note("digest", digest.value());
}

void annexes(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    Digest digest;
    for (const unsigned size : {0U, 1U, 8U, 63U, 64U, 65U, 1024U, 65536U}) {
        exchange(report, echo, {.size = size, .room = size, .annex = true}, digest);
        exchange(report, echo, {.size = size, .room = size / 2, .annex = true}, digest);
        // An annex that the caller does not want.
        const KnMsgDesc request{0, size, address_of(request_body), address_of(request_annex), 0};
        KnMsgDesc reply{0, size, address_of(reply_body), 0, 0};
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &echo, &reply, -1), size);
        // Room for an annex that does not come.
        __builtin_memset(reply_annex, untouched, sizeof(reply_annex));
        const KnMsgDesc plain{0, size, address_of(request_body), 0, 0};
        reply.annexAddr = address_of(reply_annex);
        CHECK_EQ(ipcCall(&plain, K_DEFAULTPORT, &echo, &reply, -1), size);
        CHECK_EQ(reply_annex[0], untouched);
    }
    report.note("digest", digest.value());
}

// Request and reply of different sizes, each combination of small and large.
void unequal_sizes(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    for (const unsigned size : {4U, 64U, 65U, 5000U}) {
        for (const unsigned wanted : {0U, 1U, 8U, 63U, 64U, 65U, 100U, 4096U, 65536U}) {
            __builtin_memcpy(request_body, &wanted, sizeof(wanted));
            const KnMsgDesc request{0, size, address_of(request_body), 0, 0};
            KnMsgDesc reply{0, body_limit, address_of(reply_body), 0, 0};
            const int result =
                ipcCall(&request, K_DEFAULTPORT, &peers.destination(PeerKind::size), &reply, -1);
            CHECK_EQ(result, wanted);
            unsigned wrong = 0;
            for (unsigned i = 0; i < wanted; ++i) {
                wrong += reply_body[i] != pattern_byte(i) ? 1U : 0U;
            }
            CHECK_EQ(wrong, 0);
        }
    }
}

void too_big(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    for (const unsigned size : {body_limit + 1, body_limit * 2, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        const KnMsgDesc request{0, size, address_of(request_body), 0, 0};
        KnMsgDesc reply{0, 64, address_of(reply_body), 0, 0};
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &echo, &reply, -1), K_ETOOMUCH);
        CHECK_EQ(ipcSend(&request, K_DEFAULTPORT, &echo), K_ETOOMUCH);
    }
    Digest digest;
    exchange(report, echo, {100, 100}, digest);
}

void bad_addresses(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    for (const VmAddr bad :
         {VmAddr{1}, VmAddr{0x600000000000}, VmAddr{0xffffffff80000000}, ~VmAddr{0} - 50}) {
        KnMsgDesc reply{0, 64, address_of(reply_body), 0, 0};
        const KnMsgDesc large{0, 1000, bad, 0, 0};
        CHECK_EQ(ipcCall(&large, K_DEFAULTPORT, &echo, &reply, -1), K_EFAULT);
        const KnMsgDesc small{0, 16, bad, 0, 0};
        CHECK_EQ(ipcSendMessage(&small, K_DEFAULTPORT, &echo), K_EFAULT);
        CHECK_EQ(ipcSend(&large, K_DEFAULTPORT, &echo), K_EFAULT);
        const KnMsgDesc annexed{0, 16, address_of(request_body), bad, 0};
        CHECK_EQ(ipcCall(&annexed, K_DEFAULTPORT, &echo, &reply, -1), K_EFAULT);
        // A reply that cannot be stored.
        const KnMsgDesc good{0, 1000, address_of(request_body), 0, 0};
        KnMsgDesc lost{0, 1000, bad, 0, 0};
        CHECK_EQ(ipcCall(&good, K_DEFAULTPORT, &echo, &lost, -1), K_EFAULT);
    }
    Digest digest;
    exchange(report, echo, {64, 64}, digest);
    exchange(report, echo, {1000, 1000}, digest);
}

void header(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& info = peers.destination(PeerKind::info);
    KnUniqueId own{}, second{};
    REQUIRE_EQ(portUi(&own, K_DEFAULTPORT), K_OK);
    const int li = portCreate(K_MYACTOR, &second);
    REQUIRE(li > 0);
    KnTransId last = 0;
    for (const unsigned size : {0U, 8U, 64U, 65U, 3000U}) {
        for (const int source : {K_DEFAULTPORT, li}) {
            const KnMsgDesc request{0, size, address_of(request_body),
                                    source == li ? address_of(request_annex) : 0, 0};
            KnMsgHead head{};
            KnMsgDesc reply{0, sizeof(head), address_of(&head), 0, 0};
            REQUIRE_EQ(ipcCall(&request, source, &info, &reply, -1), sizeof(head));
            CHECK_EQ(head.bodySize, size);
            CHECK(uiEqual(&head.srcPort, source == li ? &second : &own));
            CHECK(uiEqual(&head.target, &info.target));
            CHECK_EQ(head.flags[0], source == li ? K_MSG_CALL | K_MSG_ANNEX : K_MSG_CALL);
            CHECK(head.transId != 0 && head.transId != last);
            last = head.transId;
        }
    }
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

void source_ports(Report& report) {
    Peers peers;
    REQUIRE_EQ(peers.start(), K_OK);
    const KnIpcDest& echo = peers.destination(PeerKind::echo);
    KnUniqueId name{};
    const int li = portCreate(K_MYACTOR, &name);
    REQUIRE(li > 0);
    Digest digest;
    exchange(report, echo, {.size = 8, .room = 8, .source = li}, digest);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
    const KnMsgDesc request{0, 8, address_of(request_body), 0, 0};
    KnMsgDesc reply{0, 8, address_of(reply_body), 0, 0};
    for (const int bad : {li, -1, K_ANYENABLED, K_NONEPORT, 256, 100000}) {
        CHECK_EQ(ipcCall(&request, bad, &echo, &reply, -1), K_EINVAL);
        CHECK_EQ(ipcSend(&request, bad, &echo), K_EINVAL);
    }
}

// Bodies of all lengths, at all places in a word: what is sent and no byte more, with the port it is from.
void sent_in_registers(Report& report) {
    KnUniqueId name{}, from{};
    const int li = portCreate(K_MYACTOR, &name), source = portCreate(K_MYACTOR, &from);
    REQUIRE(li > 0 && source > 0);
    const KnIpcDest own{name, {}};
    alignas(8) unsigned char sent[80], got[80];
    for (unsigned i = 0; i < sizeof(sent); ++i) {
        sent[i] = static_cast<unsigned char>(i + 1);
    }
    for (unsigned size = 0; size <= 66; ++size) {
        const unsigned place = size % 8;
        const KnMsgDesc message{0, size, address_of(sent + place), 0, 0};
        REQUIRE_EQ(ipcSend(&message, size % 2 != 0 ? source : K_DEFAULTPORT, &own), K_OK);
        __builtin_memset(got, 0xee, sizeof(got));
        KnMsgDesc room{0, sizeof(got), address_of(got), 0, 0};
        int port = li;
        CHECK_EQ(ipcReceive(&room, &port, 0), size);
        CHECK_EQ(__builtin_memcmp(got, sent + place, size), 0);
        CHECK_EQ(got[size], 0xee);
        KnMsgHead head{};
        CHECK_EQ(ipcSysInfo(&head), K_OK);
        KnUniqueId expected = from;
        if (size % 2 == 0) {
            CHECK_EQ(portUi(&expected, K_DEFAULTPORT), K_OK);
        }
        CHECK_EQ(__builtin_memcmp(&head.srcPort, &expected, sizeof(expected)), 0);
        CHECK_EQ(head.bodySize, size);
        KnMsgDesc reply{0, 0, 0, 0, 0};
        CHECK_EQ(ipcReply(&reply), K_EINVAL); // it was no call
    }
    CHECK_EQ(portDelete(K_MYACTOR, source), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

void unknown_ports(Report& report) {
    const KnMsgDesc request{0, 8, address_of(request_body), 0, 0};
    KnMsgDesc reply{0, 8, address_of(reply_body), 0, 0};
    KnIpcDest destination{};
    for (unsigned i = 0; i < 200; ++i) {
        destination.target = {i * 0x123456789abcdefU, ~i * 0xfedcba9876543U};
        static_cast<void>(ipcTarget(&destination.target, K_FUNCMODE)); // of those that would be groups
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1), K_EUNKNOWN);
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, 10), K_EUNKNOWN);
        CHECK_EQ(ipcSend(&request, K_DEFAULTPORT, &destination), K_EUNKNOWN);
    }
}

constexpr Case cases[] = {
    {"long_bodies_preempted", long_bodies_preempted},
    {"sizes", sizes},
    {"sizes_other_cpu", sizes_other_cpu},
    {"truncation", truncation},
    {"annexes", annexes},
    {"unequal_sizes", unequal_sizes},
    {"too_big", too_big},
    {"bad_addresses", bad_addresses},
    {"header", header},
    {"source_ports", source_ports},
    {"sent_in_registers", sent_in_registers},
    {"unknown_ports", unknown_ports},
};

} // namespace

const Suite ipc_suite{"ipc", cases};

} // namespace chorale::test
