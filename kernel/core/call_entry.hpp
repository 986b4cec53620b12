// Which way calls of user mode enter the nucleus on a CPU: machine::use_call_entry().
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

enum class CallEntry : u8 {
    fast,   // small messages take the register path, other systems' calls the quick way
    slow,   // everything takes the general way
    traced, // the same, and note_call() is told first
};

} // namespace chorale
