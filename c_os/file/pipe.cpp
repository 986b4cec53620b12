#include "c_os/file/pipe.hpp"

#include "c_os/base/user_memory.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/pipe_node.hpp"

#include <algorithm>

namespace chorale::c_os {

Pipe::~Pipe() { free_pages(0); }

void Pipe::free_pages(std::size_t keep) {
    for (std::byte*& page : pages_) {
        if (page == nullptr) continue;
        if (keep != 0) {
            --keep;
            continue;
        }
        free_page(page);
        page = nullptr;
    }
}

// For the next `size` bytes to be written.
bool Pipe::obtain_pages(std::size_t size) {
    for (u64 at = written_; at < written_ + size; at = (at / page_size + 1) * page_size) {
        std::byte*& page = pages_[at / page_size % page_count];
        if (page == nullptr) page = allocate_page();
        if (page == nullptr) return false;
    }
    return true;
}

// Exactly `size` bytes, for which there is room, or none.
Result<std::size_t> Pipe::put(Buffer& from, std::size_t size) {
    if (!obtain_pages(size)) return failed(Error::enomem);
    const Buffer before = from;
    u64 at = written_;
    for (std::size_t rest = size; rest != 0;) {
        const std::size_t part = std::min<std::size_t>(rest, page_size - at % page_size);
        if (const Done done = from.take(pages_[at / page_size % page_count] + at % page_size, part); !done) {
            from = before;
            return failed(done.error());
        }
        at += part;
        rest -= part;
    }
    written_ = at;
    readers_.wake_all();
    polled_.wake();
    return size;
}

Result<std::size_t> Pipe::get(Buffer& to) {
    const std::size_t before = to.done();
    while (to.left() != 0 && used() != 0) {
        const std::size_t in_page = page_size - read_ % page_size;
        const std::size_t part = std::min({to.left(), used(), in_page});
        if (const Done done = to.put(pages_[read_ / page_size % page_count] + read_ % page_size, part);
            !done) {
            if (to.done() == before) return failed(done.error());
            break;
        }
        read_ += part;
    }
    if (used() == 0) free_pages(1);
    writers_.wake_all();
    polled_.wake();
    return to.done() - before;
}

Result<std::size_t> Pipe::read(Buffer& to, bool blocks) {
    const Lock lock{mutex_};
    if (to.left() == 0) return 0;
    while (used() == 0) {
        if (writer_count_ == 0) return 0;
        if (!blocks) return failed(Error::eagain);
        if (readers_.wait(mutex_) != Woken::yes) return failed(Error::eintr);
    }
    return get(to);
}

Result<std::size_t> Pipe::write(Buffer& from, bool blocks) {
    const Lock lock{mutex_};
    const std::size_t before = from.done();
    const std::size_t atomic = from.left() <= pipe_atomic ? from.left() : 1;
    const auto ended = [&](Error error) -> Result<std::size_t> {
        if (from.done() == before) return failed(error);
        return from.done() - before;
    };
    while (from.left() != 0) {
        if (reader_count_ == 0) return ended(Error::epipe);
        const std::size_t room = capacity - used();
        if (room >= atomic) {
            // A page at a time: others get their turns, and what has been written before a fault counts.
            const std::size_t part = std::min({from.left(), room, pipe_atomic});
            if (const Result<std::size_t> done = put(from, part); !done) return ended(done.error());
            continue;
        }
        if (!blocks) return ended(Error::eagain);
        if (writers_.wait(mutex_) != Woken::yes) return ended(Error::eintr);
    }
    return from.done() - before;
}

u16 Pipe::poll(PollEntry* entry, bool reads, bool writes) {
    const Lock lock{mutex_};
    if (entry != nullptr) polled_.join(*entry, mutex_);
    unsigned ready = 0;
    if (reads) {
        if (used() != 0) ready |= poll_in | poll_read_normal;
        // A fifo that nobody has ever opened to write is not hung up, only empty.
        if (writer_count_ == 0 && writer_opens_ != 0) ready |= poll_hang_up;
    }
    if (writes) {
        if (capacity - used() >= pipe_atomic) ready |= poll_out | poll_write_normal;
        if (reader_count_ == 0) ready |= poll_error;
    }
    return static_cast<u16>(ready);
}

std::size_t Pipe::size() {
    const Lock lock{mutex_};
    return used();
}

void Pipe::open_end(bool reads, bool writes) {
    const Lock lock{mutex_};
    reader_count_ += reads;
    writer_count_ += writes;
    reader_opens_ += reads;
    writer_opens_ += writes;
    openers_.wake_all();
}

void Pipe::close_end(bool reads, bool writes) {
    const Lock lock{mutex_};
    reader_count_ -= reads;
    writer_count_ -= writes;
    // What nobody has read of a fifo nobody will.
    if (reader_count_ == 0 && writer_count_ == 0) {
        read_ = written_;
        free_pages(0);
    }
    readers_.wake_all();
    writers_.wake_all();
    polled_.wake();
}

// Who came and went while this one slept has been there.
Done Pipe::wait_for_other_end(bool for_writer) {
    const Lock lock{mutex_};
    const u64 before = for_writer ? writer_opens_ : reader_opens_;
    while ((for_writer ? writer_count_ : reader_count_) == 0 &&
           (for_writer ? writer_opens_ : reader_opens_) == before)
        if (openers_.wait(mutex_) != Woken::yes) return failed(Error::eintr);
    return {};
}

bool Pipe::has_reader() {
    const Lock lock{mutex_};
    return reader_count_ != 0;
}

namespace {

constexpr u32 control_bytes_waiting = 0x541b; // FIONREAD

class PipeFile final : public OpenFile {
  public:
    PipeFile(Ref<Node> node, Ref<Pipe> pipe, u32 flags)
        : OpenFile{std::move(node), flags}, pipe_{std::move(pipe)} {
        pipe_->open_end(readable(), writable());
    }
    ~PipeFile() override { pipe_->close_end(readable(), writable()); }

