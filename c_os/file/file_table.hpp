// The descriptors of a process.
//
// A call that uses a descriptor must not lose its file to another thread that closes the descriptor
// meanwhile, and must pay little for it: two atomic operations and no lock. A slot is one word: the file's
// address and the number of calls that are using it through this slot (its pins). To pin is to add one to the
// word, which tells the file at the same moment. Who closes takes the word out, so learns of the pins, and
// turns them into as many holders of the file. Who unpins takes his pin out of the slot, or, when the slot
// holds another file or no pin any more, releases the file.
//
// Invariant: a file's holders + its pins in all slots = slots that hold it + calls that use it + other
// holders. (That the pin which somebody takes out of a slot may have been another call's changes nothing in
// that.)
#pragma once

#include "c_os/base/sync.hpp"
#include "c_os/file/open_file.hpp"

namespace chorale::c_os {

// A slot's word. An address of the supervisor space is 48 bits and their sign; there are fewer threads than
// pins.
using FileSlot = std::atomic<u64>;

// A file in use by a call.
class FileUse {
  public:
    FileUse(FileUse&& other) noexcept : slot_{other.slot_}, file_{std::exchange(other.file_, nullptr)} {}
    FileUse& operator=(FileUse other) noexcept {
        std::swap(slot_, other.slot_);
        std::swap(file_, other.file_);
        return *this;
    }
    ~FileUse() {
        if (file_ != nullptr) end();
    }
    OpenFile* operator->() const { return file_; }
    OpenFile& operator*() const { return *file_; }

  private:
    friend class FileTable;
    FileUse(FileSlot& slot, OpenFile& file) : slot_{&slot}, file_{&file} {}
    void end();

    FileSlot* slot_;
    OpenFile* file_;
};

class FileTable {
  public:
    static constexpr u32 descriptor_limit = 4096;
    static constexpr u32 default_limit = 1024;

    FileTable() = default;
    ~FileTable();
    FileTable(const FileTable&) = delete;
    FileTable& operator=(const FileTable&) = delete;

    // Errors: ebadf.
    [[nodiscard]] Result<FileUse> use(int descriptor);
    // The same, of a file that may be read, or written. Errors: ebadf.
    [[nodiscard]] Result<FileUse> use_to_read(int descriptor);
    [[nodiscard]] Result<FileUse> use_to_write(int descriptor);

    // The lowest free descriptor from `lowest` on. Errors: emfile (RLIMIT_NOFILE), enomem, einval.
    [[nodiscard]] Result<int> add(Ref<OpenFile> file, bool close_on_exec, u32 lowest = 0);
    // In two steps: a descriptor that nobody else gets, for a file that is yet to be opened; then the file,
    // or nothing. In between it is not open.
    [[nodiscard]] Result<int> reserve(u32 lowest = 0);
    void fill(int reserved, Ref<OpenFile> file, bool close_on_exec);
    void give_back(int reserved);
    // dup2, dup3: what was there is closed. Errors: ebadf, ebusy (reserved), enomem.
    [[nodiscard]] Done put(int descriptor, Ref<OpenFile> file, bool close_on_exec);
    // Errors: ebadf.
    [[nodiscard]] Done close(int descriptor);
    // Every descriptor from first to last.
    void close_range(u32 first, u32 last);
    // The flag of F_GETFD and F_SETFD. Errors: ebadf.
    [[nodiscard]] Result<bool> close_on_exec(int descriptor);
    [[nodiscard]] Done set_close_on_exec(int descriptor, bool close_on_exec);
    // At an exec: closes what is marked.
    void close_marked();
    // Puts what the other one holds into this empty one, at the same descriptors. Errors: enomem.
    [[nodiscard]] Done copy_from(FileTable& other);

    // RLIMIT_NOFILE: the first descriptor that is not given out. At most descriptor_limit.
    [[nodiscard]] u32 limit() const { return limit_.load(std::memory_order_relaxed); } // a number by itself
    void set_limit(u32 limit);

  private:
    static constexpr u32 chunk_size = 64;
    static constexpr u32 chunk_count = descriptor_limit / chunk_size;
    // Comes when its first descriptor does, and stays where it is as long as the table.
    struct Chunk {
        FileSlot slots[chunk_size]{};
        u64 used{};   // open or reserved
        u64 marked{}; // close on exec
    };

    [[nodiscard]] Result<Chunk*> obtain_chunk(u32 index);
    [[nodiscard]] Chunk* chunk_of(int descriptor) const;
    [[nodiscard]] Result<int> take_lowest(u32 lowest);
    // What the slot held; under the mutex.
    [[nodiscard]] Ref<OpenFile> exchange(FileSlot& slot, Ref<OpenFile> file);
    [[nodiscard]] Ref<OpenFile> take_out(Chunk& chunk, u32 bit);

    Mutex mutex_; // chunks_, used, marked, changes of slots
    std::atomic<Chunk*> chunks_[chunk_count]{};
    std::atomic<u32> limit_{default_limit};
};

} // namespace chorale::c_os
