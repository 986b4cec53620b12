// For scenarios: a result that must be this one, unless calls are made to fail.
#pragma once

#include "tests/machine/attempt.hpp"

namespace chorale::test {

// What may be refused on purpose may be missing; anything else is wrong.
inline void expect(long result, long wanted, const char* what) {
    if (result == wanted || (failures_expected() && (result == K_EFAULT || result == K_ENOMEM))) return;
    complain(std::string{what} + ": " + std::to_string(result) + ", not " + std::to_string(wanted));
}

} // namespace chorale::test
