// Suite bodies: large bodies in memory of every kind, on either side, while the receiver waits on the same
// CPU or on another one.
#include "check.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr VmSize body_size = K_CMSGSIZEMAX;
// The sender's, the receiver's, and what its pages are copied from.
constexpr VmAddr sent_at = free_space, got_at = other_space, origin_at = 0x38000000;

struct Inbox {
    KnIpcDest port;
    int li;
    VmAddr at;
    std::atomic<unsigned> received;
    std::atomic<long> result;
};
Inbox inbox;

void receive_all(std::uintptr_t) {
    for (;;) {
        KnMsgDesc message{0, body_size, inbox.at, 0, 0};
        int li = inbox.li;
        inbox.result = ipcReceive(&message, &li, -1);
        inbox.received.fetch_add(1);
    }
}

void fill(VmAddr at, std::uint64_t seed) {
    for (VmSize i = 0; i < body_size; i += 8) {
        word_at(at + i) = seed + i;
    }
}

unsigned wrong_words(VmAddr at, std::uint64_t seed) {
    unsigned wrong = 0;
    for (VmSize i = 0; i < body_size; i += 8) {
        wrong += word_at(at + i) != seed + i ? 1U : 0U;
    }
    return wrong;
}

int send(VmAddr at, unsigned flags = 0) {
    const KnMsgDesc message{flags, body_size, at, 0, 0};
    return ipcSend(&message, K_DEFAULTPORT, &inbox.port);
}

// A receiver on that CPU, better than the caller.
bool open_inbox(Helper& receiver, KnCpuId cpu, VmAddr at) {
    inbox.received = 0;
    inbox.at = at;
    inbox.li = portCreate(K_MYACTOR, &inbox.port.target);
    return inbox.li > 0 && receiver.start(receive_all, 0, higher_priority, cpu) > 0;
}

enum class Kind { demand, there, copied, shared, read_only, hole, nothing };
constexpr Kind kinds[] = {Kind::demand, Kind::there,     Kind::copied, Kind::shared,
                          Kind::hole,   Kind::read_only, Kind::nothing};

int make_memory(Kind kind, VmAddr at) {
    constexpr VmSize size = body_size + page;
    switch (kind) {
    case Kind::demand:
        return allocate(at, size);
    case Kind::there:
        return allocate(at, size, K_WRITABLE | K_NODEMAND);
    case Kind::read_only:
        return allocate(at, size, K_FILLZERO);
    case Kind::hole:
        if (const int error = allocate(at, size); error != K_OK) {
            return error;
        }
        return release(at + 8 * page, page);
    case Kind::nothing:
        return K_OK;
    default:
        break;
    }
    if (const int error = allocate(origin_at, size); error != K_OK) {
        return error;
    }
    fill(origin_at, 77);
    KnRgnDesc target = region_at(at, 0, K_WRITABLE);
    const KnRgnDesc source = region_at(origin_at, size, 0);
    return kind == Kind::copied ? rgnInitFromActor(K_MYACTOR, &target, K_MYACTOR, &source)
                                : rgnMapFromActor(K_MYACTOR, &target, K_MYACTOR, &source);
}

void forget_memory(Kind kind, VmAddr at) {
    if (kind != Kind::nothing) {
        (void)release(at, body_size + page);
    }
    if (kind == Kind::copied || kind == Kind::shared) {
        (void)release(origin_at, body_size + page);
    }
}

