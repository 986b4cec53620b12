// What must arrive: for each sender the messages under way, in order, with their bytes.
#pragma once

#include "arch/host/user.hpp"
#include "fuzz/messages_plan.hpp"

#include <chorus.h>

#include <deque>
#include <functional>

namespace chorale::fuzz {

using Bytes = std::vector<u8>;

// What a body or a reply is made of. `error`: instead of a reply.
struct Content {
    Bytes body;
    bool has_annex{};
    Bytes annex;
    long error{};
};

struct Sent {
    unsigned server;
    Content content;
    bool call;
    bool refused{};  // the call said so: it must not arrive
    bool accepted{}; // the call said so: it must
    bool arrived{};
    bool answered{}; // `reply` is what the caller must get
    bool returned{}; // the caller has got it
    Content reply;
};

inline constexpr u8 untouched = 0xa5; // what in_area is full of before each message

// What is wrong with a message of that content when it has arrived as `result` and `area`; nullptr: nothing.
// `room`: the receiver's descriptor, if any. `words`: it takes messages in registers.
[[nodiscard]] const char* difference(const Content& content, const KnMsgDesc* room, bool words,
                                     const host::MessageResult& result, const Bytes& area);

class Model {
  public:
    // A sender is about to send. Valid until the next one of the same sender.
    Sent& sends(unsigned sender, unsigned server, Content content, bool call);
    // A server has got a message of that sender: which one? `compare` says what is wrong with it if it is
    // that; nullptr: nothing.
    using Compare = std::function<const char*(const Sent&)>;
    Sent& arrives(unsigned sender, unsigned server, const Compare& compare);
    // Whether the messages of one sender to one server come in the order in which they were sent.
    void set_ordered(bool ordered) { ordered_ = ordered; }
    [[nodiscard]] bool ordered() const { return ordered_; }
    // Whether something of that sender's has not arrived yet.
    [[nodiscard]] bool under_way(unsigned sender) const;
    // How many senders wait for a reply that their server has not given.
    [[nodiscard]] unsigned left_waiting() const;
    // At the end: what was accepted has arrived.
    void check_all_arrived() const;

  private:
    std::deque<Sent> sent_[sender_limit];
    bool ordered_{};
};

} // namespace chorale::fuzz
