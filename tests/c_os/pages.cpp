// What C_OS has in files that the tests do without: pages one by one, so that the tests see each.
#include "c_os/base/memory.hpp"
#include "c_os/base/user_memory.hpp"

#include <dki/f_dki.h>
#include <mem/chMem.h>

namespace chorale::c_os {

// All processes of the tests are in a user space.
bool serves_supervisor_actor() { return false; }

std::byte* allocate_page() {
    VmAddr address = 0;
    return svPagesAllocate(&address, page_size, 0, K_MYACTOR) == K_OK ? reinterpret_cast<std::byte*>(address)
                                                                      : nullptr;
}

void free_page(std::byte* page) { svPagesFree(reinterpret_cast<VmAddr>(page), page_size); }

} // namespace chorale::c_os
