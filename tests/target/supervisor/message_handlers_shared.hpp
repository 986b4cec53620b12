// What the two halves of the tests of message handlers tell each other (tests/target/message_handlers.cpp):
// the first word of a message to the port of this name says what its handler does.
#pragma once

#include <chorus.h>

namespace chorale::test {

inline constexpr const char* handled_port = "handled";

enum class HandledOrder : unsigned long {
    echo,     // replies with the body and the annex
    tell,     // replies with a HandledTale
    ignore,   // does not reply
    sleep,    // until it is aborted; replies with the result of that
    sleepers, // replies with how many are asleep there
    counted,  // replies with how many messages asked to be counted
    count,    // counts
    call,     // calls the port in the next two words with an echo; replies with the result
};

struct HandledTale {
    KnCap self, invoker;
    KnThreadLid thread;
    unsigned flags; // of the header
    KnEvtNum sequence;
};

} // namespace chorale::test
