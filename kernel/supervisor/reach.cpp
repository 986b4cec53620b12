#include "kernel/supervisor/reach.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

namespace chorale {

bool supervisor_reach(VirtAddr start, std::size_t bytes) {
    constexpr uword begin = machine::supervisor_begin, end = machine::supervisor_end;
    const Thread* const thread = this_cpu().current;
    if (thread == nullptr || !in_supervisor_mode(*thread)) return false;
    return start.raw() >= begin && start.raw() <= end && bytes <= end - start.raw();
}

} // namespace chorale
