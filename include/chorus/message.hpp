// Messages of up to eight 64-bit words in registers, without a descriptor: the lowest-level form of ipcCall
// and ipcReceive, with the same meaning. Source port: the default port; no time limit. Everything here is
// inline; only the words that the program uses are loaded and stored.
//
// client   Words words{{1, 2, 3, 4}};  long size = call<4>(port, words); server   Arrival got =
// receive(K_DEFAULTPORT, words); while (got.size >= 0) { ...; got = reply_receive<4>(K_DEFAULTPORT, words);
// }
//
// The template argument is the number of words to send; the reply, or the next message, replaces words. A
// longer message is cut to 64 bytes. Words that are not sent reach the peer with undefined contents from
// the sender's registers: send eight words where the peer must learn nothing more.
#pragma once

#include <actor/message.hpp>
#include <chorus/message_registers.h>
#include <chorus/types.h>
#include <ipc/chIpc.h>

#include <cstdint>

namespace chorus {

struct Words {
    std::uint64_t w[8];
};

struct Arrival {
    long size;         // bytes of the message, or an error
    int port;          // local id of the port it came through
    KnEvtNum sequence; // its number on that port
};

namespace detail {

[[gnu::always_inline]] inline machine::Transfer pack(const Words& words, std::uint64_t first,
                                                     std::uint64_t second) {
    const auto& w = words.w;
    return {{w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]}, first, second};
}

[[gnu::always_inline]] inline void unpack(const machine::Transfer& transfer, Words& words) {
    for (unsigned i = 0; i < 8; ++i) {
        words.w[i] = transfer.word[i];
    }
}

[[nodiscard, gnu::always_inline]] inline Arrival arrival(long result, const machine::Transfer& transfer) {
    return {result, static_cast<int>(transfer.first), static_cast<KnEvtNum>(transfer.second)};
}

// K_DEFAULTPORT and the like are negative or small: registers carry them sign extended.
[[nodiscard, gnu::always_inline]] inline std::uint64_t extended(int value) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
}

} // namespace detail

// ipcCall: returns the size of the reply in bytes, or an error of ipcCall.
template <unsigned Sent>
[[nodiscard, gnu::always_inline]] inline long call(const KnUniqueId& port, Words& words) {
    auto transfer = detail::pack(words, port.uiHead, port.uiTail);
    const long result = machine::transfer<Sent>(MESSAGE_CONTROL(MESSAGE_CALL, Sent * 8U), transfer);
    detail::unpack(transfer, words);
    return result;
}

// ipcReceive.
[[nodiscard, gnu::always_inline]] inline Arrival receive(int portli, Words& words, int delay = -1) {
    auto transfer = detail::pack(words, detail::extended(portli), detail::extended(delay));
    const long result = machine::transfer<0>(MESSAGE_CONTROL(MESSAGE_RECEIVE, 0U), transfer);
    detail::unpack(transfer, words);
    return detail::arrival(result, transfer);
}

// ipcReply, then ipcReceive without time limit, in one call.
template <unsigned Sent>
[[nodiscard, gnu::always_inline]] inline Arrival reply_receive(int portli, Words& words) {
    auto transfer = detail::pack(words, detail::extended(portli), 0);
    const long result = machine::transfer<Sent>(MESSAGE_CONTROL(MESSAGE_REPLY_RECEIVE, Sent * 8U), transfer);
    detail::unpack(transfer, words);
    return detail::arrival(result, transfer);
}

} // namespace chorus
