// A budget of physical pages: what a space holds in pages and tables never exceeds its limit.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/frame.hpp"

#include <atomic>

namespace chorale {

class PageAccount {
public:
    void set_limit(u64 pages) { limit_.store(pages, std::memory_order_relaxed); }
    // relaxed throughout: a count that orders nothing; whoever sees it a moment late is refused or served a
    // moment late
    [[nodiscard]] u64 limit() const { return limit_.load(std::memory_order_relaxed); }
    [[nodiscard]] u64 used() const { return used_.load(std::memory_order_relaxed); }

    [[nodiscard]] Result<PhysAddr> take(unsigned order) {
        const u64 pages = u64{1} << order;
        if (used_.fetch_add(pages, std::memory_order_relaxed) + pages > limit()) {
            used_.fetch_sub(pages, std::memory_order_relaxed);
            return Status::no_memory;
        }
        const Result<PhysAddr> block = allocate_frames(order);
        if (!block.ok()) used_.fetch_sub(pages, std::memory_order_relaxed);
        return block;
    }
    void give_back(PhysAddr block, unsigned order) {
        free_frames(block, order);
        used_.fetch_sub(u64{1} << order, std::memory_order_relaxed);
    }

private:
    std::atomic<u64> used_{};
    std::atomic<u64> limit_{};
};

}  // namespace chorale
