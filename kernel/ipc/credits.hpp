// What an actor may have on its way: credits for messages that it has sent and nobody has received yet.
//
// A message that is queued, or sent to another CPU, costs its sender one credit and one more for each page of
// its body; it gives them back when it leaves the queue, for a server or because it is dropped. So who floods
// ports that nobody serves comes to the end of its credits, not of the machine's memory. A message that goes
// straight to a server costs none: it takes the place of one that the server has. Nor does a request in
// registers (MESSAGE_CALL): its caller waits, and has no other one.
//
// Invariant 73: a message has a payer exactly while it is queued or on its way to the port's home, unless it
// is such a request, or the nucleus's own; an actor's count is the sum of what those messages cost.
//
// Messages may outlive their sender. Actor memory is type-stable, and the account's life, which is counted up
// for each new actor in it, is part of the word: what a message gives back to a life that is over is
// nobody's.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

namespace chorale {

struct Message;

// A line of its own: written by the CPU that sends and by the one that receives, and only for messages that
// went through a queue or a mailbox; what the fast path reads of an actor is elsewhere.
class alignas(cache_line) CreditAccount {
  public:
    // For a new actor: nothing is owed.
    void open() { word_.store((life() + 1) << life_shift); }
    [[nodiscard]] u64 used() const { return word_.load() & used_mask; }

    // Who sends pays: false, and nothing has changed, when it has not so many credits.
    [[nodiscard]] bool charge(Message& message);
    // The message has left the queue, or never gets there; one without a payer stays as it is.
    static void settle(Message& message);
    // For inspection: whether the message, which has this payer, counts still.
    [[nodiscard]] bool counts(const Message& message) const;

  private:
    static constexpr unsigned life_shift = 32;
    static constexpr u64 used_mask = (u64{1} << life_shift) - 1;
    [[nodiscard]] u64 life() const { return word_.load() >> life_shift; }

    Relaxed<u64> word_;
};

// Of each actor. More than its threads can have under way one by one, so that who waits for each of its
// messages never runs out; two queues full of the largest bodies.
inline constexpr u32 default_credit_limit = 2048, least_credit_limit = 32, most_credit_limit = 1u << 20;
void set_credit_limit(u32 credits); // at boot
[[nodiscard]] u32 credit_limit();

} // namespace chorale
