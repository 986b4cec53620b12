// The memory of the process whose call this thread serves. Nothing there is believed, and an address that is
// bad ends in efault.
#pragma once

#include "c_os/base/error.hpp"
#include "kernel/base/types.hpp"

#include <mem/chMem.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace chorale::c_os {

// Of a process in the supervisor space: its memory lies beside C_OS's.
[[nodiscard]] bool serves_supervisor_actor();
[[nodiscard]] Done copy_inside(void* to, const void* from, std::size_t size);

// Of nothing the address does not matter.
[[nodiscard]] inline Done copy_in(void* to, u64 from, std::size_t size) {
    if (size == 0 || svCopyIn(from, to, static_cast<int>(size)) == K_OK) [[likely]]
        return {};
    return copy_inside(to, reinterpret_cast<const void*>(from), size);
}
[[nodiscard]] inline Done copy_out(u64 to, const void* from, std::size_t size) {
    if (size == 0 || svCopyOut(from, to, static_cast<int>(size)) == K_OK) [[likely]]
        return {};
    return copy_inside(reinterpret_cast<void*>(to), from, size);
}
// Up to a NUL, with it: how many bytes, K_EFAULT, or K_ENOMEM: no NUL within `limit`.
[[nodiscard]] int copy_string_in(char* to, u64 from, std::size_t limit);

template <class T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Result<T> get_from_user(u64 address) {
    T value{};
    if (const Done done = copy_in(&value, address, sizeof value); !done) return failed(done.error());
    return value;
}
template <class T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Done put_to_user(u64 address, const T& value) {
    return copy_out(address, &value, sizeof value);
}

// A string of the user's in C_OS's memory, cut off nowhere: too long is an error.
template <std::size_t Size>
class UserString {
  public:
    // Errors: efault; too_long when there is no NUL within Size bytes.
    [[nodiscard]] Done read(u64 address, Error too_long) {
        const int length = copy_string_in(text_, address, Size);
        if (length == K_ENOMEM) return failed(too_long);
        if (length < 0) return failed(Error::efault);
        length_ = static_cast<std::size_t>(length) - 1;
        return {};
    }
    [[nodiscard]] std::string_view view() const { return {text_, length_}; }

  private:
    char text_[Size];
    std::size_t length_{};
};

inline constexpr std::size_t path_limit = 4096; // with its NUL
using UserPath = UserString<path_limit>;

} // namespace chorale::c_os
