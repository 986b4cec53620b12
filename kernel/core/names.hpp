// Names of dynamic objects: a head that tells the kind, the site and where to look, and 64 unpredictable
// bits, so that to know a name is to have been given it.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

namespace chorale {

// Those from `declared_port` on are the types of uiBuild(); those from `group` on name groups.
enum class NameKind : u64 {
    actor = 1,
    port = 2,
    cache = 3,
    declared_port = K_UIPORT,
    fixed_port = K_UIPORT_STATPORT, // does not migrate
    site = K_UISITE,
    group = K_UIGROUP_DYN,
    user_group = K_UIGROUP_STATUSER,
    system_group = K_UIGROUP_STATSYS,
};
inline constexpr unsigned name_kind_shift = K_CUI_TYPESHIFT;
inline constexpr u64 local_site = 1;

// The per-boot key. Once, before the first name.
void init_names(u64 seed_low, u64 seed_high);

// `bucket` becomes the high bits of the head, where one shift gets at it.
inline constexpr unsigned name_bucket_bits = 64 - K_CUI_BUCKETSHIFT;
[[nodiscard]] constexpr u64 bucket_of(u64 head) { return head >> (64 - name_bucket_bits); }
[[nodiscard]] KnUniqueId make_name(NameKind kind, u64 bucket);

// What proves that this boot made the name: nobody else can work it out.
[[nodiscard]] u64 key_of(const KnUniqueId& name);

// Unpredictable, never the same twice in a row of 2^64.
[[nodiscard]] u64 make_key();

[[nodiscard]] constexpr NameKind kind_of(const KnUniqueId& name) {
    return static_cast<NameKind>(name.uiHead >> name_kind_shift & 0xf);
}
[[nodiscard]] constexpr u64 site_of(const KnUniqueId& name) {
    return name.uiHead >> K_CUI_SITESHIFT & 0xffff'ffff;
}

// A port whose name a program has made: its bucket is one of those that dynamic names never have.
[[nodiscard]] constexpr bool is_declared(const KnUniqueId& name) {
    return kind_of(name) == NameKind::declared_port || kind_of(name) == NameKind::fixed_port;
}
// One that stays in the actor that declared it.
[[nodiscard]] constexpr bool is_static_port(const KnUniqueId& name) {
    return kind_of(name) == NameKind::fixed_port;
}

} // namespace chorale
