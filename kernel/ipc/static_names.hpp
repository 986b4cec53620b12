// Where ports with static names are: the second half of the port table.
//
// A static name's bucket follows from its stamp (uiBuild() in include/ipc/chId.h), so two live ports may want
// the same one. The first has it and is found as fast as any port. The others are *displaced*: they stand in
// one short list, which find_port() searches when the bucket has another name. A port stays where it is until
// it is deleted. Only trusted programs declare ports, so nobody else makes that list long.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

namespace chorale {

struct Port;

// The part of the names' table that their lock guards (port.cpp).
class StaticNames {
  public:
    static constexpr unsigned displaced_limit = 32;

    [[nodiscard]] Port* find(const KnUniqueId& name) const;
    [[nodiscard]] Status enter(Port& port); // its name is set, and nobody's; error: full
    void leave(Port& port);
    [[nodiscard]] unsigned count() const { return in_table_ + displaced_; }

  private:
    unsigned in_table_{}, displaced_{};
};

// Without the lock; the port may be dying.
[[nodiscard]] Port* find_displaced(const KnUniqueId& name);

} // namespace chorale
