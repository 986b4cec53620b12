// Data of each actor of the site: the nucleus keeps it (kernel/core/site_data.hpp); here its errors become
// the positive ones of private data.
#include <pd/chPd.h>

#include <cstdint>

namespace {

struct Destructor {
    PdKey key;
    KnLapDesc lap;
};
Destructor destructors[PD_SITE_KEYS_MAX]; // of this actor's keys, by their places

int positive(int error) {
    constexpr int permission = 1, again = 11, no_memory = 12, fault = 14, invalid = 22;
    switch (error) {
    case K_OK:
        return 0;
    case K_EPRIV:
        return permission;
    case K_EFULL:
        return again;
    case K_ENOMEM:
        return no_memory;
    case K_EFAULT:
        return fault;
    default:
        return invalid;
    }
}

} // namespace

extern "C" {

int padKeyCreate(PdKey* pkey, KnPdHdl destructor) {
    if (destructor == nullptr) return positive(siteKeyCreate(pkey, nullptr));
    KnLapDesc lap{};
    const auto handler = reinterpret_cast<KnLapHdl>(reinterpret_cast<std::uintptr_t>(destructor));
    if (const int error = svLapCreate(K_MYACTOR, handler, nullptr, K_LAP_SAFE | K_LAP_SETJMP, &lap);
        error != K_OK)
        return positive(error);
    const int error = siteKeyCreate(pkey, &lap);
    if (error == K_OK) {
        destructors[*pkey % PD_SITE_KEYS_MAX] = {*pkey, lap};
    } else {
        svLapDelete(&lap);
    }
    return positive(error);
}

int padKeyDelete(PdKey key) {
    // Looked at first: when the key is gone another thread may get its place. A name never comes again.
    const Destructor destructor = destructors[key % PD_SITE_KEYS_MAX];
    const int error = siteKeyDelete(key);
    if (error == K_OK && destructor.key == key) svLapDelete(&destructor.lap);
    return positive(error);
}

int padSet(const KnCap* actorcap, PdKey key, const void* value) {
    return positive(siteDataSet(actorcap, key, reinterpret_cast<std::uintptr_t>(value)));
}

void* padGet(const KnCap* actorcap, PdKey key) {
    std::uint64_t value = 0;
    return siteDataGet(actorcap, key, &value) == K_OK ? reinterpret_cast<void*>(value) : nullptr;
}

} // extern "C"
