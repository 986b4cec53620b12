// What a descriptor stands for: a node that was opened, with a place in it. Descriptors that dup() and fork()
// made share it; it is closed when the last lets go.
#pragma once

#include "c_os/file/file_flags.hpp"
#include "c_os/file/node.hpp"
#include "c_os/file/poll.hpp"

namespace chorale::c_os {

class OpenFile : public Counted {
  public:
    [[nodiscard]] static u64 count(); // how many there are
    [[nodiscard]] Node& node() const { return *node_; }
    // open_access_mode and what F_GETFL tells. Relaxed: who changes it while another reads or writes the file
    // does not know which of the two comes first.
    [[nodiscard]] u32 flags() const { return flags_.load(std::memory_order_relaxed); }
    // Changes the bits of `mask` to those of `flags`.
    void change_flags(u32 mask, u32 flags);
    [[nodiscard]] bool readable() const {
        const u32 mode = flags() & (open_access_mode | open_path);
        return mode == open_read_only || mode == open_read_write;
    }
    [[nodiscard]] bool writable() const {
        const u32 mode = flags() & (open_access_mode | open_path);
        return mode == open_write_only || mode == open_read_write;
    }
    [[nodiscard]] bool blocks() const { return (flags() & open_non_blocking) == 0; }

    // At the file's own place, which moves on, and which several threads that read at once share: none reads
    // what another has read. The number of bytes; 0: the end. What was done before an error counts as
    // success. Whether the file is readable has been asked. Errors: eagain, eintr, eio, eisdir, efault,
    // einval.
    [[nodiscard]] virtual Result<std::size_t> read(Buffer& to);
    // Errors: as read(), and enospc, edquot, efbig, epipe. `limit`: RLIMIT_FSIZE.
    [[nodiscard]] virtual Result<std::size_t> write(Buffer& from, u64 limit);
    // At a given place; the file's own stays. Errors: as above, and espipe.
    [[nodiscard]] virtual Result<std::size_t> read_at(u64 offset, Buffer& to);
    [[nodiscard]] virtual Result<std::size_t> write_at(u64 offset, Buffer& from, u64 limit);
    // The new place. Errors: espipe, einval, eoverflow, enxio (no such data or hole).
    [[nodiscard]] virtual Result<u64> seek(std::int64_t offset, Whence whence);
    // Which of poll_* hold; with an entry, it joins the lists of those that could come to hold.
    [[nodiscard]] virtual u16 poll(PollEntry* entry);
    [[nodiscard]] virtual Result<u64> control(FileContext& context, u32 request, u64 argument);
    // Goes on listing a directory at the file's own place. Errors: enotdir, those of the sink.
    [[nodiscard]] virtual Done list(DirectorySink& to);
    // Memory for a range, so that writing to it cannot run out of it. Errors: enodev, enospc, edquot, efbig.
    [[nodiscard]] virtual Done allocate(u64 offset, u64 size, bool keep_size);

  protected:
    OpenFile(Ref<Node> node, u32 flags);
    ~OpenFile() override;

  private:
    Ref<Node> node_;
    std::atomic<u32> flags_;
};

// Where seek() goes from `base`. Errors: einval (before the start), eoverflow.
[[nodiscard]] Result<u64> moved_place(u64 base, std::int64_t offset);

// O_PATH: a place in the tree and nothing else.
class PathFile final : public OpenFile {
  public:
    PathFile(Ref<Node> node, u32 flags) : OpenFile{std::move(node), flags} {}
};

} // namespace chorale::c_os
