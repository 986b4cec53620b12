// Message rings, both ends on this CPU; handles are local variables, as in a loop that has a ring to itself:
//   ring.pair8       a word put, and got; eight times
//   ring.pair8.wake  the same with a look whether the consumer sleeps, for each word
//   ring.run32       32 words put one by one, then got one by one
//   ring.batch32     32 words written where msgRingReserve says, and read where msgRingPeek says
//   ring.wake        a word for a better thread that sleeps, until that one sleeps again
#include "measures.hpp"

#include <actor/thread.hpp>
#include <mipc/chMsgRing.h>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;
constexpr unsigned better_priority = 90;
constexpr unsigned long ring_words = 256, turns = 8, batch = 32;
alignas(16) char partner_stack[stack_size];

// As large as its words make it.
struct alignas(K_MSGRINGALIGN) Ring {
    KnMsgRing head;
    unsigned long words[ring_words];
};
Ring ring;

// Both ends by value: objects whose addresses nobody has seen. Pass(out, in, i) returns what came out: i.
template <auto Pass>
struct Ends {
    KnMsgProducer out{};
    KnMsgConsumer in{};
    [[gnu::always_inline]] long operator()(unsigned i) { return Pass(out, in, i); }
};

template <auto Pass>
void measure_ring(const Context& context, const char* name) {
    if (!context.wants("same", name)) {
        return;
    }
    Ends<Pass> ends;
    if (msgRingInit(&ring.head, ring_words) != K_OK ||
        msgRingProducer(&ends.out, &ring.head, ring_words) != K_OK ||
        msgRingConsumer(&ends.in, &ring.head, ring_words) != K_OK) {
        report_failure(context, name, "no ring", 0);
        return;
    }
    measure_rounds(context, name, context.rounds_or(usual_rounds), Ends<Pass>{ends.out, ends.in},
                   [](unsigned i, long result) { return result == static_cast<long>(i); });
}

template <bool Wakes>
[[gnu::always_inline]] inline long pass_in_turn(KnMsgProducer& out, KnMsgConsumer& in, unsigned i) {
    unsigned long word = 0;
#pragma clang loop unroll(full)
    for (unsigned long at = 0; at < turns; ++at) {
        msgRingPut(&out, i);
        if constexpr (Wakes) {
            msgRingWake(&out);
        }
        msgRingGet(&in, &word);
        machine::use(word);
    }
    return static_cast<long>(word);
}

[[gnu::always_inline]] inline long pass_one_by_one(KnMsgProducer& out, KnMsgConsumer& in, unsigned i) {
    unsigned long word = 0;
#pragma clang loop unroll(full)
    for (unsigned long at = 0; at < batch; ++at) {
        if (msgRingPut(&out, i) == 0) {
            return -1;
        }
    }
#pragma clang loop unroll(full)
    for (unsigned long at = 0; at < batch; ++at) {
        if (msgRingGet(&in, &word) == 0) {
            return -2;
        }
        machine::use(word);
    }
    return static_cast<long>(word);
}

[[gnu::always_inline]] inline long pass_in_place(KnMsgProducer& out, KnMsgConsumer& in, unsigned i) {
    unsigned long room = batch, there = batch;
    unsigned long* const to = msgRingReserve(&out, &room);
    if (room != batch) {
        return -1;
    }
#pragma clang loop unroll(full)
    for (unsigned long at = 0; at < batch; ++at) {
        to[at] = i;
    }
    msgRingCommit(&out, batch);
    const volatile unsigned long* const from = msgRingPeek(&in, &there);
    if (there != batch) {
        return -2;
    }
    unsigned long word = 0;
#pragma clang loop unroll(full)
    for (unsigned long at = 0; at < batch; ++at) {
        word = from[at];
        machine::use(word);
    }
    msgRingRelease(&in, batch);
    return static_cast<long>(word);
}

void take_words(std::uintptr_t) {
    KnMsgConsumer in;
    unsigned long word = 0;
    msgRingConsumer(&in, &ring.head, ring_words);
    for (;;) {
        while (msgRingGet(&in, &word) == 0) {
            msgRingAwait(&in, K_NOTIMEOUT);
        }
    }
}

void measure_sleeper(const Context& context) {
    const char* const name = "ring.wake";
    KnMsgProducer out;
    if (!context.wants("same", name) || msgRingInit(&ring.head, ring_words) != K_OK ||
        msgRingProducer(&out, &ring.head, ring_words) != K_OK) {
        return;
    }
    const int thread = start_thread({take_words, 0, partner_stack, stack_size, better_priority, 0});
    if (thread < 0) {
        report_failure(context, name, "no partner thread", thread);
        return;
    }
    threadDelay(K_NOBLOCK);
    measure_rounds(
        context, name, context.rounds_or(usual_rounds),
        [&](unsigned i) -> long {
            const int put = msgRingPut(&out, i);
            msgRingWake(&out);
            return put;
        },
        [](unsigned, long result) { return result == 1; });
    threadDelete(K_MYACTOR, thread);
}

} // namespace

void measure_rings(const Context& context) {
    measure_ring<pass_in_turn<false>>(context, "ring.pair8");
    measure_ring<pass_in_turn<true>>(context, "ring.pair8.wake");
    measure_ring<pass_one_by_one>(context, "ring.run32");
    measure_ring<pass_in_place>(context, "ring.batch32");
    measure_sleeper(context);
}

} // namespace chorale::bench
