// The change of the console from the firmware's to the device's own registers.
#pragma once

namespace chorale::machine {

// Once the device tree has been read and devices can be mapped: from now on put() and get() reach the console
// that the tree names, if it names one that is known here.
void console_use_device();

} // namespace chorale::machine
