// Copies between the nucleus and simulated user memory, page by page.
#include <machine/user_access.hpp>

#include "arch/host/engine.hpp"
#include "kernel/core/entry.hpp"

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

template <class Copy>
[[nodiscard]] bool for_each_piece(VirtAddr at, std::size_t bytes, Protection access, bool resolving,
                                  Copy&& copy) {
    if (!user_range(at, bytes)) return false;
    for (std::size_t done = 0; done < bytes;) {
        const VirtAddr place = at + done;
        const std::size_t count = std::min(bytes - done, page_size - place.page_offset());
        std::byte* const user = user_byte(place, access);
        if (user == nullptr) {
            if (!resolving || on_page_fault(place, access, FaultBy::copy) != Status::ok) return false;
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

bool user_read(void* to, VirtAddr from, std::size_t bytes) { return read(to, from, bytes, false); }
bool user_write(VirtAddr to, const void* from, std::size_t bytes) { return write(to, from, bytes, false); }

bool copy_in(void* to, VirtAddr from, std::size_t bytes) {
    host::engine().boundary(host::Boundary::copy);
    return read(to, from, bytes, true) && !copy_refused();
}

bool copy_out(VirtAddr to, const void* from, std::size_t bytes) {
    host::engine().boundary(host::Boundary::copy);
    return write(to, from, bytes, true) && !copy_refused();
}

} // namespace chorale::machine
