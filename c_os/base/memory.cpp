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

// Only the forms that can fail have a meaning here; the linker refuses a program that uses others.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return svMemAlloc(static_cast<unsigned>(size));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return svMemAlloc(static_cast<unsigned>(size));
}
void operator delete(void* object) noexcept { svMemFree(object); }
void operator delete[](void* object) noexcept { svMemFree(object); }
void operator delete(void* object, std::size_t) noexcept { svMemFree(object); }
void operator delete[](void* object, std::size_t) noexcept { svMemFree(object); }
