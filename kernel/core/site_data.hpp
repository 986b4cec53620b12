// Private data of actors (<pd/chPd.h>): keys that are valid in every actor of the site, and each actor's
// values under them. A value is remembered with the name of its key, so that the values of a key that was
// deleted are gone without anybody having visited the actors.
//
// A key may have a destructor: a LAP, which who deletes an actor invokes with the actor's value, when none of
// its threads is left (run_destructors()).
#pragma once

#include "kernel/base/types.hpp"

#include <lap/chLap.h>
#include <pd/chPd.h>

#include <array>

namespace chorale {

struct Actor;
struct Thread;

struct SiteData {
    struct Value {
        PdKey key;
        u64 value;
    };
    std::array<Value, PD_SITE_KEYS_MAX> values{}; // under the lock of the actor's tables
};

// The key goes with `owner`. Errors: full.
[[nodiscard]] Result<PdKey> create_site_key(Actor& owner, const KnLapDesc& destructor); // key of 0: none
// Errors: invalid (no such key).
[[nodiscard]] Status delete_site_key(PdKey key);
// Those that the actor made, when it ends.
void delete_site_keys_of(const Actor& owner);

// Errors: invalid (no such key).
[[nodiscard]] Status set_site_data(Actor& actor, PdKey key, u64 value);
[[nodiscard]] Result<u64> site_data(Actor& actor, PdKey key);

// Of `self`'s victim, on `self`, one after the other, at thread level; then `next`, when this returns or
// later. In a continuation. Those for which there is no stack are left out.
void run_destructors(Thread& self, void (*next)(Thread&));

} // namespace chorale
