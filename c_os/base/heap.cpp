// What the compiler calls: the heap, and the end of a call to a function that is none.
#include <dki/f_dki.h>

#include <cstddef>
#include <new>

namespace {

// What svMemAlloc's argument cannot say there is no memory for either.
[[nodiscard]] void* allocate(std::size_t size) {
    constexpr std::size_t most = 0xffff'0000;
    return size <= most ? svMemAlloc(static_cast<unsigned>(size)) : nullptr;
}

} // namespace

const std::nothrow_t std::nothrow{};

// Only the forms that can fail have a meaning here; the linker refuses a program that uses others.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* object) noexcept { svMemFree(object); }
void operator delete[](void* object) noexcept { svMemFree(object); }
void operator delete(void* object, std::size_t) noexcept { svMemFree(object); }
void operator delete[](void* object, std::size_t) noexcept { svMemFree(object); }

// Objects are used between their constructors and their destructors only.
extern "C" [[noreturn]] void __cxa_pure_virtual();
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
