#include "c_os/file/ram/page_tree.hpp"

namespace chorale::c_os {

Result<std::byte*> PageTree::new_page(Charge& charge) {
    if (const Done done = charge.take(1); !done) return failed(done.error());
    std::byte* const page = allocate_page();
    if (page != nullptr) return page;
    charge.give_back(1);
    return failed(Error::enomem);
}

Result<std::byte*> PageTree::obtain(u64 index, Charge& charge) {
    if (root_ == nullptr) {
        height_ = 0;
        while (index >> (table_bits * height_) != 0) ++height_;
        const Result<std::byte*> page = new_page(charge);
        if (!page) return page;
        root_ = *page;
    }
    for (; index >= reach(); ++height_) {
        const Result<std::byte*> higher = new_page(charge);
        if (!higher) return higher;
        table(*higher)[0] = root_;
        root_ = *higher;
    }
    std::byte** place = &root_;
    for (unsigned level = height_; level != 0; --level) {
        place = &table(*place)[entry(index, level)];
        if (*place != nullptr) continue;
        const Result<std::byte*> page = new_page(charge);
        if (!page) return page;
        *place = *page;
    }
    return *place;
}

void PageTree::cut(u64 first, Charge& charge) {
    if (cut(root_, height_, first, charge)) height_ = 0;
}

// As deep as the tree is high. Whether nothing is left there.
bool PageTree::cut(std::byte*& place, unsigned level, u64 first, Charge& charge) {
    if (place == nullptr) return true;
    bool empty = true;
    if (level == 0) {
        empty = first == 0;
    } else {
        const u64 span = u64{1} << (table_bits * (level - 1));
        for (u64 i = 0; i < u64{1} << table_bits; ++i) {
            std::byte*& below = table(place)[i];
            const u64 start = first > i * span ? first - i * span : 0;
            const bool gone = start >= span ? below == nullptr : cut(below, level - 1, start, charge);
            empty = empty && gone;
        }
    }
    if (!empty) return false;
    free_page(place);
    place = nullptr;
    charge.give_back(1);
    return true;
}

u64 PageTree::next_present(u64 index) const {
    while (index < reach()) {
        const std::byte* place = root_;
        unsigned level = height_;
        while (level != 0 && place != nullptr)
            place = table(const_cast<std::byte*>(place))[entry(index, level--)];
        if (place != nullptr) return index;
        // Behind all that the missing page or table would hold.
        index = ((index >> (table_bits * level)) + 1) << (table_bits * level);
    }
    return page_limit;
}

u64 PageTree::next_absent(u64 index) const {
    while (find(index) != nullptr) ++index;
    return index;
}

} // namespace chorale::c_os
