// Address spaces: the frames of a few pages, for copies by the direct map without a lock. What keeps them is
// that every flush waits for this CPU, as if it had the pages in its TLB.
#include "kernel/mem/space.hpp"

#include "kernel/core/per_cpu.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

[[nodiscard]] unsigned look_for(const PageTable& table, VirtAddr at, unsigned count, Space::Reach how,
                                PhysAddr* frames) {
    if (how == Space::Reach::write)
        return table.frames_at < Protection::write | Protection::user > (at, count, frames);
    return table.frames_at < Protection::read | Protection::user > (at, count, frames);
}

} // namespace

bool Space::reach(VirtAddr at, uword size, Reach how, PhysAddr* frames) {
    const VirtAddr end = user_end();
    if (at > end || size > end - at) return false;
    const VirtAddr first = at.page_floor();
    const auto count = static_cast<unsigned>((at.page_offset() + size + page_size - 1) / page_size);
    for (;;) {
        const unsigned found = contents_.with([&](Contents& contents) {
            unsigned done = look_for(contents.table, first, count, how, frames);
            // The rest lies in the next table.
            if (done < count && done != 0) [[unlikely]]
                done += look_for(contents.table, first + done * page_size, count - done, how, frames + done);
            return done;
        });
        if (found == count) [[likely]]
            return true;
        const Protection need = how == Reach::write ? Protection::write : Protection::read;
        if (resolve(first + found * page_size, need) != Status::ok) return false;
        machine::interrupt_window();
        if (this_cpu().pending != 0) return false;
    }
}

} // namespace chorale
