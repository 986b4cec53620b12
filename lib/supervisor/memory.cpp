// svMemAlloc: small pieces by powers of two, cut from pages of svPagesAllocate; bigger ones as pages of their
// own. Each has a header that says which; a free small one is in its size's list. Whichever actor's copy of
// this code gets a piece back keeps it: what lies in memory is the same for all. Each time that a size runs
// out twice as much is cut: the nucleus keeps a record for each run of pages, and has not many.
#include <supervisor/memory.hpp>

#include <dki/f_dki.h>
#include <mem/chMem.h>
#include <sync/chSpinLock.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr std::size_t header_size = 16, page_size = 4096;
constexpr unsigned smallest = 5, sizes = 10; // with their headers: 32 bytes to 16 KiB
constexpr std::size_t largest = std::size_t{1} << (smallest + sizes - 1);
constexpr std::size_t largest_run = 256 * 1024;

struct Header {
    std::size_t bytes; // with this header
    Header* next;      // while it is free
};
static_assert(sizeof(Header) == header_size);

KnSpinLock lock;
Header* free_pieces[sizes];
std::size_t last_run[sizes]; // how much was cut last
chorale::SupervisorMemory kept;

unsigned size_index(std::size_t bytes) {
    unsigned index = 0;
    while ((std::size_t{1} << (smallest + index)) < bytes) {
        ++index;
    }
    return index;
}

void* new_pages(std::size_t bytes) {
    VmAddr address = 0;
    return svPagesAllocate(&address, bytes, 0, K_MYACTOR) == K_OK ? reinterpret_cast<void*>(address)
                                                                  : nullptr;
}

void put_back(Header* piece) {
    const unsigned index = size_index(piece->bytes);
    svSpinLockGet(&lock);
    piece->next = free_pieces[index];
    free_pieces[index] = piece;
    svSpinLockRel(&lock);
}

Header* take(unsigned index) {
    svSpinLockGet(&lock);
    Header* const piece = free_pieces[index];
    if (piece != nullptr) {
        free_pieces[index] = piece->next;
    }
    svSpinLockRel(&lock);
    return piece;
}

std::size_t next_run(unsigned index) {
    const std::size_t least =
        page_size > std::size_t{1} << (smallest + index) ? page_size : std::size_t{1} << (smallest + index);
    svSpinLockGet(&lock);
    std::size_t run = 2 * last_run[index];
    run = run < least ? least : run > largest_run ? largest_run : run;
    last_run[index] = run;
    svSpinLockRel(&lock);
    return run;
}

// A run of pages becomes pieces of that size; the first of them is the caller's.
Header* cut_pages(unsigned index) {
    const std::size_t bytes = std::size_t{1} << (smallest + index), run = next_run(index);
    auto* const begin = static_cast<char*>(new_pages(run));
    if (begin == nullptr) {
        return nullptr;
    }
    Header* first = nullptr;
    for (std::size_t at = run; at != 0; at -= bytes) {
        auto* const piece = reinterpret_cast<Header*>(begin + at - bytes);
        piece->bytes = bytes;
        piece->next = first;
        first = piece;
    }
    Header* const last = reinterpret_cast<Header*>(begin + run - bytes);
    svSpinLockGet(&lock);
    ++kept.runs;
    kept.bytes += run;
    if (first != last) {
        last->next = free_pieces[index];
        free_pieces[index] = first->next;
    }
    svSpinLockRel(&lock);
    return first;
}

} // namespace

chorale::SupervisorMemory chorale::supervisor_memory() {
    svSpinLockGet(&lock);
    const SupervisorMemory now = kept;
    svSpinLockRel(&lock);
    return now;
}

extern "C" {

void* svMemAlloc(unsigned int size) {
    const std::size_t bytes = std::size_t{size} + header_size;
    Header* piece = nullptr;
    if (bytes <= largest) {
        const unsigned index = size_index(bytes);
        piece = take(index);
        if (piece == nullptr) {
            piece = cut_pages(index);
        }
    } else {
        piece = static_cast<Header*>(new_pages(bytes));
        if (piece != nullptr) {
            piece->bytes = bytes;
        }
    }
    return piece == nullptr ? nullptr : piece + 1;
}

void svMemFree(void* address) {
    if (address == nullptr) {
        return;
    }
    Header* const piece = static_cast<Header*>(address) - 1;
    if (piece->bytes <= largest) {
        put_back(piece);
    } else {
        svPagesFree(reinterpret_cast<VmAddr>(piece), piece->bytes);
    }
}

void* svMemMap(PhAddr address, PhSize size) {
    const PhAddr offset = address % page_size;
    KnPhMemChunk chunk{address - offset, size + offset, 0};
    if (svPhysMap(&chunk, K_PTE_WRITABLE | K_PTE_UNCACHED) != K_OK) {
        return nullptr;
    }
    return reinterpret_cast<void*>(chunk.vaddr + offset);
}

void svMemUnMap(void* address, PhSize size) {
    const auto place = reinterpret_cast<VmAddr>(address);
    const KnPhMemChunk chunk{0, size + place % page_size, place - place % page_size};
    svPhysUnmap(&chunk);
}

} // extern "C"
