// Regular files of the RAM file system.
//
// What a program reads or writes is copied between its memory and the page with the file's lock held: its
// memory must not be such that bringing it in reads this file system. (Views have all their pages from the
// beginning for that reason.)
#include "c_os/base/bytes.hpp"
#include "c_os/base/memory.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/ram/ram_node.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

alignas(64) constexpr std::byte zeros[page_size]{};

[[nodiscard]] u64 pages_of(u64 size) { return (size + page_size - 1) >> page_bits; }

// The part of a page from `at` on, within `rest` bytes.
[[nodiscard]] std::size_t part_of_page(u64 at, u64 rest) {
    return static_cast<std::size_t>(std::min<u64>(page_size - at % page_size, rest));
}

class RamRegularFile final : public RamOpenFile<RamFile> {
  public:
    RamRegularFile(RamFile& node, u32 flags, bool keep_set_id)
        : RamOpenFile{node, flags}, keep_set_id_{keep_set_id} {}

    Result<std::size_t> read(Buffer& to) override { return ram().read(place_, to, touches()); }
    Result<std::size_t> read_at(u64 offset, Buffer& to) override { return ram().read(offset, to, touches()); }
    Result<std::size_t> write(Buffer& from, u64 limit) override {
        return ram().write(place_, from, limit, mode());
    }
    Result<std::size_t> write_at(u64 offset, Buffer& from, u64 limit) override {
        return ram().write(offset, from, limit, mode());
    }
    Done allocate(u64 offset, u64 size, bool keep_size) override {
        return ram().allocate(offset, size, keep_size);
    }

  private:
    [[nodiscard]] bool touches() const { return (flags() & open_no_access_time) == 0; }
    [[nodiscard]] RamFile::WriteMode mode() const { return {(flags() & open_append) != 0, keep_set_id_}; }

    const bool keep_set_id_;
};

} // namespace

Result<Ref<OpenFile>> RamFile::open(FileContext& context, u32 flags) {
    // Who may write to another's program shall not get its rights; root may keep them.
    const bool keep_set_id = context.credentials().root();
    auto* const file = new (std::nothrow) RamRegularFile{*this, flags, keep_set_id};
    if (file == nullptr) return failed(Error::enomem);
    return Ref<OpenFile>::adopt(file);
}

Result<std::size_t> RamFile::read(u64& place, Buffer& to, bool touch) {
    const Lock lock{mutex_};
    const u64 size = attributes_.size;
    if (place >= size) return 0;
    u64 at = place;
    for (u64 rest = std::min<u64>(to.left(), size - at); rest != 0;) {
        const std::size_t part = part_of_page(at, rest);
        const std::byte* const page = pages_.find(at >> page_bits);
        const Done done = to.put(page != nullptr ? page + at % page_size : zeros, part);
        if (!done) [[unlikely]] {
            if (at == place) return failed(done.error());
            break;
        }
        at += part;
        rest -= part;
    }
    if (touch) touch_accessed();
    const auto count = static_cast<std::size_t>(at - place);
    place = at;
    return count;
}

// Into one page. If the source's memory fails halfway the page is zero behind the file's end again.
Done RamFile::write_page(u64 at, Buffer& from, std::size_t size) {
    const u64 index = at >> page_bits;
    const Result<std::byte*> page = pages_.obtain(index, charge_);
    if (!page) return failed(page.error());
    const Done done = from.take(*page + at % page_size, size);
    if (done) [[likely]]
        return done;
    if (const u64 end = attributes_.size; end <= index << page_bits) {
        pages_.cut(index, charge_);
    } else if (at + size > end) {
        const u64 first = std::max(at, end);
        clear_bytes(*page + first % page_size, static_cast<std::size_t>(at + size - first));
    }
    return done;
}

Result<std::size_t> RamFile::write(u64& place, Buffer& from, u64 limit, WriteMode mode) {
    const Lock lock{mutex_};
    if (from.left() == 0) return 0;
    const u64 start = mode.append ? attributes_.size : place;
    limit = std::min(limit, size_limit);
    if (start >= limit) return failed(Error::efbig);
    u64 at = start;
    const u64 count = std::min<u64>(from.left(), limit - at), old_size = attributes_.size;
    if (at + count > old_size) clear_tail();
    for (u64 rest = count; rest != 0;) {
        const std::size_t part = part_of_page(at, rest);
        if (const Done done = write_page(at, from, part); !done) {
            if (at == start) return failed(done.error());
            break;
        }
        at += part;
        rest -= part;
        attributes_.size = std::max(attributes_.size, at);
    }
    if (attributes_.size > old_size) show_more();
    if (!mode.keep_set_id) {
        attributes_.mode &= ~mode_set_uid;
        if ((attributes_.mode & mode_group_execute) != 0) attributes_.mode &= ~mode_set_gid;
    }
    touch_modified();
    place = at;
    return static_cast<std::size_t>(at - start);
}

