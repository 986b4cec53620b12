// What the compiler calls: the heap, and the end of a call to a function that is none.
#include "c_os/base/memory.hpp"

#include <dki/f_dki.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace {

constinit std::atomic<chorale::u64> pieces;

// What svMemAlloc's argument cannot say there is no memory for either.
[[nodiscard]] void* allocate(std::size_t size) {
    constexpr std::size_t most = 0xffff'0000;
    void* const piece = size <= most ? svMemAlloc(static_cast<unsigned>(size)) : nullptr;
    if (piece != nullptr) pieces.fetch_add(1, std::memory_order_relaxed); // relaxed: a number by itself
    return piece;
}

void release(void* piece) {
    if (piece == nullptr) return;
    pieces.fetch_sub(1, std::memory_order_relaxed); // relaxed: as above
    svMemFree(piece);
}

} // namespace

const std::nothrow_t std::nothrow{};

// Only the forms that can fail have a meaning here; the linker refuses a program that uses others.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* object) noexcept { release(object); }
void operator delete[](void* object) noexcept { release(object); }
void operator delete(void* object, std::size_t) noexcept { release(object); }
void operator delete[](void* object, std::size_t) noexcept { release(object); }

// relaxed: as above
chorale::u64 chorale::c_os::heap_pieces() { return pieces.load(std::memory_order_relaxed); }

// Objects are used between their constructors and their destructors only.
extern "C" [[noreturn]] void __cxa_pure_virtual();
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
