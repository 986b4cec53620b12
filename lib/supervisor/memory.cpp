// svMemAlloc: small pieces by powers of two from pages of svPagesAllocate, bigger ones as pages of their own.
// Each has a header that says which; a free small one is in its size's list. Whichever actor's copy of this
// code gets a piece back keeps it: what lies in memory is the same for all.
#include <dki/f_dki.h>
#include <mem/chMem.h>
#include <sync/chSpinLock.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr std::size_t header_size = 16, page_size = 4096;
constexpr unsigned smallest = 5, sizes = 7; // with their headers: 32 to 2048 bytes

struct Header {
    std::size_t bytes; // with this header
    Header* next;      // while it is free
};
static_assert(sizeof(Header) == header_size);

KnSpinLock lock;
Header* free_pieces[sizes];

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

// A page becomes pieces of that size; one of them is the caller's.
Header* cut_page(unsigned index) {
    auto* const page = static_cast<char*>(new_pages(page_size));
    if (page == nullptr) {
        return nullptr;
    }
    const std::size_t bytes = std::size_t{1} << (smallest + index);
    for (std::size_t at = 0; at < page_size; at += bytes) {
        auto* const piece = reinterpret_cast<Header*>(page + at);
        piece->bytes = bytes;
        if (at != 0) {
            put_back(piece);
        }
    }
    return reinterpret_cast<Header*>(page);
}

} // namespace

extern "C" {

void* svMemAlloc(unsigned int size) {
    const std::size_t bytes = std::size_t{size} + header_size;
    Header* piece = nullptr;
    if (bytes <= (std::size_t{1} << (smallest + sizes - 1))) {
        const unsigned index = size_index(bytes);
        piece = take(index);
        if (piece == nullptr) {
            piece = cut_page(index);
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
    if (piece->bytes <= (std::size_t{1} << (smallest + sizes - 1))) {
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
