#include "kernel/call/names.hpp"

#include "kernel/base/types.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

#include <array>

namespace chorale {

namespace {

constexpr std::string_view unknown = "unknown call";

#define EVERY_CALL(CALL)                                                                                     \
    CALL(MESSAGE_CALL, ipcCall)                                                                              \
    CALL(MESSAGE_REPLY_RECEIVE, ipcReplyReceive) CHORUS_LEAF_CALLS(CALL) CHORUS_BLOCK_CALLS(CALL)

// All names, one after the other, and where each of them is: the nucleus's image carries this.
#define CALL(number, name, ...) #name
constexpr std::string_view text = "unknown call" EVERY_CALL(CALL);
#undef CALL

struct Place {
    u16 begin{}, size{unknown.size()};
};

constexpr auto places = [] {
    std::array<Place, chorus::call_limit> list{};
    std::size_t at = unknown.size();
    const auto add = [&](unsigned number, std::size_t size) {
        list[number] = {static_cast<u16>(at), static_cast<u16>(size)};
        at += size;
    };
#define CALL(number, name, ...) add(number, sizeof #name - 1);
    EVERY_CALL(CALL)
#undef CALL
    return list;
}();

} // namespace

std::string_view call_name(unsigned number) {
    if (number >= places.size()) return unknown;
    return {text.data() + places[number].begin, places[number].size};
}

} // namespace chorale
