// Names of dynamic objects: a head that tells the kind, the site and where to look, and 64 unpredictable
// bits, so that to know a name is to have been given it.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

namespace chorale {

enum class NameKind : u64 { actor = 1, port = 2, cache = 3 };
inline constexpr unsigned name_kind_shift = 48;
inline constexpr u64 local_site = 1;

// The per-boot key. Once, before the first name.
void init_names(u64 seed_low, u64 seed_high);

// `bucket` becomes the high bits of the head, where one shift gets at it.
inline constexpr unsigned name_bucket_bits = 12;
[[nodiscard]] constexpr u64 bucket_of(u64 head) { return head >> (64 - name_bucket_bits); }
[[nodiscard]] KnUniqueId make_name(NameKind kind, u64 bucket);

// Unpredictable, never the same twice in a row of 2^64.
[[nodiscard]] u64 make_key();

[[nodiscard]] constexpr NameKind kind_of(const KnUniqueId& name) {
    return static_cast<NameKind>(name.uiHead >> name_kind_shift & 0xf);
}

} // namespace chorale
