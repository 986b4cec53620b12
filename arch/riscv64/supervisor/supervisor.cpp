#include <machine/supervisor.hpp>

#include "kernel/base/types.hpp"

namespace chorale::machine {

extern "C" const u8 chorale_call_gates[];

uword call_gate(unsigned number) {
    constexpr uword gate_size = 8;
    return reinterpret_cast<uword>(chorale_call_gates) + number * gate_size;
}

} // namespace chorale::machine
