// fcntl(2), F_SETLK: advisory locks of parts of files. A lock belongs to a process (here: its descriptors);
// the first of them that it closes of a file lets all its locks of that file go.
#pragma once

#include "c_os/base/error.hpp"
#include "kernel/base/types.hpp"

#include <optional>

namespace chorale::c_os {

class FileTable;
class Node;

enum class RecordKind : u8 { read, write, none };

// Bytes from `first` to before `end`.
struct RecordRange {
    static constexpr u64 no_end = ~u64{0};
    u64 first{}, end{};

    [[nodiscard]] bool overlaps(const RecordRange& other) const {
        return first < other.end && other.first < end;
    }
};

struct RecordLock {
    const FileTable* owner{};
    int process{}; // its id
    const Node* node{};
    RecordRange range;
    RecordKind kind{};
};

// What the owner has had of the range is of this kind from now on. Errors: eagain (unless it waits), eintr,
// enomem; enolck: the owner has too many; edeadlk: who would have to go first waits for the caller.
[[nodiscard]] Done set_record_lock(const RecordLock& wanted, bool waits);
// The first lock that keeps this one off.
[[nodiscard]] std::optional<RecordLock> find_record_lock(const RecordLock& wanted);
// A descriptor of the node has been closed.
void forget_record_locks(const FileTable& owner, const Node& node);

} // namespace chorale::c_os
