// Memory of the supervisor space and physical memory, for supervisor actors; and their panic.
#include "kernel/base/log.hpp"
#include "kernel/call/handlers.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

#include <machine/supervisor.hpp>

#include <bit>

namespace chorale {

namespace {

// ---- taking pages out: hide, flush everywhere, reap --------------------------------------------

void reap_step(Thread& self) {
    if (!supervisor_space().reap_step(self.work.range)) {
        self.continuation = reap_step;
        return;
    }
    self.clear(flag_finishing);
    self.frame.set_result(self.work.outcome);
    settle(self);
}

void hide_step(Thread& self) {
    if (!supervisor_space().hide_step(self.work.range)) {
        self.continuation = hide_step;
        return;
    }
    self.work.flush = supervisor_space().flush_for(self.work.range);
    tour(
        self, [](Thread& asker) { asker.work.flush.apply(this_cpu().space_root); },
        [](Thread& asker, long) { wake_with(asker, reap_step); });
}

// The call's result is then `outcome`.
[[nodiscard]] long take_out(Thread& self, VirtAddr start, u64 size, long outcome = K_OK) {
    if (!start.page_aligned()) return K_EROUND;
    if (size == 0 || size > machine::supervisor_end - machine::supervisor_begin) return K_ESIZE;
    const VirtRange range{start, start + round_up(size, page_size)};
    const Status status = supervisor_space().begin_free(range, self.work.range);
    if (status == Status::timeout) return K_EBUSY; // vmLock
    if (status != Status::ok) return static_cast<long>(status);
    self.work.outcome = outcome;
    self.set(flag_finishing);
    hide_step(self);
    return no_result;
}

// What nobody could be told of goes again; not at interrupt level, where nothing can be waited for.
[[nodiscard]] long drop(Thread& self, VirtAddr start, u64 size) {
    return at_interrupt_level(self) ? K_EFAULT : take_out(self, start, size, K_EFAULT);
}

[[nodiscard]] bool power_of_two_or_none(u64 value) { return value == 0 || std::has_single_bit(value); }

// Blocks are aligned to their own size: what is asked for beyond that needs a bigger one. Above the largest
// order: it cannot be had.
[[nodiscard]] unsigned order_of(u64 size, const KnPhMemAlign& align) {
    const u64 most = order_bytes(frame_orders - 1);
    if (size > most || align.alignment > most) return frame_orders;
    return order_for(align.alignment > size ? align.alignment : size);
}

} // namespace

namespace calls {

long svPagesAllocate(Thread& self, UserOut<VmAddr> address, VmSize size, VmFlags flags, Cap capability) {
    if (const Result<Actor*> actor = actor_of(self, capability); !actor.ok())
        return static_cast<long>(actor.status());
    if ((flags & ~K_NOWAITFORMEMORY) != 0) return K_EINVAL;
    if (address.probe() != Status::ok) return K_EFAULT;
    const Result<VirtAddr> start = supervisor_space().allocate(size, Protection::read | Protection::write);
    if (!start.ok()) return static_cast<long>(start.status());
    return address.write(start.value().raw()) == Status::ok ? K_OK : drop(self, start.value(), size);
}

long svPagesFree(Thread& self, VmAddr address, VmSize size) {
    return take_out(self, VirtAddr{address}, size);
}

long svPhysMap(Thread& self, UserInOut<KnPhMemChunk> chunk_at, PteCntlBits bits) {
    const Result<KnPhMemChunk> read = chunk_at.read();
    if (!read.ok() || chunk_at.write(read.value()) != Status::ok) return K_EFAULT;
    if ((bits & ~(K_PTE_WRITABLE | K_PTE_UNCACHED)) != 0) return K_EINVAL;
    KnPhMemChunk chunk = read.value();
    Protection protection = Protection::read;
    if ((bits & K_PTE_WRITABLE) != 0) protection = protection | Protection::write;
    if ((bits & K_PTE_UNCACHED) != 0) protection = protection | Protection::device;
    const Result<VirtAddr> start =
        supervisor_space().map_physical(PhysAddr{chunk.paddr}, chunk.psize, protection);
    if (!start.ok()) return static_cast<long>(start.status());
    chunk.vaddr = start.value().raw();
    return chunk_at.write(chunk) == Status::ok ? K_OK : drop(self, start.value(), chunk.psize);
}

long svPhysUnmap(Thread& self, UserIn<KnPhMemChunk> chunk_at) {
    const Result<KnPhMemChunk> chunk = chunk_at.read();
    if (!chunk.ok()) return K_EFAULT;
    return take_out(self, VirtAddr{chunk.value().vaddr}, chunk.value().psize);
}

long svPhysAlloc(Thread&, UserInOut<KnPhMemChunk> chunk_at, UserInOpt<KnPhMemAlign> align_at) {
    const Result<KnPhMemChunk> read = chunk_at.read();
    if (!read.ok() || chunk_at.write(read.value()) != Status::ok) return K_EFAULT;
    KnPhMemAlign align{};
    if (align_at.given()) {
        const Result<KnPhMemAlign> given = align_at.read();
        if (!given.ok()) return K_EFAULT;
        align = given.value();
    }
    KnPhMemChunk chunk = read.value();
    if (chunk.psize == 0) return K_ESIZE;
    if (!power_of_two_or_none(align.alignment) || !power_of_two_or_none(align.boundary)) return K_EINVAL;
    if (align.boundary != 0 && align.boundary < chunk.psize) return K_EINVAL;
    const unsigned order = order_of(chunk.psize, align);
    if (order == frame_orders) return K_ESIZE;
    // A block crosses no multiple of a power of two that is not smaller than itself; one that is smaller
    // holds the chunk at the block's beginning.
    const Result<PhysAddr> block = allocate_frames(order);
    if (!block.ok()) return static_cast<long>(block.status());
    if (align.limit != 0 && block.value().raw() + chunk.psize > align.limit) {
        free_frames(block.value(), order);
        return K_ENOMEM;
    }
    chunk.paddr = block.value().raw();
    chunk.psize = order_bytes(order);
    if (chunk_at.write(chunk) == Status::ok) return K_OK;
    free_frames(block.value(), order);
    return K_EFAULT;
}

long svPhysFree(Thread&, UserIn<KnPhMemChunk> chunk_at) {
    const Result<KnPhMemChunk> chunk = chunk_at.read();
    if (!chunk.ok()) return K_EFAULT;
    const PhysAddr block{chunk.value().paddr};
    if (chunk.value().psize > order_bytes(frame_orders - 1)) return K_EINVAL;
    const unsigned order = order_for(chunk.value().psize);
    if (order_bytes(order) != chunk.value().psize || !frames_allocated(block, order)) return K_EINVAL;
    free_frames(block, order);
    return K_OK;
}

long svSysPanic(Thread&, unsigned int number, UserBytesIn arguments, unsigned int size, UserText message_at,
                UserText file_at, int line) {
    static char message[160], file[64]; // nothing comes after
    u64 words[8]{};
    const Result<std::size_t> message_size = message_at.read(message, sizeof message - 1);
    const Result<std::size_t> file_size = file_at.read(file, sizeof file - 1);
    if (message_size.status() == Status::fault) message[0] = '\0';
    if (file_size.status() == Status::fault) file[0] = '\0';
    const std::size_t count = size < sizeof words ? size : sizeof words;
    if (!machine::copy_in(words, arguments.address, count)) words[0] = 0;
    log("svSysPanic {}: {} ({}:{})", number, std::string_view{message}, std::string_view{file}, line);
    for (std::size_t i = 0; i * sizeof(u64) < count; ++i) log("  argument {}", Hex{words[i]});
    panic("svSysPanic", number);
}

} // namespace calls
} // namespace chorale
