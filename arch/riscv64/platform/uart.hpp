// The console's device as something that interrupts.
#pragma once

namespace chorale::machine {

// Lets it ask for an interrupt whenever it has nothing left to send, or not. False: there is no device.
bool console_interrupt(bool on);

} // namespace chorale::machine
