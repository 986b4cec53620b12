// An array that grows page by page, each a frame of its own, up to as many as the pointers in one page can
// say: nothing large has to be contiguous, and a long array is made and freed in steps.
#pragma once

#include "kernel/mem/frame.hpp"
#include "kernel/mem/page_account.hpp"

#include <machine/mmu.hpp>

#include <new>

namespace chorale {

template <class T>
class PageArray {
  public:
    static constexpr u32 per_page = page_size / sizeof(T);
    static constexpr u32 limit = page_size / sizeof(T*) * per_page;

    [[nodiscard]] T& operator[](u32 index) const { return pages_[index / per_page][index % per_page]; }
    [[nodiscard]] u32 size() const { return used_ * per_page; }

    // A page more, of fresh elements. Errors: no_memory, and then all is as before, or a little fuller.
    [[nodiscard]] Status grow() {
        if (pages_ == nullptr) {
            pages_ = static_cast<T**>(take());
            if (pages_ == nullptr) return Status::no_memory;
        }
        void* const page = take();
        if (page == nullptr) return Status::no_memory;
        pages_[used_] = static_cast<T*>(page);
        for (u32 i = 0; i < per_page; ++i) ::new (&pages_[used_][i]) T;
        ++used_;
        return Status::ok;
    }

    // A page less; true: none is left.
    [[nodiscard]] bool shrink() {
        if (pages_ == nullptr) return true;
        if (used_ != 0) {
            free_frame(machine::physical(pages_[--used_]));
            return false;
        }
        free_frame(machine::physical(pages_));
        pages_ = nullptr;
        return true;
    }

    // For inspection: `visit(page)` for each that it takes.
    template <class Visit>
    void for_each_page(Visit&& visit) const {
        if (pages_ == nullptr) return;
        visit(machine::physical(pages_));
        for (u32 i = 0; i < used_; ++i) visit(machine::physical(pages_[i]));
    }

  private:
    // What the nucleus itself may need it does not give away for this.
    [[nodiscard]] static void* take() {
        if (free_frames_estimate() < PageAccount::reserve()) return nullptr;
        const Result<PhysAddr> frame = allocate_frame();
        return frame.ok() ? machine::direct<void>(frame.value()) : nullptr;
    }

    T** pages_{};
    u32 used_{};
};

} // namespace chorale
