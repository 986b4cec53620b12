#include "kernel/call/names.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

namespace chorale {

std::string_view call_name(unsigned number) {
    switch (number) {
    case MESSAGE_CALL:
        return "ipcCall";
    case MESSAGE_REPLY_RECEIVE:
        return "ipcReplyReceive";
#define CALL(number, name, ...)                                                                              \
    case number:                                                                                             \
        return #name;
        CHORUS_LEAF_CALLS(CALL)
        CHORUS_BLOCK_CALLS(CALL)
#undef CALL
    default:
        return "unknown call";
    }
}

} // namespace chorale
