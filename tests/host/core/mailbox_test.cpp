// Mailboxes, one CPU at a time: order, overflow, and when the doorbell is rung.
#include "kernel/core/mailbox.hpp"

#include "tests/host/core/cpus.hpp"

#include <gtest/gtest.h>

#include <machine/ipi.hpp>

#include <numeric>
#include <vector>

namespace chorale {
namespace {

struct Letter : Request {
    unsigned number{};
    std::vector<unsigned>* received{};
};

struct MailboxTest : ::testing::Test {
    std::vector<unsigned> received;
    std::vector<Letter> letters{std::vector<Letter>(200)};

    MailboxTest() {
        test::make_cpus(4);
        for (unsigned i = 0; i < letters.size(); ++i) {
            letters[i].number = i;
            letters[i].received = &received;
            letters[i].run = [](Request& request) {
                auto& letter = static_cast<Letter&>(request);
                letter.received->push_back(letter.number);
            };
        }
    }
    static Mailbox& inbox(CpuIndex cpu) { return cpu_at(cpu).inbox; }
    void post(CpuIndex from, CpuIndex to, unsigned first, unsigned count) {
        for (unsigned i = 0; i < count; ++i) inbox(from).post(to, letters[first + i]);
    }
    [[nodiscard]] static std::vector<unsigned> up_to(unsigned count) {
        std::vector<unsigned> numbers(count);
        std::iota(numbers.begin(), numbers.end(), 0u);
        return numbers;
    }
};

TEST_F(MailboxTest, NothingHasRungAtFirst) {
    EXPECT_FALSE(inbox(1).rung());
    inbox(1).drain();
    EXPECT_TRUE(received.empty());
}

TEST_F(MailboxTest, OnePairKeepsTheOrder) {
    for (unsigned round = 0; round < 20; ++round) {
        post(0, 1, round * 5, 5);
        EXPECT_TRUE(inbox(1).rung());
        inbox(1).drain();
        EXPECT_FALSE(inbox(1).rung());
    }
    EXPECT_EQ(received, up_to(100));
}

TEST_F(MailboxTest, ACpuMayWriteToItself) {
    post(2, 2, 0, 3);
    inbox(2).drain();
    EXPECT_EQ(received, up_to(3));
}

TEST_F(MailboxTest, WhatDoesNotFitWaitsAtTheSender) {
    post(0, 1, 0, 30);
    EXPECT_TRUE(inbox(0).overflows());
    inbox(0).flush(); // nothing has been taken
    EXPECT_TRUE(inbox(0).overflows());
    unsigned rounds = 0;
    while (inbox(1).rung() || inbox(0).overflows()) {
        inbox(1).drain();
        EXPECT_LE(received.size(), (rounds + 1) * Mailbox::slots);
        inbox(0).flush();
        ASSERT_LT(++rounds, 10u);
    }
    EXPECT_EQ(received, up_to(30));
    EXPECT_FALSE(inbox(0).overflows());
}

// A request that is posted while others wait in the overflow list goes behind them, even when the ring has
// room again.
TEST_F(MailboxTest, NobodyOvertakesTheOverflow) {
    post(0, 1, 0, Mailbox::slots + 1);
    inbox(1).drain();
    post(0, 1, Mailbox::slots + 1, 1);
    inbox(0).flush();
    inbox(1).drain();
    EXPECT_EQ(received, up_to(Mailbox::slots + 2));
}

TEST_F(MailboxTest, LanesOverflowIndependently) {
    post(0, 1, 0, 20);
    post(0, 2, 20, 20);
    inbox(2).drain();
    inbox(0).flush();
    inbox(2).drain();
    inbox(0).flush();
    inbox(2).drain();
    EXPECT_EQ(received.size(), 20u);
    EXPECT_EQ(received.front(), 20u);
    EXPECT_TRUE(inbox(0).overflows());
    EXPECT_TRUE(inbox(1).rung());
}

// One look takes at most one ring from each sender: an interrupt is let in before the next.
TEST_F(MailboxTest, OneLookIsBounded) {
    static Mailbox* own;
    static unsigned runs;
    own = &inbox(3);
    runs = 0;
    letters[0].run = [](Request& request) {
        ++runs;
        own->post(3, request); // a request that comes back for ever, as one that waits for a thread under way
    };
    own->post(3, letters[0]);
    own->drain();
    EXPECT_LE(runs, Mailbox::slots);
    EXPECT_TRUE(own->rung());
}

TEST_F(MailboxTest, ARequestMayBePostedOnByItsOwnRun) {
    static MailboxTest* self;
    self = this;
    letters[0].run = [](Request& request) {
        request.run = [](Request& back) { self->received.push_back(static_cast<Letter&>(back).number); };
        inbox(1).post(0, request);
    };
    inbox(0).post(1, letters[0]);
    inbox(1).drain();
    EXPECT_TRUE(inbox(0).rung());
    inbox(0).drain();
    EXPECT_EQ(received, up_to(1));
}

// ---- the doorbell ------------------------------------------------------------------------------

TEST_F(MailboxTest, OneRingUntilTheReceiverLooks) {
    post(0, 1, 0, 3);
    post(2, 1, 3, 3); // another sender: the receiver is on its way to look
    EXPECT_EQ(machine::rings(1), 1u);
    inbox(1).drain();
    post(2, 1, 6, 1);
    EXPECT_EQ(machine::rings(1), 2u);
}

TEST_F(MailboxTest, APollingReceiverIsNotRung) {
    inbox(1).poll();
    post(0, 1, 0, 3);
    EXPECT_EQ(machine::rings(1), 0u);
    EXPECT_TRUE(inbox(1).rung());
}

TEST_F(MailboxTest, WhoStopsPollingLooksOnceMore) {
    inbox(1).poll();
    EXPECT_TRUE(inbox(1).stop_polling());
    inbox(1).poll();
    post(0, 1, 0, 1);
    EXPECT_FALSE(inbox(1).stop_polling());
    inbox(1).drain();
    post(0, 1, 1, 1);
    EXPECT_EQ(machine::rings(1), 1u);
}

// The sender may be back in user mode with the rest in its overflow list: it must hear that there is room
// again.
TEST_F(MailboxTest, WhoeverFindsAFullRingRingsItsSenderBack) {
    post(0, 1, 0, Mailbox::slots - 1);
    inbox(1).drain();
    EXPECT_EQ(machine::rings(0), 0u) << "the ring was not full";
    post(0, 1, Mailbox::slots - 1, Mailbox::slots + 1);
    inbox(1).drain();
    EXPECT_EQ(machine::rings(0), 1u);
    EXPECT_TRUE(inbox(0).rung());
}

TEST_F(MailboxTest, ABacklogIsSeenForItsReceiverOnly) {
    post(0, 1, 0, Mailbox::slots);
    EXPECT_FALSE(inbox(0).backlog(1));
    post(0, 1, Mailbox::slots, 1);
    EXPECT_TRUE(inbox(0).backlog(1));
    EXPECT_FALSE(inbox(0).backlog(2));
    inbox(1).drain();
    inbox(0).flush();
    EXPECT_FALSE(inbox(0).backlog(1));
}

TEST_F(MailboxTest, WhatIsMovedOnLaterRingsToo) {
    post(0, 1, 0, Mailbox::slots + 1);
    inbox(1).drain();
    while (inbox(1).rung()) inbox(1).drain();
    inbox(0).flush();
    EXPECT_EQ(machine::rings(1), 2u);
    EXPECT_TRUE(inbox(1).rung());
}

} // namespace
} // namespace chorale
