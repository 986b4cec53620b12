// A copy that faults in supervisor mode goes on at its failure exit, as in the nucleus (arch/*/trap).
#include "kernel/supervisor/thread_level.hpp"

#include "formats/relocatable.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/supervisor/exports.hpp"

#include <machine/report.hpp>
#include <machine/supervisor.hpp>
#include <machine/user_access.hpp>

namespace chorale::thread_level {

namespace {

// At interrupt level user memory is whose thread was interrupted.
[[nodiscard]] bool at_thread_level() {
    return !at_interrupt_level(*static_cast<const Thread*>(machine::current_thread()));
}

} // namespace

int copy_in(VmAddr source, void* target, int count) {
    if (count < 0 || !at_thread_level() ||
        !machine::user_range(VirtAddr{source}, static_cast<std::size_t>(count)))
        return K_EFAULT;
    return machine::copy_in(target, VirtAddr{source}, static_cast<std::size_t>(count)) ? K_OK : K_EFAULT;
}

int copy_out(const void* source, VmAddr target, int count) {
    if (count < 0 || !at_thread_level() ||
        !machine::user_range(VirtAddr{target}, static_cast<std::size_t>(count)))
        return K_EFAULT;
    return machine::copy_out(VirtAddr{target}, source, static_cast<std::size_t>(count)) ? K_OK : K_EFAULT;
}

// Either side may be what faults: the copy stops there.
int copy_inside(const void* source, void* target, int count) {
    const auto size = static_cast<std::size_t>(count);
    const auto supervisor = [size](const void* place) {
        const auto begin = reinterpret_cast<uword>(place);
        return begin >= machine::supervisor_begin && begin <= machine::supervisor_end - size;
    };
    if (count < 0 || !at_thread_level() || !supervisor(source) || !supervisor(target)) return K_EFAULT;
    return machine::supervisor_read(target, VirtAddr{reinterpret_cast<uword>(source)}, size) ? K_OK
                                                                                             : K_EFAULT;
}

VmAddr symbol_address(const char* name) {
    std::size_t length = 0;
    while (length < RelocatableImage::name_limit && name[length] != '\0') ++length;
    return exported_symbol({name, length});
}

// Piece by piece, none across a boundary of 16 bytes: what lies behind the NUL need not be readable.
int copy_in_string(VmAddr source, char* target, int limit) {
    constexpr uword piece_size = 16;
    for (int done = 0; done < limit;) {
        const VmAddr at = source + static_cast<VmAddr>(done);
        const uword room = piece_size - at % piece_size, left = static_cast<uword>(limit - done);
        const auto piece = static_cast<int>(room < left ? room : left);
        if (copy_in(at, target + done, piece) != K_OK) return K_EFAULT;
        for (const int end = done + piece; done < end; ++done) {
            if (target[done] == '\0') return done + 1;
        }
    }
    return K_ENOMEM;
}

namespace {

// Not inlined: this CPU's block is looked for after interrupts are off.
[[gnu::noinline]] u32 add_masks(u32 number) { return this_cpu().interrupt_masks += number; }

} // namespace

// With interrupts off this CPU stays the caller's.
void mask_interrupts() {
    machine::interrupts_off();
    static_cast<void>(add_masks(1));
}

void unmask_interrupts() {
    if (add_masks(~u32{0}) != 0) return;
    machine::interrupts_on();
    // What has become due meanwhile comes at the next entry: this is one.
    constexpr unsigned null_call = 2;
    static_cast<void>(reinterpret_cast<long (*)()>(machine::call_gate(null_call))());
}

// Whoever has interrupts on has masked none, but could be moved while it reads.
unsigned count_masks() {
    machine::interrupts_off();
    const u32 count = add_masks(0);
    if (count == 0) machine::interrupts_on();
    return count;
}

} // namespace chorale::thread_level
