// The functions that instrumented code calls, by the names that clang gives them, as in the thread
// sanitizer's tsan_interface.h and tsan_interface_atomic.h. Compiled without instrumentation.
#include "arch/host/weak/atomic.hpp"
#include "arch/host/weak/race.hpp"

#include <cstring>

namespace chorale::weak {

namespace {

__extension__ using Wide = unsigned __int128;

template <class T>
constexpr bool is_wide = sizeof(T) > granule;

constexpr Order order_of(int order) { return static_cast<Order>(order & 0x7); }

template <class T>
Operation operation(Access access, const volatile T* address, int order, const void* pc) {
    return {access, order_of(order), sizeof(T), reinterpret_cast<std::uintptr_t>(address), pc};
}

template <class T>
T atomic_load(const volatile T* address, int order, const void* pc) {
    if (state.current == nullptr) return *address;
    schedule(Access::load, address);
    const Operation what = operation(Access::load, address, order, pc);
    if constexpr (is_wide<T>) {
        act_directly(what, false);
        return *address;
    } else {
        return static_cast<T>(load(what, *address));
    }
}

template <class T>
void atomic_store(volatile T* address, T value, int order, const void* pc) {
    if (state.current != nullptr) {
        schedule(Access::store, address);
        const Operation what = operation(Access::store, address, order, pc);
        if constexpr (is_wide<T>) {
            act_directly(what, true);
        } else {
            store(what, *address, value);
        }
    }
    *address = value;
}

// `change` makes the new value from the old one.
template <class T, class F>
T atomic_change(volatile T* address, int order, const void* pc, F&& change) {
    if (state.current != nullptr) {
        schedule(Access::exchange, address);
        const Operation what = operation(Access::exchange, address, order, pc);
        if constexpr (is_wide<T>) {
            act_directly(what, true);
        } else {
            exchange(what, *address, static_cast<T>(change(*address)));
        }
    }
    const T old = *address;
    *address = static_cast<T>(change(old));
    return old;
}

template <class T>
T atomic_compare_exchange(volatile T* address, T expected, T desired, int success, int failure,
                          const void* pc) {
    T seen;
    if (state.current == nullptr) {
        seen = *address;
    } else {
        schedule(Access::compare_exchange, address);
        const Operation what = operation(Access::compare_exchange, address, success, pc);
        if constexpr (is_wide<T>) {
            seen = *address;
            act_directly(what, seen == expected);
        } else {
            seen = static_cast<T>(compare_exchange(what, order_of(failure), *address, expected, desired));
        }
    }
    if (seen == expected) *address = desired;
    return seen;
}

template <class T>
int atomic_compare_exchange(volatile T* address, T* expected, T desired, int success, int failure,
                            const void* pc) {
    const T seen = atomic_compare_exchange(address, T{*expected}, desired, success, failure, pc);
    if (seen == *expected) return 1;
    *expected = seen;
    return 0;
}

void atomic_fence(int order, const void* pc) {
    if (state.current == nullptr) return;
    schedule(Access::fence, nullptr);
    fence(order_of(order), pc);
}

std::uintptr_t number(const volatile void* address) { return reinterpret_cast<std::uintptr_t>(address); }

} // namespace

} // namespace chorale::weak

// Each is declared before it is defined, as the warnings ask.
#define ENTRY(type, name, parameters)                                                                        \
    extern "C" type name parameters;                                                                         \
    extern "C" type name parameters
#define CALLER __builtin_return_address(0)

namespace weak = chorale::weak;

ENTRY(void, __tsan_init, ()) {}
ENTRY(void, __tsan_func_entry, (void*)) {}
ENTRY(void, __tsan_func_exit, ()) {}
ENTRY(void, __tsan_ignore_thread_begin, ()) {}
ENTRY(void, __tsan_ignore_thread_end, ()) {}

