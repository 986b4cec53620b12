// A budget of physical pages: what a space holds in pages and tables never exceeds its limit. A page that
// several spaces share is paid for by each of them.
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
        const bool scarce = free_frames_estimate() < reserve_.load();
        const Result<PhysAddr> block = scarce ? Status::no_memory : allocate_frames(order);
        if (!block.ok()) used_.subtract(pages);
        return block;
    }
    // Instead of one that it has, which is somebody else's, too.
    [[nodiscard]] static Result<PhysAddr> take_another() {
        return free_frames_estimate() < reserve_.load() ? Status::no_memory : allocate_frame();
    }
    void give_back(PhysAddr block, unsigned order) {
        if (order == 0)
            release_frame(block);
        else
            free_frames(block, order);
        used_.subtract(u64{1} << order);
    }
    // Pays for a frame that is there already: the caller's share of it.
    [[nodiscard]] bool adopt() {
        if (used_.add(1) < limit()) return true;
        used_.subtract(1);
        return false;
    }

    // Of one that it has, or has adopted, the frame is somebody else's from now on.
    void disown() { used_.subtract(1); }

    // Frames that user memory leaves to the nucleus itself (KnVmPar.redMark).
    static void set_reserve(u64 frames) { reserve_.store(frames); }
    [[nodiscard]] static u64 reserve() { return reserve_.load(); }

  private:
    static constinit inline Relaxed<u64> reserve_;
    Relaxed<u64> used_;
    Relaxed<u64> limit_;
};

} // namespace chorale
