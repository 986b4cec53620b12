// Who is behind an actor or a port, stamped on each message that it sends.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/relaxed.hpp"

#include <chorus.h>

#include <bit>

namespace chorale {

// Changed by actorPi and portPi while others send: one word, so that nobody sees half of a change.
class ProtectionIdentifier {
  public:
    operator KnProtId() const { return std::bit_cast<Word>(word_.load()).identifier; }
    void set(const KnProtId& identifier) { word_.store(std::bit_cast<u64>(Word{identifier, 0})); }

  private:
    struct Word {
        KnProtId identifier;
        unsigned short unused;
    };
    Relaxed<u64> word_;
};

} // namespace chorale
