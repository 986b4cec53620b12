// The device tree, read once at boot. Valid for ever.
#pragma once

#include "kernel/boot/device_tree.hpp"

namespace chorale::machine {

// `tree`: its physical address, from the loader. Panics with one line when there is none that can be used.
void firmware_read(u64 tree);
[[nodiscard]] const boot::device_tree::Machine& firmware();
// The tree itself, physical.
[[nodiscard]] boot::MemoryRange firmware_tree();

} // namespace chorale::machine
