// From registers to typed arguments. A handler's signature is its ABI: a type without a FromRegister, such as
// a raw pointer, cannot appear in one, and matches() holds the signature against the entry of the call list.
#pragma once

#include "kernel/call/user_pointer.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/supervisor/handler.hpp"

#include <chorus/calls.hpp>

#include <array>
#include <concepts>
#include <utility>

namespace chorale {

using chorus::ArgumentInfo;
using chorus::Direction;

template <class T>
struct FromRegister;

// High bits that the caller left in the register never reach a handler.
template <std::integral T>
struct FromRegister<T> {
    static constexpr Direction direction = Direction::value;
    static constexpr std::size_t size = sizeof(T);
    static T get(u64 value) { return static_cast<T>(value); }
};

template <class Pointer, Direction D, std::size_t Size>
struct PointerFromRegister {
    static constexpr Direction direction = D;
    static constexpr std::size_t size = Size;
    static Pointer get(u64 value) { return Pointer{VirtAddr{value}}; }
};
template <class T>
struct FromRegister<UserIn<T>> : PointerFromRegister<UserIn<T>, Direction::in, sizeof(T)> {};
template <class T>
struct FromRegister<UserInOpt<T>> : PointerFromRegister<UserInOpt<T>, Direction::in_opt, sizeof(T)> {};
template <class T>
struct FromRegister<UserOut<T>> : PointerFromRegister<UserOut<T>, Direction::out, sizeof(T)> {};
template <class T>
struct FromRegister<UserOutOpt<T>> : PointerFromRegister<UserOutOpt<T>, Direction::out_opt, sizeof(T)> {};
template <class T>
struct FromRegister<UserInOut<T>> : PointerFromRegister<UserInOut<T>, Direction::inout, sizeof(T)> {};
template <>
struct FromRegister<UserBytesIn> : PointerFromRegister<UserBytesIn, Direction::in_bytes, 0> {};
template <>
struct FromRegister<UserBytesOut> : PointerFromRegister<UserBytesOut, Direction::out_bytes, 0> {};
template <>
struct FromRegister<UserText> : PointerFromRegister<UserText, Direction::text, 0> {};

// Who may make a call at all, from the list; what else a caller may do is its handler's to judge.
[[nodiscard]] inline bool permitted(chorus::Privilege needed, const Thread& thread) {
    if (needed == chorus::Privilege::user || in_supervisor_mode(thread)) return true;
    return needed == chorus::Privilege::system && thread.actor->privilege != K_USERACTOR;
}

template <auto Handler, chorus::Privilege Needed>
struct Shim;

// Handlers take the calling thread first, and then the call's arguments; or nothing at all.
template <long (*Handler)(), chorus::Privilege Needed>
struct Shim<Handler, Needed> {
    static_assert(Needed == chorus::Privilege::user, "a call that is not everybody's knows its caller");
    static constexpr bool takes_memory = false, takes_option = false;
    static long entry() { return Handler(); }
    template <std::size_t N>
    static consteval bool matches(const std::array<ArgumentInfo, N>&) {
        return N == 0;
    }
};

template <class... A, long (*Handler)(Thread&, A...), chorus::Privilege Needed>
struct Shim<Handler, Needed> {
    static_assert(sizeof...(A) <= 6, "a call takes at most six registers");
    static constexpr bool takes_memory = (... || (FromRegister<A>::direction != Direction::value));
    // One argument, memory that need not be given: most often it is not.
    static constexpr bool takes_option =
        sizeof...(A) == 1 && (... && (FromRegister<A>::direction == Direction::in_opt ||
                                      FromRegister<A>::direction == Direction::out_opt));

    static long entry(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
        const u64 registers[] = {a, b, c, d, e, f};
        if (!permitted(Needed, *this_cpu().current)) return K_EPRIV;
        return run(*this_cpu().current, registers, std::index_sequence_for<A...>{});
    }

    template <std::size_t N>
    static consteval bool matches(const std::array<ArgumentInfo, N>& list) {
        if (N != sizeof...(A)) return false;
        const std::array<Direction, sizeof...(A)> directions{FromRegister<A>::direction...};
        const std::array<std::size_t, sizeof...(A)> sizes{FromRegister<A>::size...};
        for (std::size_t i = 0; i < N; ++i) {
            if (list[i].direction != directions[i] || list[i].size != sizes[i]) return false;
        }
        return true;
    }

  private:
    template <std::size_t... I>
    static long run(Thread& thread, const u64* registers, std::index_sequence<I...>) {
        return Handler(thread, FromRegister<A>::get(registers[I])...);
    }
};

} // namespace chorale
