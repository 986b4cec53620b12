// What a process has of files: its descriptors, its directories, its mask, and who it is to them.
#pragma once

#include "c_os/file/file_table.hpp"

#include <array>
#include <atomic>

namespace chorale::c_os {

class Terminal;

// What a call needs to walk along paths, as it was when the call began.
struct Caller {
    Credentials credentials;
    Ref<Node> root, current;
    u32 umask{};
};

// Which process, process group and session this is, for terminals. The process core keeps it true.
struct JobIdentity {
    int process{}, group{}, session{};
};

// How a new process differs from its parent; what is null or -1 it inherits.
struct Inheritance {
    bool descriptors{true}; // all of the parent's, else none but the standard ones below
    // Which of the parent's descriptors become 0, 1 and 2.
    int standard[3]{-1, -1, -1};
    Ref<Node> root{}, current{};
    const Credentials* credentials{};
};

enum class HardLimit : u8 { files, file_size };

class FileContext {
  public:
    FileContext();
    ~FileContext();

    // Of the first process: the system's root, mask 022, no descriptors.
    void begin(Ref<Node> root, const Credentials& credentials);
    // Of a child of a process. Errors: enomem, ebadf.
    [[nodiscard]] Done begin_as_child(FileContext& parent, const Inheritance& inheritance = {});
    // At an exec.
    void close_marked() { files.close_marked(); }

    FileTable files;

    [[nodiscard]] Caller caller();
    [[nodiscard]] Credentials credentials();
    void set_credentials(const Credentials& credentials);
    [[nodiscard]] Ref<Node> root();
    [[nodiscard]] Ref<Node> current();
    void set_root(Ref<Node> directory);
    void set_current(Ref<Node> directory);
    [[nodiscard]] u32 umask();
    // The one before.
    u32 set_umask(u32 mask);

    [[nodiscard]] JobIdentity job();
    void set_job(const JobIdentity& job);
    // The controlling terminal, or null; what /dev/tty means.
    [[nodiscard]] Ref<Terminal> terminal();
    void set_terminal(Ref<Terminal> terminal);

    // What others of setrlimit(2) lie below: the soft ones are `files`' and the next. Numbers by themselves.
    [[nodiscard]] u64 hard_limit(HardLimit which) const {
        return hard_[static_cast<unsigned>(which)].load(std::memory_order_relaxed); // as above
    }
    void set_hard_limit(HardLimit which, u64 limit) {
        hard_[static_cast<unsigned>(which)].store(limit, std::memory_order_relaxed); // as above
    }

    // RLIMIT_FSIZE: where writing ends. A number by itself.
    [[nodiscard]] u64 file_size_limit() const { return file_size_limit_.load(std::memory_order_relaxed); }
    void set_file_size_limit(u64 limit) {
        file_size_limit_.store(limit, std::memory_order_relaxed); // as above
    }

  private:
    Mutex mutex_; // all below but the limits
    Credentials credentials_;
    Ref<Node> root_, current_;
    u32 umask_{022};
    JobIdentity job_;
    Ref<Terminal> terminal_;
    std::atomic<u64> file_size_limit_{~u64{0}};
    std::array<std::atomic<u64>, 2> hard_{FileTable::descriptor_limit, ~u64{0}};
};

} // namespace chorale::c_os
