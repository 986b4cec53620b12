// The pages of a sparse file: a tree of tables of 512 pages each, as high as the last page needs. A page that
// was never written is not there and reads as zeros; the tables count as pages too.
//
// Under the lock of the file.
#pragma once

#include "c_os/base/memory.hpp"
#include "c_os/file/ram/account.hpp"

namespace chorale::c_os {

class PageTree {
  public:
    static constexpr unsigned table_bits = 9;
    static constexpr unsigned height_limit = 4;
    static constexpr u64 page_limit = u64{1} << (table_bits * height_limit);

    // The owner has cut everything off.
    ~PageTree() = default;
    PageTree() = default;
    PageTree(const PageTree&) = delete;
    PageTree& operator=(const PageTree&) = delete;

    // Null: it is not there.
    [[nodiscard]] std::byte* find(u64 index) const {
        if (index >= reach()) return nullptr;
        std::byte* place = root_;
        for (unsigned level = height_; level != 0 && place != nullptr; --level)
            place = table(place)[entry(index, level)];
        return place;
    }
    // Makes it, if need be. index < page_limit. Errors: enomem, enospc, edquot.
    [[nodiscard]] Result<std::byte*> obtain(u64 index, Charge& charge);
    // Frees every page from `first` on.
    void cut(u64 first, Charge& charge);
    // The first page from `index` on that is there, that is not there; page_limit: none.
    [[nodiscard]] u64 next_present(u64 index) const;
    [[nodiscard]] u64 next_absent(u64 index) const;

  private:
    [[nodiscard]] u64 reach() const { return root_ == nullptr ? 0 : u64{1} << (table_bits * height_); }
    [[nodiscard]] static std::byte** table(std::byte* place) { return reinterpret_cast<std::byte**>(place); }
    [[nodiscard]] static std::size_t entry(u64 index, unsigned level) {
        return index >> (table_bits * (level - 1)) & ((1U << table_bits) - 1);
    }
    [[nodiscard]] static Result<std::byte*> new_page(Charge& charge);
    [[nodiscard]] static bool cut(std::byte*& place, unsigned level, u64 first, Charge& charge);

    std::byte* root_{};
    unsigned height_{};
};

} // namespace chorale::c_os