Done RamFile::truncate(u64 size) {
    if (size > size_limit) return failed(Error::efbig);
    const Lock lock{mutex_};
    while (size < attributes_.size) {
        const Done hidden = views_.shrink(pages_of(size));
        if (hidden) break;
        if (hidden.error() != Error::esrch) return hidden;
        // A process is ending that shows them: it lets go of the view when its last thread has gone.
        if (view_left_.wait(mutex_) == Woken::aborted) return failed(Error::eintr);
    }
    if (size < attributes_.size) {
        pages_.cut(pages_of(size), charge_);
        std::byte* const last = size % page_size == 0 ? nullptr : pages_.find(size >> page_bits);
        if (last != nullptr) clear_bytes(last + size % page_size, page_size - size % page_size);
    }
    const bool grows = size > attributes_.size;
    if (grows) clear_tail();
    attributes_.size = size;
    if (grows) show_more();
    touch_modified();
    return {};
}

Done RamFile::add_view(PageView& view) {
    const Lock lock{mutex_};
    return views_.add(view, pages_of(attributes_.size),
                      [&](u64 index) { return pages_.obtain(index, charge_); });
}

void RamFile::remove_view(PageView& view) {
    const Lock lock{mutex_};
    views_.remove(view);
    view_left_.wake_all();
}

void RamFile::divide_view(PageView& view, PageRange range, PageView* rest) {
    const Lock lock{mutex_};
    views_.divide(view, range, rest);
}

void RamFile::clear_tail() {
    const u64 used = attributes_.size % page_size;
    if (!views_.ever() || used == 0) return;
    std::byte* const last = pages_.find(attributes_.size >> page_bits);
    if (last != nullptr) clear_bytes(last + used, page_size - used);
}

void RamFile::show_more() {
    if (views_.empty()) return;
    views_.grow(pages_of(attributes_.size), [&](u64 index) { return pages_.obtain(index, charge_); });
}

Result<u64> RamFile::seek_content(u64 offset, Whence whence) const {
    const u64 size = attributes_.size;
    if (offset >= size) return failed(Error::enxio);
    const u64 first = offset >> page_bits;
    const u64 page = whence == Whence::data ? pages_.next_present(first) : pages_.next_absent(first);
    const u64 found = page == first ? offset : page << page_bits;
    // The file's end is a hole, and data that lies behind it is none of the file's.
    if (whence == Whence::hole) return std::min(found, size);
    if (found >= size) return failed(Error::enxio);
    return found;
}

Result<u64> RamFile::seek(u64& place, std::int64_t offset, Whence whence) {
    const Lock lock{mutex_};
    u64 base = 0;
    switch (whence) {
    case Whence::start:
        break;
    case Whence::current:
        base = place;
        break;
    case Whence::end:
        base = attributes_.size;
        break;
    case Whence::data:
    case Whence::hole: {
        if (offset < 0) return failed(Error::enxio);
        const Result<u64> found = seek_content(static_cast<u64>(offset), whence);
        if (found) place = *found;
        return found;
    }
    default:
        return failed(Error::einval);
    }
    const Result<u64> moved = moved_place(base, offset);
    if (moved) place = *moved;
    return moved;
}

Done RamFile::allocate(u64 offset, u64 size, bool keep_size) {
    if (size > size_limit || offset > size_limit - size) return failed(Error::efbig);
    const Lock lock{mutex_};
    const u64 end = (offset + size + page_size - 1) >> page_bits;
    for (u64 index = offset >> page_bits; index < end; ++index)
        if (const auto page = pages_.obtain(index, charge_); !page) return failed(page.error());
    if (!keep_size && offset + size > attributes_.size) {
        clear_tail();
        attributes_.size = offset + size;
        show_more();
    }
    touch_modified();
    return {};
}

} // namespace chorale::c_os
