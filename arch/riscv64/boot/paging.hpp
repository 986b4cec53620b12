// What the MMU can do, and the boot hart's change to the nucleus's own tables.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

void probe_mmu();
void load_nucleus_tables();

} // namespace chorale::machine
