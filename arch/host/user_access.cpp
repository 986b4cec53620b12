// Copies between the nucleus and simulated user memory, page by page.
#include <machine/user_access.hpp>

#include "arch/host/engine.hpp"
#include "arch/host/memory.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/supervisor/reach.hpp"

#include <machine/cpu.hpp>
#include <machine/supervisor.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace chorale::machine {

namespace {

std::atomic<u64> failure_countdown{0};

// relaxed throughout: a number that exactly one copy takes
[[nodiscard]] bool copy_refused() {
    u64 left = failure_countdown.load(std::memory_order_relaxed);
    // relaxed: see above
    while (left != 0 && !failure_countdown.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
    }
    return left == 1;
}

[[nodiscard]] bool within(VirtAddr at, std::size_t bytes, uword begin, uword end) {
    return at.raw() >= begin && at.raw() <= end && bytes <= end - at.raw();
}

// Only the machine as a whole has threads in supervisor mode.
[[nodiscard]] bool in_reach(VirtAddr at, std::size_t bytes) {
    return user_range(at, bytes) || (cpu_block() != nullptr && supervisor_reach(at, bytes));
}

[[nodiscard]] bool native(VirtAddr at, std::size_t bytes) {
    return host::native_variables != nullptr && host::native_variables(at, bytes);
}

template <class Copy>
[[nodiscard]] bool for_each_piece(VirtAddr at, std::size_t bytes, Protection access, bool resolving,
                                  Copy&& copy) {
    for (std::size_t done = 0; done < bytes;) {
        const VirtAddr place = at + done;
        const std::size_t count = std::min(bytes - done, page_size - place.page_offset());
        std::byte* const user = user_byte(place, access);
        if (user == nullptr) {
            const bool may_come = resolving && user_range(place, 1);
            if (!may_come || on_page_fault(place, access, FaultBy::copy) != Status::ok) return false;
            continue;
        }
        copy(user, done, count);
        done += count;
    }
    return true;
}

} // namespace

// relaxed, both: set while no copy is under way
void fail_user_copy_after(u64 n) { failure_countdown.store(n, std::memory_order_relaxed); }
u64 user_copies_before_failure() { return failure_countdown.load(std::memory_order_relaxed); }

namespace {

[[nodiscard]] bool read(void* to, VirtAddr from, std::size_t bytes, bool resolving) {
    auto* const bytes_to = static_cast<std::byte*>(to);
    return for_each_piece(
        from, bytes, Protection::read, resolving,
        [&](std::byte* user, uword done, uword n) { std::memcpy(bytes_to + done, user, n); });
}

[[nodiscard]] bool write(VirtAddr to, const void* from, std::size_t bytes, bool resolving) {
    const auto* const bytes_from = static_cast<const std::byte*>(from);
    return for_each_piece(to, bytes, Protection::write, resolving, [&](std::byte* user, uword done, uword n) {
        std::memcpy(user, bytes_from + done, n);
    });
}

} // namespace

bool user_read(void* to, VirtAddr from, std::size_t bytes) {
    return in_reach(from, bytes) && read(to, from, bytes, false);
}

bool user_write(VirtAddr to, const void* from, std::size_t bytes) {
    return in_reach(to, bytes) && write(to, from, bytes, false);
}

bool supervisor_read(void* to, VirtAddr from, std::size_t bytes) {
    return within(from, bytes, supervisor_begin, supervisor_end) && read(to, from, bytes, false);
}

bool supervisor_write(VirtAddr to, const void* from, std::size_t bytes) {
    return within(to, bytes, supervisor_begin, supervisor_end) && write(to, from, bytes, false);
}

bool copy_in(void* to, VirtAddr from, std::size_t bytes) {
    host::engine().boundary(host::Boundary::copy);
    if (native(from, bytes)) {
        std::memcpy(to, reinterpret_cast<const void*>(from.raw()), bytes);
        return !copy_refused();
    }
    return in_reach(from, bytes) && read(to, from, bytes, true) && !copy_refused();
}

bool copy_out(VirtAddr to, const void* from, std::size_t bytes) {
    host::engine().boundary(host::Boundary::copy);
    if (native(to, bytes)) {
        std::memcpy(reinterpret_cast<void*>(to.raw()), from, bytes);
        return !copy_refused();
    }
    return in_reach(to, bytes) && write(to, from, bytes, true) && !copy_refused();
}

} // namespace chorale::machine
