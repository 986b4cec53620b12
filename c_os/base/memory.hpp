// Memory of C_OS: new (std::nothrow) for objects, whole pages for files. Both can fail, and every caller says
// what happens then.
#pragma once

#include "kernel/base/types.hpp"

#include <new>

namespace chorale::c_os {

// A page of zeros, or null.
[[nodiscard]] std::byte* allocate_page();
void free_page(std::byte* page);

} // namespace chorale::c_os
