// A system at rest, to be broken: threads in every state, while the root thread runs on CPU 0 and the other
// CPUs are idle. For tests that a broken invariant is reported.
#pragma once

#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "tests/machine/invariants.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

namespace chorale::test {

struct Standing {
    Actor* actor{};
    Thread *receiver{}, *any_receiver{}, *sleeper{}, *late_sleeper{}, *ready{}, *inactive{};
    Thread *client{}, *server{};           // a fast pair
    Thread *slow_client{}, *slow_server{}; // on two CPUs
    Port *waited{}, *queued{};
    Message* message{}; // the first one queued
    KnCap name{};
};

// Calls `look` in the middle of it. All invariants hold before, and after if `whole_again`.
void with_standing(const std::function<void(Standing&)>& look, bool whole_again = true);

void expect_reported(unsigned number, const std::string& text, Depth depth = Depth::whole);

// Plain members, and atomic ones.
template <class T>
[[nodiscard]] auto value_of(const T& field) {
    if constexpr (requires { field.load(); }) {
        return field.load();
    } else {
        return field;
    }
}
template <class T, class V>
void put(T& field, V value) {
    if constexpr (requires { field.store(value); }) {
        field.store(value);
    } else {
        field = value;
    }
}

// With `wrong` in the field, the finding is reported; then everything is as before.
template <class T, class V>
void broken(T& field, V wrong, unsigned number, const std::string& text, Depth depth = Depth::whole) {
    const auto right = value_of(field);
    put(field, static_cast<std::remove_const_t<decltype(right)>>(wrong));
    expect_reported(number, text, depth);
    put(field, right);
}

} // namespace chorale::test
