// Bytes from here to there. There is no <cstring> without a C library.
#pragma once

#include <cstddef>

namespace chorale::c_os {

inline void copy_bytes(void* to, const void* from, std::size_t size) { __builtin_memcpy(to, from, size); }
// The two may overlap.
inline void move_bytes(void* to, const void* from, std::size_t size) { __builtin_memmove(to, from, size); }
inline void clear_bytes(void* at, std::size_t size) { __builtin_memset(at, 0, size); }

} // namespace chorale::c_os
