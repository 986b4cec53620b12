#include "kernel/call/names.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

#include <array>

namespace chorale {

namespace {

constexpr auto names = [] {
    std::array<std::string_view, chorus::call_limit> list;
    list.fill("unknown call");
    list[MESSAGE_CALL] = "ipcCall";
    list[MESSAGE_REPLY_RECEIVE] = "ipcReplyReceive";
#define CALL(number, name, ...) list[number] = #name;
    CHORUS_LEAF_CALLS(CALL)
    CHORUS_BLOCK_CALLS(CALL)
#undef CALL
    return list;
}();

} // namespace

std::string_view call_name(unsigned number) {
    return number < names.size() ? names[number] : std::string_view{"unknown call"};
}

} // namespace chorale
