// QEMU's way out with an exit status.
#pragma once

namespace chorale::machine {

// Where the device tree names it: after this power_off() uses it.
void find_test_device();

} // namespace chorale::machine