void into_memory_of_every_kind(Report& report) {
    REQUIRE_EQ(allocate(sent_at, body_size), K_OK);
    std::uint64_t seed = 1000;
    for (const KnCpuId cpu : {KnCpuId{0}, static_cast<KnCpuId>(cpu_count() - 1)}) {
        for (const Kind kind : kinds) {
            for (const VmSize shift : {VmSize{0}, VmSize{8}, VmSize{4091}}) {
                seed += 0x1000000;
                fill(sent_at, seed);
                REQUIRE_EQ(make_memory(kind, got_at), K_OK);
                Helper receiver;
                REQUIRE(open_inbox(receiver, cpu, got_at + shift));
                CHECK_EQ(send(sent_at), K_OK);
                CHECK(eventually([] { return inbox.received == 1; }));
                const bool writable = kind < Kind::read_only;
                CHECK_EQ(inbox.result, writable ? static_cast<long>(body_size) : long{K_EFAULT});
                if (writable && (shift & 7) == 0) {
                    CHECK_EQ(wrong_words(got_at + shift, seed), 0);
                }
                if (kind == Kind::copied) {
                    CHECK_EQ(wrong_words(origin_at, 77), 0);
                } else if (kind == Kind::shared && (shift & 7) == 0) {
                    CHECK_EQ(wrong_words(origin_at + shift, seed), 0);
                }
                receiver.stop();
                CHECK_EQ(portDelete(K_MYACTOR, inbox.li), K_OK);
                forget_memory(kind, got_at);
            }
        }
    }
    CHECK_EQ(release(sent_at, body_size), K_OK);
}

// What the sender cannot read is its own fault: the receiver goes on waiting.
void out_of_memory_of_every_kind(Report& report) {
    REQUIRE_EQ(allocate(got_at, body_size), K_OK);
    for (const KnCpuId cpu : {KnCpuId{0}, static_cast<KnCpuId>(cpu_count() - 1)}) {
        for (const Kind kind : kinds) {
            REQUIRE_EQ(make_memory(kind, sent_at), K_OK);
            const bool readable = kind < Kind::hole;
            if (kind == Kind::there || kind == Kind::demand) {
                fill(sent_at, 77);
            }
            Helper receiver;
            REQUIRE(open_inbox(receiver, cpu, got_at));
            CHECK_EQ(send(sent_at), readable ? K_OK : K_EFAULT);
            if (readable) {
                CHECK(eventually([] { return inbox.received == 1; }));
                if (kind == Kind::read_only) {
                    CHECK_EQ(word_at(got_at + body_size - 8), 0);
                } else {
                    CHECK_EQ(wrong_words(got_at, 77), 0);
                }
            }
            const unsigned before = inbox.received;
            CHECK_EQ(before, readable ? 1 : 0);
            CHECK_EQ(send(got_at), K_OK); // its own buffer
            CHECK(eventually([before] { return inbox.received == before + 1; }));
            CHECK_EQ(inbox.result, body_size);
            receiver.stop();
            CHECK_EQ(portDelete(K_MYACTOR, inbox.li), K_OK);
            forget_memory(kind, sent_at);
        }
    }
    CHECK_EQ(release(got_at, body_size), K_OK);
}

PhAddr place_of(VmAddr at) {
    PhAddr place = 0;
    return vmPhysAddr(K_MYACTOR, at, &place) == K_OK ? place : 0;
}

// The receiver has the sender's frames, and the sender zeros.
void given_up(Report& report) {
    constexpr unsigned pages = body_size / page;
    for (const KnCpuId cpu : {KnCpuId{0}, static_cast<KnCpuId>(cpu_count() - 1)}) {
        for (const bool aligned : {true, false}) {
            REQUIRE_EQ(allocate(sent_at, body_size), K_OK);
            REQUIRE_EQ(allocate(got_at, body_size + page), K_OK);
            word_at(got_at + page) = 9; // some pages are there already
            fill(sent_at, 5000);
            PhAddr places[pages];
            for (unsigned i = 0; i < pages; ++i) {
                places[i] = place_of(sent_at + i * page);
            }
            const VmAddr at = aligned ? got_at : got_at + 64;
            Helper receiver;
            REQUIRE(open_inbox(receiver, cpu, at));
            CHECK_EQ(send(sent_at, K_MSG_GIVE), K_OK);
            CHECK(eventually([] { return inbox.received == 1; }));
            CHECK_EQ(inbox.result, body_size);
            CHECK_EQ(wrong_words(at, 5000), 0);
            unsigned moved = 0;
            for (unsigned i = 0; i < pages; ++i) {
                moved += place_of(at + i * page) - (aligned ? 0 : 64) == places[i] ? 1U : 0U;
                CHECK_EQ(word_at(sent_at + i * page + 8), 0);
            }
            CHECK_EQ(moved, aligned ? pages : 0);
            receiver.stop();
            CHECK_EQ(portDelete(K_MYACTOR, inbox.li), K_OK);
            CHECK_EQ(release(sent_at, body_size), K_OK);
            CHECK_EQ(release(got_at, body_size + page), K_OK);
        }
    }
}

