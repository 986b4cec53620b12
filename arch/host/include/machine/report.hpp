// What a panic shows of this machine.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

using TextSink = void (*)(const char* text, std::size_t length);
using TraceSink = void (*)(uword address, bool exact);

void print_registers(TextSink sink);
void backtrace(TraceSink sink);
[[nodiscard]] CpuIndex cpu_number();
inline void interrupts_off() {}

} // namespace chorale::machine
