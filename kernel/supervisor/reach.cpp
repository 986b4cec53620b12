// Which addresses of the supervisor range a caller may name in a nucleus call: all of them in supervisor
// mode, none in user mode. Unmapped ones make the copy fail as in user space.
#include "kernel/core/per_cpu.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>
#include <machine/user_access.hpp>

namespace chorale {

bool supervisor_reach(VirtAddr start, std::size_t bytes) {
    constexpr uword begin = machine::supervisor_begin, end = machine::supervisor_end;
    const Thread* const thread = this_cpu().current;
    if (thread == nullptr || !in_supervisor_mode(*thread)) return false;
    return start.raw() >= begin && start.raw() <= end && bytes <= end - start.raw();
}

} // namespace chorale
