// What a file system knows about a node besides its contents, and the numbers for it that Linux programs
// know.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

// As the high bits of st_mode and as d_type.
enum class NodeKind : u8 {
    fifo = 1,
    character = 2,
    directory = 4,
    block = 6,
    regular = 8,
    link = 10,
    socket = 12,
};

inline constexpr u32 mode_mask = 07777;
inline constexpr u32 mode_set_uid = 04000;
inline constexpr u32 mode_set_gid = 02000;
inline constexpr u32 mode_sticky = 01000;
inline constexpr u32 mode_group_execute = 010;
inline constexpr u32 mode_any_execute = 0111;

// Since 1970-01-01 00:00 UTC; before it, seconds are negative.
struct TimeStamp {
    std::int64_t seconds;
    u32 nanoseconds; // < 10^9
    friend constexpr auto operator<=>(const TimeStamp&, const TimeStamp&) = default;
};
using Clock = TimeStamp (*)();

// The number of a device as Linux programs see it.
[[nodiscard]] constexpr u64 device_number(u32 major, u32 minor) {
    return (u64{major} & 0xfffff000) << 32 | (u64{major} & 0xfff) << 8 | (u64{minor} & 0xffffff00) << 12 |
           (minor & 0xff);
}
[[nodiscard]] constexpr u32 device_major(u64 number) {
    return static_cast<u32>((number >> 32 & 0xfffff000) | (number >> 8 & 0xfff));
}
[[nodiscard]] constexpr u32 device_minor(u64 number) {
    return static_cast<u32>((number >> 12 & 0xffffff00) | (number & 0xff));
}

struct Attributes {
    NodeKind kind{NodeKind::regular};
    u32 mode{}; // within mode_mask
    u32 links{};
    u32 uid{}, gid{};
    u64 size{};
    u64 pages{};   // of memory, or of a disk
    u64 number{};  // of the node in its file system
    u64 device{};  // of the file system
    u64 special{}; // of character and block nodes: which device they stand for
    TimeStamp accessed{}, modified{}, changed{}, created{};
};

// What chmod, chown and utimensat want to have changed; the rest stays.
struct AttributeChange {
    enum class Time : u8 { keep, now, given };
    bool set_mode{}, set_uid{}, set_gid{};
    Time set_accessed{}, set_modified{};
    u32 mode{};
    u32 uid{}, gid{};
    TimeStamp accessed{}, modified{};
};

// What fstatfs tells.
struct FileSystemStatistics {
    u32 type{};
    u64 pages{}, free_pages{};
    u64 nodes{}, free_nodes{};
    u64 device{};
    bool read_only{};
};

} // namespace chorale::c_os