// Plain accesses. A volatile one is a plain one: volatile orders nothing between CPUs. "read_write" comes
// from -tsan-compound-read-before-write.
#define PLAIN(size)                                                                                          \
    ENTRY(void, __tsan_read##size, (void* address)) { weak::plain<size, false>(address, CALLER); }           \
    ENTRY(void, __tsan_write##size, (void* address)) { weak::plain<size, true>(address, CALLER); }           \
    ENTRY(void, __tsan_read_write##size, (void* address)) { weak::plain<size, true>(address, CALLER); }      \
    ENTRY(void, __tsan_volatile_read##size, (void* address)) { weak::plain<size, false>(address, CALLER); }  \
    ENTRY(void, __tsan_volatile_write##size, (void* address)) { weak::plain<size, true>(address, CALLER); }  \
    ENTRY(void, __tsan_read##size##_pc, (void* address, void* pc)) {                                         \
        weak::plain<size, false>(address, pc);                                                               \
    }                                                                                                        \
    ENTRY(void, __tsan_write##size##_pc, (void* address, void* pc)) { weak::plain<size, true>(address, pc); }

// Accesses that may cross a granule.
#define RANGE(name, size, write)                                                                             \
    ENTRY(void, name, (void* address)) { weak::plain_range(weak::number(address), size, write, CALLER); }
#define UNALIGNED(size)                                                                                      \
    RANGE(__tsan_unaligned_read##size, size, false)                                                          \
    RANGE(__tsan_unaligned_write##size, size, true)                                                          \
    RANGE(__tsan_unaligned_read_write##size, size, true)                                                     \
    RANGE(__tsan_unaligned_volatile_read##size, size, false)                                                 \
    RANGE(__tsan_unaligned_volatile_write##size, size, true)

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)
RANGE(__tsan_read16, 16, false)
RANGE(__tsan_write16, 16, true)
RANGE(__tsan_read_write16, 16, true)
RANGE(__tsan_volatile_read16, 16, false)
RANGE(__tsan_volatile_write16, 16, true)

ENTRY(void, __tsan_read16_pc, (void* address, void* pc)) {
    weak::plain_range(weak::number(address), 16, false, pc);
}
ENTRY(void, __tsan_write16_pc, (void* address, void* pc)) {
    weak::plain_range(weak::number(address), 16, true, pc);
}
ENTRY(void, __tsan_read_range, (void* address, unsigned long size)) {
    weak::plain_range(weak::number(address), size, false, CALLER);
}
ENTRY(void, __tsan_write_range, (void* address, unsigned long size)) {
    weak::plain_range(weak::number(address), size, true, CALLER);
}
// A constructor that sets the table that is set already changes nothing for those who read it.
ENTRY(void, __tsan_vptr_update, (void** address, void* table)) {
    if (*address != table) weak::plain<8, true>(address, CALLER);
}
ENTRY(void, __tsan_vptr_read, (void** address)) { weak::plain<8, false>(address, CALLER); }

ENTRY(void*, __tsan_memcpy, (void* to, const void* from, unsigned long size)) {
    weak::plain_range(weak::number(from), size, false, CALLER);
    weak::plain_range(weak::number(to), size, true, CALLER);
    return std::memcpy(to, from, size);
}
ENTRY(void*, __tsan_memmove, (void* to, const void* from, unsigned long size)) {
    weak::plain_range(weak::number(from), size, false, CALLER);
    weak::plain_range(weak::number(to), size, true, CALLER);
    return std::memmove(to, from, size);
}
ENTRY(void*, __tsan_memset, (void* to, int value, unsigned long size)) {
    weak::plain_range(weak::number(to), size, true, CALLER);
    return std::memset(to, value, size);
}

#define CHANGE(bits, type, name, expression)                                                                 \
    ENTRY(type, __tsan_atomic##bits##_##name, (volatile type * address, type value, int order)) {            \
        return weak::atomic_change(address, order, CALLER, [=]([[maybe_unused]] type old) {                  \
            return static_cast<type>(expression);                                                            \
        });                                                                                                  \
    }
#define ATOMIC(bits, type)                                                                                   \
    ENTRY(type, __tsan_atomic##bits##_load, (const volatile type* address, int order)) {                     \
        return weak::atomic_load(address, order, CALLER);                                                    \
    }                                                                                                        \
    ENTRY(void, __tsan_atomic##bits##_store, (volatile type * address, type value, int order)) {             \
        weak::atomic_store(address, value, order, CALLER);                                                   \
    }                                                                                                        \
    CHANGE(bits, type, exchange, value)                                                                      \
    CHANGE(bits, type, fetch_add, old + value)                                                               \
    CHANGE(bits, type, fetch_sub, old - value)                                                               \
    CHANGE(bits, type, fetch_and, old& value)                                                                \
    CHANGE(bits, type, fetch_or, old | value)                                                                \
    CHANGE(bits, type, fetch_xor, old ^ value)                                                               \
    CHANGE(bits, type, fetch_nand, ~(old & value))                                                           \
    ENTRY(type, __tsan_atomic##bits##_compare_exchange_val,                                                  \
          (volatile type * address, type expected, type desired, int success, int failure)) {                \
        return weak::atomic_compare_exchange(address, expected, desired, success, failure, CALLER);          \
    }                                                                                                        \
    ENTRY(int, __tsan_atomic##bits##_compare_exchange_strong,                                                \
          (volatile type * address, type * expected, type desired, int success, int failure)) {              \
        return weak::atomic_compare_exchange(address, expected, desired, success, failure, CALLER);          \
    }                                                                                                        \
    ENTRY(int, __tsan_atomic##bits##_compare_exchange_weak,                                                  \
          (volatile type * address, type * expected, type desired, int success, int failure)) {              \
        return weak::atomic_compare_exchange(address, expected, desired, success, failure, CALLER);          \
    }

ATOMIC(8, std::uint8_t)
ATOMIC(16, std::uint16_t)
ATOMIC(32, std::uint32_t)
ATOMIC(64, std::uint64_t)
ATOMIC(128, chorale::weak::Wide)

ENTRY(void, __tsan_atomic_thread_fence, (int order)) { weak::atomic_fence(order, CALLER); }
// Orders a CPU with its own interrupt handlers, which it always sees in order here.
ENTRY(void, __tsan_atomic_signal_fence, (int)) {}
