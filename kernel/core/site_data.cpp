#include "kernel/core/site_data.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"

namespace chorale {

namespace {

constexpr unsigned key_bits = 4; // a key is its place and, above, how often the place was used
static_assert(1u << key_bits == PD_SITE_KEYS_MAX);

struct Key {
    u64 uses{};
    Actor* owner{}; // null: free
    u64 destructor{};
};
using Keys = std::array<Key, PD_SITE_KEYS_MAX>;
Guarded<Rank::names, Keys> keys;

[[nodiscard]] Key* find(Keys& all, PdKey name) {
    Key& key = all[name % PD_SITE_KEYS_MAX];
    return key.owner != nullptr && key.uses == name >> key_bits ? &key : nullptr;
}

} // namespace

Result<PdKey> create_site_key(Actor& owner, u64 destructor) {
    return keys.with([&](Keys& all) -> Result<PdKey> {
        for (unsigned place = 0; place < PD_SITE_KEYS_MAX; ++place) {
            Key& key = all[place];
            if (key.owner != nullptr) continue;
            key = {key.uses + 1, &owner, destructor};
            return PdKey{key.uses << key_bits | place};
        }
        return Status::full;
    });
}

Status delete_site_key(PdKey name) {
    return keys.with([&](Keys& all) {
        Key* const key = find(all, name);
        if (key == nullptr) return Status::invalid;
        key->owner = nullptr;
        return Status::ok;
    });
}

void delete_site_keys_of(const Actor& owner) {
    keys.with([&](Keys& all) {
        for (Key& key : all) {
            if (key.owner == &owner) key.owner = nullptr;
        }
    });
}

Status set_site_data(Actor& actor, PdKey name, u64 value) {
    if (!keys.with([&](Keys& all) { return find(all, name) != nullptr; })) return Status::invalid;
    actor.tables.with([&](Actor::Tables&) { actor.site.values[name % PD_SITE_KEYS_MAX] = {name, value}; });
    return Status::ok;
}

Result<u64> site_data(Actor& actor, PdKey name) {
    if (!keys.with([&](Keys& all) { return find(all, name) != nullptr; })) return Status::invalid;
    return actor.tables.with([&](Actor::Tables&) -> Result<u64> {
        const SiteData::Value& found = actor.site.values[name % PD_SITE_KEYS_MAX];
        return found.key == name ? found.value : 0;
    });
}

SiteDestructor next_destructor(Actor& actor) {
    for (SiteData::Value& place : actor.site.values) {
        const SiteData::Value found = place;
        place = {};
        if (found.value == 0) continue;
        const SiteDestructor wanted = keys.with([&](Keys& all) {
            const Key* const key = find(all, found.key);
            if (key == nullptr || key->destructor == 0) return SiteDestructor{};
            return SiteDestructor{key->owner, key->destructor, found.value};
        });
        if (wanted.owner != nullptr) return wanted;
    }
    return {};
}

} // namespace chorale
