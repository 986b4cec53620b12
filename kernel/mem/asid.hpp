// Address space identifiers: tags that let the TLB keep entries of several spaces. 0 is the tag of those that
// got none. Invariant: an identifier is free only when no TLB holds an entry of it. Spaces give theirs back
// at the end of their destruction, which starts only after a flush on every CPU that may hold entries.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

// 0 when none is free: the space works without, its root flushes the TLB whenever it is loaded.
[[nodiscard]] unsigned allocate_asid();
void free_asid(unsigned asid); // 0 is accepted
[[nodiscard]] unsigned asids_in_use();

} // namespace chorale
