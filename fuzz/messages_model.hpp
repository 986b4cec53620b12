// What must arrive: for each sender the messages under way, in order, with their bytes.
#pragma once

#include "fuzz/messages_plan.hpp"

#include <chorus.h>

#include <deque>

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

class Model {
  public:
    // A sender is about to send. Valid until the next one of the same sender.
    Sent& sends(unsigned sender, unsigned server, Content content, bool call);
    // A server has got a message of that sender.
    Sent& arrives(unsigned sender, unsigned server);
    // Whether something of that sender's has not arrived yet.
    [[nodiscard]] bool under_way(unsigned sender) const;
    // How many senders wait for a reply that their server has not given.
    [[nodiscard]] unsigned left_waiting() const;
    // At the end: what was accepted has arrived.
    void check_all_arrived() const;

  private:
    std::deque<Sent> sent_[sender_limit];
};

} // namespace chorale::fuzz
