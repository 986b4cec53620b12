// Ports and typed messages, inline and no more than the registers below them (chorus/message.hpp): a call of
// a port is a function call whose argument and result have a layout that the compiler knows.
// docs/cpp-messages.md begins with an example.
//
// A message is a struct of at most 64 bytes without pointers into the sender's memory, copied byte by byte,
// and without padding, in which the peer would see what the sender's memory held before. A request names its
// reply:
//
//   struct Add { std::uint64_t first, second; using Reply = Sum; };
//   const auto sum = chorus::call(port, Add{1, 2});           if (sum) use(sum->value);
//   chorus::serve<Add>(own.local_id(), [](const Add& add) { return Sum{add.first + add.second}; });
//
// As with message.hpp: source port is the default port, no time limit, and what the registers hold behind the
// last byte of a message reaches the peer: a server that must not pass on what it heard from another client
// replies with 64 bytes.
#pragma once

#include <chorus/message.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace chorus {

// Somebody's port, by its name.
class Port {
  public:
    constexpr explicit Port(const KnUniqueId& name) : name_{name} {}
    [[nodiscard]] constexpr const KnUniqueId& name() const { return name_; }

  private:
    KnUniqueId name_;
};

// A port of this actor, as long as the object lives.
class OwnPort {
  public:
    OwnPort() : local_id_{portCreate(K_MYACTOR, &name_)} {}
    OwnPort(const OwnPort&) = delete;
    OwnPort& operator=(const OwnPort&) = delete;
    ~OwnPort() {
        if (local_id_ > 0) portDelete(K_MYACTOR, local_id_);
    }
    [[nodiscard]] int local_id() const { return local_id_; } // or an error of portCreate
    [[nodiscard]] Port port() const { return Port{name_}; }

  private:
    KnUniqueId name_{};
    int local_id_;
};

// Floating point has more than one representation of some values, but no padding: a program may say so of its
// own messages.
template <class T>
inline constexpr bool without_padding = std::is_empty_v<T> || std::has_unique_object_representations_v<T>;

// What a call was answered: a T, if that is what came.
template <class T>
class Answer {
  public:
    Answer(long size, const Words& words) : size_{size} {
        if constexpr (!std::is_empty_v<T>) __builtin_memcpy(&value_, words.w, sizeof(T));
    }
    [[nodiscard]] explicit operator bool() const { return size_ == expected; }
    [[nodiscard]] long size() const { return size_; } // of the reply in bytes, or an error of ipcCall
    // K_OK, an error of ipcCall, or K_ESIZE: the reply is no T.
    [[nodiscard]] int error() const {
        if (size_ == expected) return K_OK;
        return size_ < 0 ? static_cast<int>(size_) : K_ESIZE;
    }
    [[nodiscard]] const T& operator*() const { return value_; } // only if there is one
    [[nodiscard]] const T* operator->() const { return &value_; }

  private:
    static constexpr long expected = std::is_empty_v<T> ? 0 : static_cast<long>(sizeof(T));
    long size_;
    T value_;
};

// The words of a reply, whatever they mean.
struct WordsAnswer {
    long size; // in bytes, or an error of ipcCall
    Words words;
    [[nodiscard]] explicit operator bool() const { return size >= 0; }
    [[nodiscard]] std::uint64_t operator[](unsigned index) const { return words.w[index]; }
};

namespace detail {

template <class T>
struct Layout {
    static_assert(std::is_trivially_copyable_v<T>, "a message is copied byte by byte");
    static_assert(sizeof(T) <= MESSAGE_REGISTER_BYTES, "more than 64 bytes: see ipcCall in <ipc/chIpc.h>");
    static_assert(without_padding<T>, "padding would show the peer what lay in memory");
    static constexpr unsigned bytes = std::is_empty_v<T> ? 0 : sizeof(T);
    static constexpr unsigned words = (bytes + 7) / 8;
};

template <class T>
[[gnu::always_inline]] inline void store(Words& words, const T& message) {
    if constexpr (Layout<T>::bytes % 8 != 0) words.w[Layout<T>::words - 1] = 0;
    if constexpr (Layout<T>::bytes != 0) __builtin_memcpy(words.w, &message, sizeof(T));
}

template <unsigned Bytes>
[[nodiscard, gnu::always_inline]] inline long call(const Port& port, Words& words) {
    auto transfer = pack(words, port.name().uiHead, port.name().uiTail);
    const long size = machine::transfer<(Bytes + 7) / 8>(MESSAGE_CONTROL(MESSAGE_CALL, Bytes), transfer);
    unpack(transfer, words);
    return size;
}

template <unsigned Bytes>
[[nodiscard, gnu::always_inline]] inline Arrival reply_receive(int portli, Words& words) {
    auto transfer = pack(words, extended(portli), 0);
    const long result =
        machine::transfer<(Bytes + 7) / 8>(MESSAGE_CONTROL(MESSAGE_REPLY_RECEIVE, Bytes), transfer);
    unpack(transfer, words);
    return arrival(result, transfer);
}

} // namespace detail

// ipcCall with a message; the reply is a Request::Reply.
template <class Request>
    requires requires { typename Request::Reply; }
[[nodiscard, gnu::always_inline]] inline Answer<typename Request::Reply> call(const Port& port,
                                                                              const Request& request) {
    using Reply = typename Request::Reply;
    static_assert(detail::Layout<Reply>::words <= 8);
    Words words{};
    detail::store(words, request);
    const long size = detail::call<detail::Layout<Request>::bytes>(port, words);
    return {size, words};
}

// What goes into a register as it is: no fraction that is cut, no pointer that means nothing to the peer.
template <class T>
concept Word = std::is_integral_v<T> || std::is_enum_v<T>;

// ipcCall with up to eight words, to a port: a group is for ipcCall (K_EINVAL, K_EUNKNOWN).
template <Word... Each>
    requires(sizeof...(Each) <= 8)
[[nodiscard, gnu::always_inline]] inline WordsAnswer call(const Port& port, Each... word) {
    WordsAnswer answer{0, {{static_cast<std::uint64_t>(word)...}}};
    answer.size = detail::call<8 * sizeof...(Each)>(port, answer.words);
    return answer;
}

// Serves a port of this actor: each Request that comes is answered with what `handle(request)` returns, its
// Reply. What has not the size of one is answered with an empty message, and the caller sees K_ESIZE. Returns
// only when nothing can be received any more, with the error: K_ENOPORT (the port was deleted), or another of
// ipcReceive.
template <class Request, class Handle>
    requires std::same_as<std::invoke_result_t<Handle&, const Request&>, typename Request::Reply>
int serve(int portli, Handle handle) {
    using Reply = typename Request::Reply;
    Words words{};
    for (Arrival got = receive(portli, words);;) {
        if (got.size == detail::Layout<Request>::bytes) [[likely]] {
            Request request;
            __builtin_memcpy(&request, words.w, sizeof(Request));
            detail::store(words, handle(const_cast<const Request&>(request)));
            got = detail::reply_receive<detail::Layout<Reply>::bytes>(portli, words);
        } else if (got.size >= 0) {
            got = detail::reply_receive<0>(portli, words);
        } else {
            return static_cast<int>(got.size);
        }
        // A message that somebody sent without waiting for a reply: there is none to give.
        if (got.size == K_EINVAL) [[unlikely]]
            got = receive(portli, words);
    }
}

} // namespace chorus
