// The heap of supervisor actors (svMemAlloc, svMemFree), against a nucleus that only counts pages.
#include <dki/f_dki.h>
#include <mem/chMem.h>
#include <sync/chSpinLock.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

namespace {

constexpr std::size_t page = 4096;

// What the nucleus would be asked: all of it, and what it was told wrong.
struct Nucleus {
    std::map<VmAddr, VmSize> given;
    bool has_none = false;
    int depth = 0; // of the spin lock
    unsigned wrong = 0;
    ~Nucleus() {
        for (const auto& [address, size] : given) std::free(reinterpret_cast<void*>(address));
    }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& [address, size] : given) sum += size;
        return sum;
    }
};
Nucleus nucleus;

struct Piece {
    unsigned char* bytes;
    unsigned size;
    unsigned char sign;
};

Piece make(unsigned size, unsigned char sign) {
    Piece piece{static_cast<unsigned char*>(svMemAlloc(size)), size, sign};
    if (piece.bytes != nullptr) std::memset(piece.bytes, sign, size);
    return piece;
}

[[nodiscard]] bool whole(const Piece& piece) {
    for (unsigned i = 0; i < piece.size; ++i) {
        if (piece.bytes[i] != piece.sign) return false;
    }
    return true;
}

} // namespace

extern "C" {

int svPagesAllocate(VmAddr* address, VmSize size, VmFlags, const KnCap* actor) {
    if (nucleus.has_none) return K_ENOMEM;
    if (nucleus.depth != 0 || actor != K_MYACTOR) ++nucleus.wrong;
    const VmSize rounded = (size + page - 1) / page * page;
    void* const pages = std::aligned_alloc(page, rounded);
    std::memset(pages, 0, rounded);
    *address = reinterpret_cast<VmAddr>(pages);
    nucleus.given[*address] = rounded;
    return K_OK;
}

int svPagesFree(VmAddr address, VmSize size) {
    const auto found = nucleus.given.find(address);
    if (found == nucleus.given.end() || found->second != (size + page - 1) / page * page) {
        ++nucleus.wrong;
        return K_EADDR;
    }
    std::free(reinterpret_cast<void*>(address));
    nucleus.given.erase(found);
    return K_OK;
}

void svSpinLockGet(KnSpinLock*) { nucleus.wrong += nucleus.depth++ == 0 ? 0U : 1U; }
void svSpinLockRel(KnSpinLock*) { nucleus.wrong += --nucleus.depth == 0 ? 0U : 1U; }

KnError svPhysMap(KnPhMemChunk* chunk, PteCntlBits bits) {
    if (nucleus.has_none) return K_ENOMEM;
    if (chunk->paddr % page != 0 || (bits & K_PTE_UNCACHED) == 0) ++nucleus.wrong;
    chunk->vaddr = chunk->paddr + 0x7000'0000;
    nucleus.given[chunk->vaddr] = chunk->psize;
    return K_OK;
}

KnError svPhysUnmap(const KnPhMemChunk* chunk) {
    const auto found = nucleus.given.find(chunk->vaddr);
    if (found == nucleus.given.end() || found->second != chunk->psize) ++nucleus.wrong;
    if (found != nucleus.given.end()) nucleus.given.erase(found);
    return K_OK;
}

} // extern "C"

TEST(SmallMemory, pieces_are_aligned_and_apart) {
    std::vector<Piece> pieces;
    for (unsigned size = 0; size < 9000; size += size < 200 ? 1 : 97) {
        pieces.push_back(make(size, static_cast<unsigned char>(size)));
        ASSERT_NE(pieces.back().bytes, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces.back().bytes) % 16, 0U);
    }
    for (const Piece& piece : pieces) EXPECT_TRUE(whole(piece)) << piece.size;
    for (const Piece& piece : pieces) svMemFree(piece.bytes);
    EXPECT_EQ(nucleus.wrong, 0U);
}

// Small pieces are used again, big ones go back to the nucleus at once.
TEST(SmallMemory, what_is_free_is_used_again) {
    std::mt19937 random{3};
    std::size_t most = 0;
    for (unsigned round = 0; round < 50; ++round) {
        std::vector<Piece> pieces;
        for (unsigned i = 0; i < 100; ++i)
            pieces.push_back(make(i * 20, static_cast<unsigned char>(random())));
        std::shuffle(pieces.begin(), pieces.end(), random);
        for (const Piece& piece : pieces) {
            EXPECT_TRUE(whole(piece));
            svMemFree(piece.bytes);
        }
        if (round == 0) most = nucleus.bytes();
        EXPECT_EQ(nucleus.bytes(), most) << "in round " << round;
    }
    const std::size_t before = nucleus.bytes();
    void* const big = svMemAlloc(100'000);
    EXPECT_GE(nucleus.bytes(), before + 100'000);
    svMemFree(big);
    EXPECT_EQ(nucleus.bytes(), before);
    svMemFree(nullptr);
    EXPECT_EQ(nucleus.wrong, 0U);
}

TEST(SmallMemory, there_may_be_none) {
    std::vector<void*> taken; // all free pieces of one size
    const std::size_t before = nucleus.bytes();
    while (nucleus.bytes() == before) taken.push_back(svMemAlloc(1500));
    taken.push_back(svMemAlloc(1500)); // of the same new page
    nucleus.has_none = true;
    EXPECT_EQ(svMemAlloc(1500), nullptr);
    EXPECT_EQ(svMemAlloc(50'000), nullptr);
    EXPECT_EQ(svMemAlloc(~0U), nullptr);
    EXPECT_EQ(svMemMap(0x1000, 1), nullptr);
    svMemFree(taken.back());
    taken.back() = svMemAlloc(1500); // which needs no page
    EXPECT_NE(taken.back(), nullptr);
    nucleus.has_none = false;
    for (void* const piece : taken) svMemFree(piece);
    EXPECT_EQ(nucleus.wrong, 0U);
}

// Device registers need not begin at a page.
TEST(SmallMemory, registers_are_mapped_where_they_are) {
    const std::size_t before = nucleus.given.size();
    void* const place = svMemMap(0x1234, 0x2000);
    EXPECT_EQ(reinterpret_cast<VmAddr>(place), 0x7000'1234U);
    EXPECT_EQ(nucleus.given.size(), before + 1);
    svMemUnMap(place, 0x2000);
    EXPECT_EQ(nucleus.given.size(), before);
    EXPECT_EQ(nucleus.wrong, 0U);
}
