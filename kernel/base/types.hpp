// The words of the house: fixed-width shorthands and addresses that do not mix by accident.
#pragma once

#include <chorus/types.h>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace chorale {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using uword = std::uintptr_t;
using CpuIndex = u32;

inline constexpr unsigned max_cpus = 64;
inline constexpr std::size_t page_bits = 12;
inline constexpr std::size_t page_size = std::size_t{1} << page_bits;
inline constexpr std::size_t large_page_size = std::size_t{1} << 21;
inline constexpr std::size_t cache_line = 64;

// An address of one kind. Arithmetic stays within the kind; the raw number comes out only by name.
template <class Tag>
class Address {
  public:
    constexpr Address() = default;
    constexpr explicit Address(uword raw) : raw_{raw} {}
    [[nodiscard]] constexpr uword raw() const { return raw_; }
    [[nodiscard]] constexpr Address page_floor() const { return Address{raw_ & ~(page_size - 1)}; }
    [[nodiscard]] constexpr uword page_offset() const { return raw_ & (page_size - 1); }
    [[nodiscard]] constexpr bool page_aligned() const { return page_offset() == 0; }
    friend constexpr auto operator<=>(Address, Address) = default;
    friend constexpr Address operator+(Address a, uword bytes) { return Address{a.raw_ + bytes}; }
    friend constexpr Address operator-(Address a, uword bytes) { return Address{a.raw_ - bytes}; }
    friend constexpr uword operator-(Address a, Address b) { return a.raw_ - b.raw_; }

  private:
    uword raw_{};
};

using PhysAddr = Address<struct PhysTag>;
using VirtAddr = Address<struct VirtTag>; // an address in a user space: never dereferenced by nucleus code

// What a call returns to its caller: K_OK or one of the negative K_E codes of <chorus/types.h>.
enum class Status : int {
    ok = K_OK,
    invalid = K_EINVAL,
    fault = K_EFAULT,
    no_memory = K_ENOMEM,
    busy = K_EBUSY,
    aborted = K_EABORT,
    timeout = K_ETIMEOUT,
    unknown = K_EUNKNOWN,
    full = K_EFULL,
    privilege = K_EPRIV,
    no_port = K_ENOPORT,
    too_much = K_ETOOMUCH,
    not_implemented = K_ENOTIMP,
    overlap = K_EOVERLAP,
    address = K_EADDR,
    round = K_EROUND,
    size = K_ESIZE,
    crash = K_ECRASH,
    fail = K_EFAIL,
};

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    constexpr Result(Status status) : status_{status}, value_{} {}
    constexpr Result(T value) : status_{Status::ok}, value_{value} {}
    [[nodiscard]] constexpr bool ok() const { return status_ == Status::ok; }
    [[nodiscard]] constexpr Status status() const { return status_; }
    [[nodiscard]] constexpr const T& value() const { return value_; }

  private:
    Status status_;
    T value_;
};

[[nodiscard]] constexpr uword round_up(uword value, uword alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}
[[nodiscard]] constexpr uword round_down(uword value, uword alignment) { return value & ~(alignment - 1); }

} // namespace chorale
