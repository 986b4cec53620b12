// What the images of supervisor actors may call: every nucleus call by its name, and a few functions of the
// nucleus that run on the caller's stack.
#pragma once

#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale {

// 0: there is no such symbol.
[[nodiscard]] uword exported_symbol(std::string_view name);

} // namespace chorale
