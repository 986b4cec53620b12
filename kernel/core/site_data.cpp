#include "kernel/core/site_data.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

#include <utility>

namespace chorale {

namespace {

constexpr unsigned key_bits = 4; // a key is its place and, above, how often the place was used
static_assert(1u << key_bits == PD_SITE_KEYS_MAX);

struct Key {
    u64 uses{};
    Actor* owner{}; // null: free
    KnLapDesc destructor{};
};
using Keys = std::array<Key, PD_SITE_KEYS_MAX>;
Guarded<Rank::names, Keys> keys;

[[nodiscard]] Key* find(Keys& all, PdKey name) {
    Key& key = all[name % PD_SITE_KEYS_MAX];
    return key.owner != nullptr && key.uses == name >> key_bits ? &key : nullptr;
}

struct Destruction {
    KnLapDesc lap{}; // key of 0: there is none
    u64 value{};
};

// A value that has a destructor, which the actor has no more. None of its threads is left; others that set
// one now come too late, or in time.
[[nodiscard]] Destruction take_value(Actor& actor) {
    for (;;) {
        const SiteData::Value found = actor.tables.with([&](Actor::Tables&) {
            for (SiteData::Value& place : actor.site.values) {
                if (place.value != 0) return std::exchange(place, SiteData::Value{});
            }
            return SiteData::Value{};
        });
        if (found.value == 0) return {};
        const KnLapDesc lap = keys.with([&](Keys& all) {
            const Key* const key = find(all, found.key);
            return key != nullptr ? key->destructor : KnLapDesc{};
        });
        if (lap.ldKey != 0) return {lap, found.value};
    }
}

} // namespace

Result<PdKey> create_site_key(Actor& owner, const KnLapDesc& destructor) {
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

void run_destructors(Thread& self, void (*next)(Thread&)) {
    for (;;) {
        const Destruction wanted = take_value(*self.victim);
        if (wanted.lap.ldKey == 0) return next(self);
        Handler handler;
        handler.entry = VirtAddr{reinterpret_cast<u64>(&machine::chorale_lap_invoke_guarded)};
        handler.argument[0] = HandlerWord::of(wanted.lap.ldPlace);
        handler.argument[1] = HandlerWord::of(wanted.lap.ldKey);
        handler.argument[2] = HandlerWord::of(wanted.value);
        handler.owner = &execution_actor(self);
        // The thread is engaged all the time (its victim is set): it cannot end in between.
        handler.returned = [](Thread& thread, u64, u64 after) {
            thread.invocations.destructs = false;
            run_destructors(thread, reinterpret_cast<void (*)(Thread&)>(after));
        };
        handler.cookie = reinterpret_cast<u64>(next);
        if (enter_handler(self, handler) != Status::ok) continue;
        self.invocations.destructs = true;
        return;
    }
}

} // namespace chorale
