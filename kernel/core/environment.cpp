#include "kernel/core/environment.hpp"

#include "kernel/base/spin_lock.hpp"

#include <array>

namespace chorale::environment {

namespace {

struct Entry {
    char name[K_ENVNAMEMAX];
    char value[K_ENVVALUEMAX];
    u16 name_length; // 0: free. It and the last character tell most names apart quickly
    bool fixed;
};
using Entries = std::array<Entry, entry_limit>;
Guarded<Rank::names, Entries> entries;

[[nodiscard]] Entry* find(Entries& all, std::string_view name) {
    for (Entry& entry : all) {
        if (entry.name_length == name.size() &&
            (name.empty() || (entry.name[name.size() - 1] == name.back() &&
                              name == std::string_view{entry.name, name.size()}))) {
            return &entry;
        }
    }
    return nullptr;
}

void store(char* to, std::string_view text) {
    __builtin_memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
}

} // namespace

namespace {

[[nodiscard]] Status put(std::string_view name, std::string_view value, bool fixed) {
    if (name.empty() || name.find('=') != std::string_view::npos) return Status::invalid;
    if (name.size() >= K_ENVNAMEMAX || value.size() >= K_ENVVALUEMAX) return Status::no_memory;
    return entries.with([&](Entries& all) {
        Entry* entry = find(all, name);
        if (entry == nullptr) entry = find(all, "");
        if (entry == nullptr) return Status::no_memory;
        if (entry->fixed) return Status::invalid;
        entry->fixed = fixed;
        store(entry->name, name);
        entry->name_length = static_cast<u16>(name.size());
        store(entry->value, value);
        return Status::ok;
    });
}

} // namespace

Status set(std::string_view name, std::string_view value) { return put(name, value, false); }

void fix(std::string_view name, std::string_view value) { static_cast<void>(put(name, value, true)); }

Status unset(std::string_view name) {
    if (name.empty()) return Status::invalid;
    return entries.with([&](Entries& all) {
        Entry* const entry = find(all, name);
        if (entry == nullptr) return Status::unknown;
        if (entry->fixed) return Status::invalid;
        entry->name[0] = '\0';
        entry->name_length = 0;
        return Status::ok;
    });
}

Result<unsigned> get(std::string_view name, char* buffer) {
    if (name.empty()) return Status::invalid;
    return entries.with([&](Entries& all) -> Result<unsigned> {
        const Entry* const entry = find(all, name);
        if (entry == nullptr) return Status::unknown;
        const std::string_view value{entry->value};
        store(buffer, value);
        return static_cast<unsigned>(value.size() + 1);
    });
}

void name_at(unsigned index, char (&name)[K_ENVNAMEMAX]) {
    entries.with([&](Entries& all) { __builtin_memcpy(name, all[index].name, sizeof name); });
}

} // namespace chorale::environment