    Result<std::size_t> read(Buffer& to) override { return pipe_->read(to, blocks()); }
    Result<std::size_t> write(Buffer& from, u64) override { return pipe_->write(from, blocks()); }
    u16 poll(PollEntry* entry) override { return pipe_->poll(entry, readable(), writable()); }
    Result<u64> control(FileContext&, u32 request, u64 argument) override {
        if (request != control_bytes_waiting) return failed(Error::enotty);
        const int size = static_cast<int>(pipe_->size());
        if (const Done done = put_to_user(argument, size); !done) return failed(done.error());
        return 0;
    }

  private:
    Ref<Pipe> pipe_;
};

} // namespace

Result<PipeEnds> make_pipe(u32 flags) {
    Ref<Pipe> pipe = Pipe::make();
    const Ref<Node> node = make_pipe_node();
    if (!pipe || !node) return failed(Error::enomem);
    PipeEnds ends;
    ends.to_read = Ref<OpenFile>::adopt(new (std::nothrow) PipeFile{node, pipe, flags | open_read_only});
    if (ends.to_read)
        ends.to_write =
            Ref<OpenFile>::adopt(new (std::nothrow) PipeFile{node, pipe, flags | open_write_only});
    if (!ends.to_write) return failed(Error::enomem);
    return ends;
}

Result<Ref<OpenFile>> open_fifo(Ref<Node> node, Ref<Pipe> pipe, u32 flags) {
    const u32 mode = flags & open_access_mode;
    const bool blocks = (flags & open_non_blocking) == 0;
    // Who opens to write without waiting is told when nobody would read.
    if (mode == open_write_only && !blocks && !pipe->has_reader()) return failed(Error::enxio);
    Ref<OpenFile> file = Ref<OpenFile>::adopt(new (std::nothrow) PipeFile{std::move(node), pipe, flags});
    if (!file) return failed(Error::enomem);
    if (blocks && mode != open_read_write)
        if (const Done done = pipe->wait_for_other_end(mode == open_read_only); !done)
            return failed(done.error());
    return file;
}

} // namespace chorale::c_os
