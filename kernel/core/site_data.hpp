// Private data of actors (<pd/chPd.h>): keys that are valid in every actor of the site, and each actor's
// values under them. A value is remembered with the name of its key, so that the values of a key that was
// deleted are gone without anybody having visited the actors.
//
// A key may have a destructor, to be called with an actor's value when that actor ends, by default through a
// LAP in the actor that made the key. Its address is kept in the key; who deletes an actor finds the values
// that want it with next_destructor().
#pragma once

#include "kernel/base/types.hpp"

#include <pd/chPd.h>

#include <array>

namespace chorale {

struct Actor;

struct SiteData {
    struct Value {
        PdKey key;
        u64 value;
    };
    std::array<Value, PD_SITE_KEYS_MAX> values{}; // under the lock of the actor's tables
};

// The key goes with `owner`. Errors: full.
[[nodiscard]] Result<PdKey> create_site_key(Actor& owner, u64 destructor);
// Errors: invalid (no such key).
[[nodiscard]] Status delete_site_key(PdKey key);
// Those that the actor made, when it ends.
void delete_site_keys_of(const Actor& owner);

// Errors: invalid (no such key).
[[nodiscard]] Status set_site_data(Actor& actor, PdKey key, u64 value);
[[nodiscard]] Result<u64> site_data(Actor& actor, PdKey key);

struct SiteDestructor {
    Actor* owner{}; // null: there is none
    u64 routine{}, value{};
};
// Takes one value that has a destructor away from the actor.
[[nodiscard]] SiteDestructor next_destructor(Actor& actor);

} // namespace chorale
