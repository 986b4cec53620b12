// Pipes: bytes from who writes to who reads, in order, through a ring of pages. Fifos are pipes with a name.
//
// Writes of up to pipe_atomic bytes are in one piece. The pages come when bytes do, and those of an empty
// pipe go but for one.
#pragma once

#include "c_os/base/memory.hpp"
#include "c_os/file/open_file.hpp"

namespace chorale::c_os {

inline constexpr std::size_t pipe_atomic = 4096;

class Pipe : public Counted {
  public:
    static constexpr std::size_t page_count = 16;
    static constexpr std::size_t capacity = page_count * page_size;

    // Null: no memory.
    [[nodiscard]] static Ref<Pipe> make() { return Ref<Pipe>::adopt(new (std::nothrow) Pipe); }
    ~Pipe() override;

    // Errors: eagain, eintr, efault.
    [[nodiscard]] Result<std::size_t> read(Buffer& to, bool blocks);
    // Errors: as read(), and epipe, enomem.
    [[nodiscard]] Result<std::size_t> write(Buffer& from, bool blocks);
    [[nodiscard]] u16 poll(PollEntry* entry, bool reads, bool writes);
    [[nodiscard]] std::size_t size();

    // An end is opened and closed; of a fifo also while others wait for it.
    void open_end(bool reads, bool writes);
    void close_end(bool reads, bool writes);
    // Until there has been somebody at the other end since this end was opened. Errors: eintr.
    [[nodiscard]] Done wait_for_other_end(bool for_writer);
    [[nodiscard]] bool has_reader();

  private:
    // Under the mutex:
    [[nodiscard]] std::size_t used() const { return static_cast<std::size_t>(written_ - read_); }
    [[nodiscard]] Result<std::size_t> put(Buffer& from, std::size_t size);
    [[nodiscard]] Result<std::size_t> get(Buffer& to);
    [[nodiscard]] bool obtain_pages(std::size_t size);
    void free_pages(std::size_t keep);

    Mutex mutex_;
    Waiters readers_, writers_, openers_;
    PollList polled_;
    std::byte* pages_[page_count]{};
    u64 read_{}, written_{}; // bytes since the start; written_ - read_ <= capacity
    u32 reader_count_{}, writer_count_{};
    u64 reader_opens_{}, writer_opens_{}; // ever
};

// Both ends of a new pipe. `flags`: open_non_blocking. Errors: enomem.
struct PipeEnds {
    Ref<OpenFile> to_read, to_write;
};
[[nodiscard]] Result<PipeEnds> make_pipe(u32 flags);

// As open() of a fifo does: waits for the other end, unless it may not. Errors: enxio, eintr, enomem.
[[nodiscard]] Result<Ref<OpenFile>> open_fifo(Ref<Node> node, Ref<Pipe> pipe, u32 flags);

} // namespace chorale::c_os
