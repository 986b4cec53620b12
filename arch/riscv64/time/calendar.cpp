// The battery clock: the Goldfish clock of QEMU's virt board, nanoseconds since 1970 in two registers.
#include "arch/riscv64/cpu/device_io.hpp"
#include "arch/riscv64/platform/firmware.hpp"

#include <machine/mmu.hpp>
#include <machine/timer.hpp>

namespace chorale::machine {

u64 calendar() {
    const boot::device_tree::Range& place = firmware().calendar;
    if (place.length == 0) return 0;
    auto* const registers =
        static_cast<volatile u32*>(map_device(PhysAddr{place.begin}, static_cast<std::size_t>(place.length)));
    if (registers == nullptr) return 0;
    const u64 low = read_device(registers); // reading it keeps the high half that goes with it
    return u64{read_device(registers + 1)} << 32 | low;
}

} // namespace chorale::machine
