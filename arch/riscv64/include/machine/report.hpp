// What a panic shows of this machine.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

// Gives the text away in pieces; must work without locks and memory.
using TextSink = void (*)(const char* text, std::size_t length);
// One code address, innermost first: where an exception hit (`exact`), else a return address, which may
// already lie in the next function.
using TraceSink = void (*)(uword address, bool exact);

// The registers at the exception that led here, else those of the caller.
void print_registers(TextSink sink);
void backtrace(TraceSink sink);
// The CPU that runs this, told by its stack, without tp: the panic may have come from anywhere.
[[nodiscard]] CpuIndex cpu_number();

// Interrupts off, for code that may run in any state.
void interrupts_off();

} // namespace chorale::machine