// ---- written at once after it was sent: what arrives is what was there before -----------------------------

constexpr unsigned bodies_sent = 6, most_writers = 3;
std::atomic<unsigned> phase, acknowledged;

// Where that writer's word is in each page; the last is the sender's own.
constexpr VmAddr word_of(unsigned writer) { return writer * 8; }

void write_words(unsigned writer, unsigned value) {
    for (VmSize at = word_of(writer); at < body_size; at += page) {
        word_at(sent_at + at) = value;
    }
}

// Its CPU's TLB remembers that it may write to the pages.
void write_in_phases(std::uintptr_t writer) {
    for (unsigned seen = 0; seen < 2 * bodies_sent; ++seen) {
        while (phase == seen) {
            sleep_milliseconds(1);
        }
        write_words(static_cast<unsigned>(writer), seen + 1);
        ++acknowledged;
    }
}

void receive_one(std::uintptr_t) {
    KnMsgDesc message{0, body_size, got_at, 0, 0};
    int li = inbox.li;
    inbox.result = ipcReceive(&message, &li, 0);
}

void all_write(Report& report) {
    const unsigned before = acknowledged;
    ++phase;
    write_words(most_writers, phase);
    CHECK(eventually([before] { return acknowledged == before + most_writers; }));
}

void written_at_once(Report& report) {
    Counted counted(report);
    phase = acknowledged = 0;
    REQUIRE_EQ(allocate(sent_at, body_size), K_OK);
    REQUIRE_EQ(allocate(got_at, body_size), K_OK);
    inbox.li = portCreate(K_MYACTOR, &inbox.port.target);
    REQUIRE(inbox.li > 0);
    Helper writers[most_writers];
    for (unsigned i = 0; i < most_writers; ++i) {
        REQUIRE(writers[i].start(write_in_phases, i, lower_priority, (i + 1) % cpu_count()) > 0);
    }
    for (unsigned round = 0; round < bodies_sent; ++round) {
        all_write(report);
        const unsigned sent = phase;
        REQUIRE_EQ(send(sent_at), K_OK);
        all_write(report);
        Helper receiver;
        REQUIRE(receiver.start(receive_one, 0, higher_priority) > 0);
        CHECK(receiver.join());
        CHECK_EQ(inbox.result, body_size);
        for (VmAddr at = got_at; at < got_at + body_size; at += page) {
            for (unsigned writer = 0; writer <= most_writers; ++writer) {
                CHECK_EQ(word_at(at + word_of(writer)), sent);
                CHECK_EQ(word_at(at - got_at + sent_at + word_of(writer)), sent + 1);
            }
        }
    }
    for (Helper& writer : writers) {
        CHECK(writer.join());
    }
    CHECK_EQ(portDelete(K_MYACTOR, inbox.li), K_OK);
    CHECK_EQ(release(sent_at, body_size), K_OK);
    CHECK_EQ(release(got_at, body_size), K_OK);
}

constexpr Case cases[] = {
    {"into_memory_of_every_kind", into_memory_of_every_kind},
    {"out_of_memory_of_every_kind", out_of_memory_of_every_kind},
    {"given_up", given_up},
    {"written_at_once", written_at_once},
};

} // namespace

const Suite bodies_suite{"bodies", cases};

} // namespace chorale::test
