// Pages for files and pipes. The nucleus keeps a record for each piece of memory that it gives: so pages come
// from it by chunks of 64, which begin at multiples of their size. The first page of a chunk says which of
// the others are free; a chunk of which all are goes back, but for one.
#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"
#include "c_os/base/sync.hpp"

#include <mem/chMem.h>

#include <bit>

namespace chorale::c_os {

namespace {

constexpr std::size_t chunk_pages = 64, chunk_size = chunk_pages * page_size;
constexpr u64 all_free = ~u64{1}; // the first page is the chunk's own

struct InPool;
struct Chunk : ListNode<InPool> {
    u64 free{all_free};
    u64 zero{all_free}; // of the free ones: those that are zero already
};

Mutex mutex;                   // all below
List<Chunk, InPool> with_free; // chunks that have a free page
unsigned unused_chunks;        // of those: with no page in use
u64 used_pages, chunks;

[[nodiscard]] Chunk* new_chunk() {
    VmAddr begin = 0;
    if (svPagesAllocate(&begin, 2 * chunk_size, 0, K_MYACTOR) != K_OK) return nullptr;
    const VmAddr chunk = round_up(begin, chunk_size), end = begin + 2 * chunk_size;
    if (chunk != begin) svPagesFree(begin, chunk - begin);
    svPagesFree(chunk + chunk_size, end - chunk - chunk_size);
    return new (reinterpret_cast<void*>(chunk)) Chunk;
}

} // namespace

std::byte* allocate_page() {
    std::byte* page = nullptr;
    bool zero = false;
    {
        const Lock lock{mutex};
        Chunk* chunk = with_free.front();
        if (chunk == nullptr) {
            chunk = new_chunk();
            if (chunk == nullptr) return nullptr;
            with_free.push_back(*chunk);
            ++unused_chunks;
            ++chunks;
        }
        if (chunk->free == all_free) --unused_chunks;
        const auto index = static_cast<unsigned>(std::countr_zero(chunk->free));
        const u64 bit = u64{1} << index;
        chunk->free &= ~bit;
        zero = (chunk->zero & bit) != 0;
        chunk->zero &= ~bit;
        if (chunk->free == 0) List<Chunk, InPool>::remove(*chunk);
        page = reinterpret_cast<std::byte*>(chunk) + index * page_size;
        ++used_pages;
    }
    if (!zero) clear_bytes(page, page_size);
    return page;
}

void free_page(std::byte* page) {
    const auto address = reinterpret_cast<VmAddr>(page);
    Chunk& chunk = *reinterpret_cast<Chunk*>(round_down(address, chunk_size));
    const Lock lock{mutex};
    --used_pages;
    if (chunk.free == 0) with_free.push_front(chunk);
    chunk.free |= u64{1} << (address % chunk_size / page_size);
    if (chunk.free != all_free || ++unused_chunks == 1) return;
    --unused_chunks;
    --chunks;
    List<Chunk, InPool>::remove(chunk);
    svPagesFree(reinterpret_cast<VmAddr>(&chunk), chunk_size);
}

PagePool page_pool() {
    const Lock lock{mutex};
    return {used_pages, chunks, chunks * chunk_pages};
}

} // namespace chorale::c_os
