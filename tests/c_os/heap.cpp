// The heap of C_OS in its tests: what can fail is C_OS's and fails when told to, all other is the tests' own.
// (Without the thread sanitizer, which has a heap.)
#include "nucleus.hpp"

#include <cstdlib>
#include <new>

using namespace chorale::c_os::test;

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocation_fails_now() ? nullptr : std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return allocation_fails_now() ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) { return std::malloc(size); }
void* operator new[](std::size_t size) { return std::malloc(size); }
void operator delete(void* object) noexcept { std::free(object); }
void operator delete[](void* object) noexcept { std::free(object); }
void operator delete(void* object, std::size_t) noexcept { std::free(object); }
void operator delete[](void* object, std::size_t) noexcept { std::free(object); }
