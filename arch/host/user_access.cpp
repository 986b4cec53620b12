// Copies between the nucleus and simulated user memory, page by page.
#include <machine/user_access.hpp>

#include <algorithm>
#include <cstring>

namespace chorale::machine {

namespace {

template <class Copy>
[[nodiscard]] bool for_each_piece(VirtAddr at, std::size_t bytes, Protection access, Copy&& copy) {
    if (!user_range(at, bytes)) return false;
    for (std::size_t done = 0; done < bytes;) {
        const VirtAddr place = at + done;
        const std::size_t count = std::min(bytes - done, page_size - place.page_offset());
        std::byte* const user = user_byte(place, access);
        if (user == nullptr) return false;
        copy(user, done, count);
        done += count;
    }
    return true;
}

}  // namespace

bool copy_in(void* to, VirtAddr from, std::size_t bytes) {
    auto* const bytes_to = static_cast<std::byte*>(to);
    return for_each_piece(from, bytes, Protection::read, [&](std::byte* user, uword done, uword n) {
        std::memcpy(bytes_to + done, user, n);
    });
}

bool copy_out(VirtAddr to, const void* from, std::size_t bytes) {
    const auto* const bytes_from = static_cast<const std::byte*>(from);
    return for_each_piece(to, bytes, Protection::write, [&](std::byte* user, uword done, uword n) {
        std::memcpy(user, bytes_from + done, n);
    });
}

}  // namespace chorale::machine
