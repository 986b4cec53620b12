// Registers that the device tree names, mapped with distrust.
#pragma once

#include "arch/riscv64/platform/firmware.hpp"
#include "kernel/boot/device_tree.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

// The registers [offset, offset + length) of a device, for accesses of type T. nullptr: the device is not
// that large, lies in memory, where no page table can point to or not on a multiple of T's size, or there is
// no room left to map it.
template <class T>
[[nodiscard]] inline volatile T* map_registers(const boot::device_tree::Range& device, u64 offset,
                                               std::size_t length) {
    constexpr u64 physical_end = u64{1} << 56;
    if (!formats::fits(device.begin, device.length, physical_end)) return nullptr;
    if (!formats::fits(offset, length, device.length) || (device.begin + offset) % sizeof(T) != 0)
        return nullptr;
    for (const boot::FirmwareRange& memory : firmware().memory.all()) {
        if (device.begin < memory.base + memory.length && memory.base < device.begin + device.length)
            return nullptr;
    }
    return static_cast<volatile T*>(map_device(PhysAddr{device.begin + offset}, length));
}

} // namespace chorale::machine
