// A budget of physical pages: what a space holds in pages and tables never exceeds its limit.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/relaxed.hpp"

namespace chorale {

class PageAccount {
  public:
    void set_limit(u64 pages) { limit_.store(pages); }
    [[nodiscard]] u64 limit() const { return limit_.load(); }
    [[nodiscard]] u64 used() const { return used_.load(); }

    [[nodiscard]] Result<PhysAddr> take(unsigned order) {
        const u64 pages = u64{1} << order;
        if (used_.add(pages) + pages > limit()) {
            used_.subtract(pages);
            return Status::no_memory;
        }
        const Result<PhysAddr> block = allocate_frames(order);
        if (!block.ok()) used_.subtract(pages);
        return block;
    }
    void give_back(PhysAddr block, unsigned order) {
        free_frames(block, order);
        used_.subtract(u64{1} << order);
    }

  private:
    Relaxed<u64> used_;
    Relaxed<u64> limit_;
};

} // namespace chorale
