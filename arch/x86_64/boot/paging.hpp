// The boot CPU's change to the nucleus's own tables.
#pragma once

namespace chorale::machine {

void load_nucleus_tables();

} // namespace chorale::machine
