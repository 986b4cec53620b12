// Pages of C_OS one by one, so that the tests see each.
#include "c_os/base/memory.hpp"

#include <dki/f_dki.h>
#include <mem/chMem.h>

namespace chorale::c_os {

std::byte* allocate_page() {
    VmAddr address = 0;
    return svPagesAllocate(&address, page_size, 0, K_MYACTOR) == K_OK ? reinterpret_cast<std::byte*>(address)
                                                                      : nullptr;
}

void free_page(std::byte* page) { svPagesFree(reinterpret_cast<VmAddr>(page), page_size); }

} // namespace chorale::c_os
