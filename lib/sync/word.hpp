// What programs do to the word of an object by themselves (chSync.h): take a unit when there is one, give one
// when nobody waits. While the highest bit is set the word reads as negative, and the nucleus is asked.
#pragma once

#include <sync/chSync.h>

namespace chorale {

inline constexpr unsigned most_units = 0x7fffffff;

// acquire: pairs with the release in give(), so that what was done under the unit before is seen
[[nodiscard, gnu::always_inline]] inline bool take(KnSyncWord& word) {
    unsigned units = __atomic_load_n(&word.value, __ATOMIC_RELAXED); // relaxed: compared when it is changed
    while (static_cast<int>(units) > 0) {
        if (__atomic_compare_exchange_n(&word.value, &units, units - 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

// The same where there is one unit at most.
[[nodiscard, gnu::always_inline]] inline bool take_one(KnSyncWord& word) {
    unsigned units = 1;
    return __atomic_compare_exchange_n(&word.value, &units, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// False: somebody waits, or there is no room.
[[nodiscard, gnu::always_inline]] inline bool give(KnSyncWord& word) {
    unsigned units = __atomic_load_n(&word.value, __ATOMIC_RELAXED); // relaxed: compared when it is changed
    while (static_cast<int>(units + 1) > 0) {
        if (__atomic_compare_exchange_n(&word.value, &units, units + 1, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

[[nodiscard, gnu::always_inline]] inline bool give_one(KnSyncWord& word) {
    unsigned units = 0;
    // release: pairs with the acquire in take() and take_one(); relaxed: nothing was changed
    return __atomic_compare_exchange_n(&word.value, &units, 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

// The nucleus's part; it does not matter whether somebody was woken.
[[nodiscard]] inline int give_slowly(KnSyncWord& word, unsigned most) {
    const int result = syncGive(&word, most);
    return result < 0 ? result : K_OK;
}

// relaxed: nobody else knows the object yet
inline void set_units(KnSyncWord& word, unsigned units) {
    __atomic_store_n(&word.value, units, __ATOMIC_RELAXED);
}

} // namespace chorale
