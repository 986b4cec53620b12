// The atomic operations. See weak.hpp for the model.
//
// `memory` is what is there now. It is the caller that changes memory, as it knows the type.
#pragma once

#include "arch/host/weak/location.hpp"

namespace chorale::weak {

// First of all: other fibers may run here, and only here.
void schedule(Access access, const volatile void* address);

[[nodiscard]] std::uint64_t load(const Operation& operation, std::uint64_t memory);
void store(const Operation& operation, std::uint64_t memory, std::uint64_t value);
// A read-modify-write that changes what is in memory to `value`.
void exchange(const Operation& operation, std::uint64_t memory, std::uint64_t value);
// Returns the value that it saw. If that is the expected one, memory is to be changed.
[[nodiscard]] std::uint64_t compare_exchange(const Operation& operation, Order failure, std::uint64_t memory,
                                             std::uint64_t expected, std::uint64_t desired);
void fence(Order order, const void* pc);
// An operation of 16 bytes: orders everything, and leaves the values to the caller.
void act_directly(const Operation& operation, bool write);

} // namespace chorale::weak
