// Data of each actor of the site: the nucleus keeps it (kernel/core/site_data.hpp); here its errors become
// the positive ones of private data.
#include <pd/chPd.h>

#include <cstdint>

namespace {

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
    return positive(siteKeyCreate(pkey, reinterpret_cast<std::uintptr_t>(destructor)));
}

int padKeyDelete(PdKey key) { return positive(siteKeyDelete(key)); }

int padSet(const KnCap* actorcap, PdKey key, const void* value) {
    return positive(siteDataSet(actorcap, key, reinterpret_cast<std::uintptr_t>(value)));
}

void* padGet(const KnCap* actorcap, PdKey key) {
    std::uint64_t value = 0;
    return siteDataGet(actorcap, key, &value) == K_OK ? reinterpret_cast<void*>(value) : nullptr;
}

} // extern "C"
