#include "c_os/file/page_view.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

// How many of the shown pages of a view from `from` on lie in `range`, counted from its first.
[[nodiscard]] u64 shown_of(PageRange range, u64 from, u64 shown) {
    const u64 end = from + shown;
    return end <= range.first ? 0 : std::min(end - range.first, range.count);
}

} // namespace

Done PageViews::hide(PageView& view, u64 first) {
    if (view.range_.first + view.shown_ <= first) return {};
    const u64 from = std::max(first, view.range_.first);
    if (const Done done = view.hide(from); !done) return done;
    view.shown_ = from - view.range_.first;
    return {};
}

Done PageViews::shrink(u64 end) {
    for (PageView* view = views_.front(); view != nullptr; view = views_.next(*view))
        if (const Done done = hide(*view, end); !done) return done;
    return {};
}

void PageViews::divide(PageView& view, PageRange range, PageView* rest) {
    const u64 from = view.range_.first, shown = view.shown_;
    view.range_ = range;
    view.shown_ = shown_of(range, from, shown);
    if (rest == nullptr) return;
    rest->shown_ = shown_of(rest->range_, from, shown);
    views_.push_back(*rest);
}

} // namespace chorale::c_os
