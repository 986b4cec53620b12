#include "arch/host/user_word.hpp"

#include "lib/sync/word.hpp"

namespace chorale::host {

u32 operate(u32& word, WordOperation operation, u32 value) {
    auto& object = reinterpret_cast<KnSyncWord&>(word);
    switch (operation) {
    case WordOperation::take:
        return take(object) ? 1 : 0;
    case WordOperation::take_one:
        return take_one(object) ? 1 : 0;
    case WordOperation::give:
        return give(object) ? 1 : 0;
    case WordOperation::give_one:
        return give_one(object) ? 1 : 0;
    case WordOperation::read:
        return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    case WordOperation::relax:
        return __atomic_load_n(&word, __ATOMIC_RELAXED); // relaxed: as lib/sync/monitor.cpp reads the owner
    case WordOperation::put:
        __atomic_store_n(&word, value, __ATOMIC_RELAXED); // relaxed: as it writes the owner
        return value;
    case WordOperation::raise:
        return __atomic_fetch_or(&word, value, __ATOMIC_SEQ_CST);
    case WordOperation::clear:
        return __atomic_fetch_and(&word, ~value, __ATOMIC_SEQ_CST);
    }
    return 0;
}

} // namespace chorale::host
