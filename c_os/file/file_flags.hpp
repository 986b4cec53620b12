// The numbers of fcntl.h that Linux programs use; the same on every machine that we have.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

inline constexpr u32 open_access_mode = 03;
inline constexpr u32 open_read_only = 00;
inline constexpr u32 open_write_only = 01;
inline constexpr u32 open_read_write = 02;
inline constexpr u32 open_create = 0100;
inline constexpr u32 open_exclusive = 0200;
inline constexpr u32 open_no_terminal = 0400;
inline constexpr u32 open_truncate = 01000;
inline constexpr u32 open_append = 02000;
inline constexpr u32 open_non_blocking = 04000;
inline constexpr u32 open_data_sync = 010000;
inline constexpr u32 open_direct = 040000;
inline constexpr u32 open_large_file = 0100000;
inline constexpr u32 open_directory = 0200000;
inline constexpr u32 open_no_follow = 0400000;
inline constexpr u32 open_no_access_time = 01000000;
inline constexpr u32 open_close_on_exec = 02000000;
inline constexpr u32 open_sync = 04000000 | open_data_sync;
inline constexpr u32 open_path = 010000000;
inline constexpr u32 open_temporary = 020000000; // O_TMPFILE's own bit

// What F_SETFL may change.
inline constexpr u32 open_changeable = open_append | open_non_blocking | open_direct | open_no_access_time;

inline constexpr int at_current_directory = -100;
inline constexpr u32 at_symlink_no_follow = 0x100;
inline constexpr u32 at_remove_directory = 0x200; // of unlinkat
inline constexpr u32 at_effective_access = 0x200; // of faccessat2
inline constexpr u32 at_symlink_follow = 0x400;
inline constexpr u32 at_no_automount = 0x800;
inline constexpr u32 at_empty_path = 0x1000;

inline constexpr u16 poll_in = 1;
inline constexpr u16 poll_priority = 2;
inline constexpr u16 poll_out = 4;
inline constexpr u16 poll_error = 8;
inline constexpr u16 poll_hang_up = 0x10;
inline constexpr u16 poll_invalid = 0x20;
inline constexpr u16 poll_read_normal = 0x40;
inline constexpr u16 poll_write_normal = 0x100;

enum class Whence : u8 { start = 0, current = 1, end = 2, data = 3, hole = 4 };

} // namespace chorale::c_os
