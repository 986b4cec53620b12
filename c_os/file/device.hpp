// Devices: what character nodes stand for, whatever file system they lie in.
#pragma once

#include "c_os/file/open_file.hpp"

namespace chorale::c_os {

class Device {
  public:
    // Errors: enxio, eio, enomem, and the device's own.
    [[nodiscard]] virtual Result<Ref<OpenFile>> open(FileContext& context, Ref<Node> node, u32 flags) = 0;

  protected:
    ~Device() = default;
};

inline constexpr u64 device_null = device_number(1, 3);
inline constexpr u64 device_zero = device_number(1, 5);
inline constexpr u64 device_full = device_number(1, 7);
inline constexpr u64 device_random = device_number(1, 8);
inline constexpr u64 device_urandom = device_number(1, 9);
inline constexpr u64 device_tty = device_number(5, 0);
inline constexpr u64 device_console = device_number(5, 1);

// Devices register themselves at the start and stay. Errors: enomem (there are device_limit), eexist.
inline constexpr std::size_t device_limit = 64;
[[nodiscard]] Done register_device(u64 number, Device& device);
// As Node::open() of a character node does. Errors: enxio, there is no such device; the device's.
[[nodiscard]] Result<Ref<OpenFile>> open_device(FileContext& context, Ref<Node> node, u64 number, u32 flags);

// null, zero, full, random, urandom, tty. Errors: enomem.
[[nodiscard]] Done register_memory_devices();

} // namespace chorale::c_os
