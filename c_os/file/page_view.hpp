// Pages of a file that an address space shows (mmap(2), MAP_SHARED). The file has a list of its views; it
// puts pages into them and takes them out, so that each shows all pages of its range that the file has, up to
// the file's end, at any time: no page comes when it is touched, and what lies behind the end is not there.
//
// All of it is under the file's lock. Who has a view has the node too, so that the file outlives it.
#pragma once

#include "c_os/base/error.hpp"
#include "kernel/base/list.hpp"
#include "kernel/base/types.hpp"

#include <cstddef>

namespace chorale::c_os {

struct InFile;

// A range of a file's pages.
struct PageRange {
    u64 first{}, count{};

    [[nodiscard]] u64 end() const { return first + count; }
    [[nodiscard]] bool contains(u64 index) const { return index - first < count; }
};

class PageView : public ListNode<InFile> {
  public:
    explicit PageView(PageRange range) : range_{range} {}
    PageView(const PageView&) = delete;
    PageView& operator=(const PageView&) = delete;

    [[nodiscard]] PageRange range() const { return range_; }

  protected:
    ~PageView() = default;

  private:
    friend class PageViews;
    // The page is `page` from now on. An address space that goes needs none. Errors: enomem.
    [[nodiscard]] virtual Done show(u64 index, std::byte* page) = 0;
    // All from `first` on are not there any more when it returns. Errors: esrch, the address space is going
    // and its threads may see the pages until the view leaves the list; enomem.
    [[nodiscard]] virtual Done hide(u64 first) = 0;

    PageRange range_;
    u64 shown_{}; // so many, from the first on
};

// The views of one file.
class PageViews {
  public:
    [[nodiscard]] bool empty() const { return views_.empty(); }
    // Whether there has ever been one: then bytes behind the end may have been written.
    [[nodiscard]] bool ever() const { return ever_; }

    // `page(index)`: Result<std::byte*>, the file's page, made if need be. Up to `end`, a number of pages.
    // On failure the view is in the list too, with what could be shown.
    template <class Page>
    [[nodiscard]] Done add(PageView& view, u64 end, Page&& page) {
        views_.push_back(view);
        ever_ = true;
        return extend(view, end, page);
    }
    void remove(PageView& view) { List<PageView, InFile>::remove(view); }
    // The view keeps `range`, and `rest`, if there is one, has its own part of what the view had.
    void divide(PageView& view, PageRange range, PageView* rest);

    // The file has grown: what can be shown of it is. A page that cannot be had is not there.
    template <class Page>
    void grow(u64 end, Page&& page) {
        for (PageView* view = views_.front(); view != nullptr; view = views_.next(*view))
            static_cast<void>(extend(*view, end, page));
    }
    // The file is going to end before page `end`. Errors: as PageView::hide().
    [[nodiscard]] Done shrink(u64 end);

  private:
    template <class Page>
    [[nodiscard]] static Done extend(PageView& view, u64 end, Page& page) {
        while (view.shown_ < view.range_.count && view.range_.first + view.shown_ < end) {
            const u64 index = view.range_.first + view.shown_;
            const Result<std::byte*> there = page(index);
            if (!there) return failed(there.error());
            if (const Done done = view.show(index, *there); !done) return done;
            ++view.shown_;
        }
        return {};
    }
    [[nodiscard]] static Done hide(PageView& view, u64 first);

    List<PageView, InFile> views_;
    bool ever_{};
};

} // namespace chorale::c_os
