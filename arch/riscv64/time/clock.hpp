// Finds out how fast time runs and through what the alarm is set.
#pragma once

namespace chorale::machine {

void clock_start();

} // namespace chorale::machine
