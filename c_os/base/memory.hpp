// Memory of C_OS: new (std::nothrow) for objects, whole pages for files. Both can fail, and every caller says
// what happens then.
#pragma once

#include "kernel/base/types.hpp"

#include <new>

namespace chorale::c_os {

// A page of zeros, or null.
[[nodiscard]] std::byte* allocate_page();
void free_page(std::byte* page);

struct PagePool {
    u64 used;        // pages that were allocated and not freed
    u64 runs, pages; // that the pool has from the nucleus
};
[[nodiscard]] PagePool page_pool();
// What `new` gave and `delete` did not get back.
[[nodiscard]] u64 heap_pieces();

} // namespace chorale::c_os
