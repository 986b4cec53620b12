#include "c_os/file/open_file.hpp"

#include "c_os/file/flock.hpp"

namespace chorale::c_os {

namespace {

constinit std::atomic<u64> open_files;

} // namespace

// relaxed: a number by itself
u64 OpenFile::count() { return open_files.load(std::memory_order_relaxed); }

OpenFile::OpenFile(Ref<Node> node, u32 flags)
    : node_{std::move(node)}, flags_{flags & ~(open_create | open_exclusive | open_truncate |
                                               open_no_terminal | open_close_on_exec)} {
    open_files.fetch_add(1, std::memory_order_relaxed); // relaxed: as above
}

OpenFile::~OpenFile() {
    forget_flock(*this);
    open_files.fetch_sub(1, std::memory_order_relaxed); // relaxed: as above
}

void OpenFile::change_flags(u32 mask, u32 flags) {
    // Relaxed, as in flags().
    u32 old = flags_.load(std::memory_order_relaxed);
    while (!flags_.compare_exchange_weak(old, (old & ~mask) | (flags & mask), std::memory_order_relaxed)) {
    }
}

Result<std::size_t> OpenFile::read(Buffer&) {
    return failed(node_->directory() ? Error::eisdir : Error::einval);
}

Result<std::size_t> OpenFile::write(Buffer&, u64) { return failed(Error::einval); }

Result<std::size_t> OpenFile::read_at(u64, Buffer&) {
    return failed(node_->directory() ? Error::eisdir : Error::espipe);
}

Result<std::size_t> OpenFile::write_at(u64, Buffer&, u64) { return failed(Error::espipe); }

Result<u64> OpenFile::seek(std::int64_t, Whence) { return failed(Error::espipe); }

// Always ready, as files of disks and memory are.
u16 OpenFile::poll(PollEntry*) { return poll_in | poll_out | poll_read_normal | poll_write_normal; }

Result<u64> OpenFile::control(FileContext&, u32, u64) { return failed(Error::enotty); }

Done OpenFile::list(DirectorySink&) { return failed(Error::enotdir); }

Done OpenFile::allocate(u64, u64, bool) { return failed(Error::enodev); }

Result<u64> moved_place(u64 base, std::int64_t offset) {
    constexpr u64 most = ~u64{0} >> 1;
    const u64 distance = offset < 0 ? u64{0} - static_cast<u64>(offset) : static_cast<u64>(offset);
    if (offset < 0) {
        if (distance > base) return failed(Error::einval);
        return base - distance;
    }
    if (base > most || distance > most - base) return failed(Error::eoverflow);
    return base + distance;
}

} // namespace chorale::c_os
