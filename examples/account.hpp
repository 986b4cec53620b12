// What the two example actors agree on: the messages, and the name under which the server is found.
#pragma once

#include <cstdint>

namespace example {

struct Balance {
    std::int64_t cents;
};

struct Deposit {
    std::uint64_t account;
    std::int64_t cents;
    using Reply = Balance;
};

inline constexpr char bank_name[] = "example.bank";
inline constexpr unsigned account_limit = 8;

} // namespace example
