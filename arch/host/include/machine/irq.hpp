// Device interrupt lines: what a test raises (host::raise_line). Each is masked until somebody attaches.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

[[nodiscard]] unsigned irq_lines();

[[nodiscard]] bool irq_attach(unsigned line, CpuIndex target);
void irq_unmask(unsigned line);
void irq_mask(unsigned line);

} // namespace chorale::machine
