// Device interrupt lines: the sources of the PLIC or APLIC. All are masked until somebody attaches.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

[[nodiscard]] unsigned irq_lines(); // lines are 0 to irq_lines() - 1; there may be holes

// Routes `line` to `target`, still masked. False: there is no such line.
[[nodiscard]] bool irq_attach(unsigned line, CpuIndex target);
// When an interrupt comes, the line is masked (level) or left open (edge), acknowledged, and
// chorale::on_device(line) is called; a level line stays masked until irq_unmask().
void irq_unmask(unsigned line);
void irq_mask(unsigned line);

} // namespace chorale::machine
