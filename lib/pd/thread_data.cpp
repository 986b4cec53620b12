// Data of each thread: a row of values for each thread of the actor, found through the thread's own software
// register 1, so that reading takes no lock and a new thread starts without values.
//
// Rows lie in pages that are made on first use and kept; a row belongs to a local id. A thread that finds its
// register empty takes the row of its id over from whoever had that id before, and clears it.
#include <pd/chPd.h>

#include <chorus.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace chorale {
namespace {

enum Error : int {
    error_permission = 1,
    error_again = 11,
    error_memory = 12,
    error_fault = 14,
    error_invalid = 22
};

constexpr unsigned row_register = 1; // of the software registers: see <exec/chExec.h>
constexpr unsigned key_bits = 6;     // a key is its place and, above, how often the place was used
static_assert(1U << key_bits == PD_KEYS_MAX);
constexpr unsigned thread_limit = 256;

struct Value {
    std::atomic<PdKey> key; // under which it was set; another one: it is null
    std::atomic<std::uintptr_t> value;
};
struct Row {
    std::array<Value, PD_KEYS_MAX> values;
};
struct alignas(8) Extra {
    int error;
};

constexpr std::size_t page_size = 4096;
constexpr unsigned rows_per_page = page_size / sizeof(Row);

struct Key {
    std::atomic<PdKey> name; // 0: free
    std::atomic<KnPdHdl> destructor;
    std::atomic<std::uint64_t> uses;
};

Key keys[PD_KEYS_MAX];
std::atomic<Row*> pages[thread_limit / rows_per_page];
Extra extras[thread_limit];

[[nodiscard]] Key* find_key(PdKey name) {
    Key& key = keys[name % PD_KEYS_MAX];
    return name != 0 && key.name.load() == name ? &key : nullptr;
}

[[nodiscard]] Row* own_row() { return reinterpret_cast<Row*>(threadPrivateLoad(row_register)); }

#ifdef CHORUS_SUPERVISOR
constexpr unsigned privilege = K_SUPPRIV; // whose registers

[[nodiscard]] VmAddr get_page() {
    VmAddr page = 0;
    return svPagesAllocate(&page, page_size, 0, K_MYACTOR) == K_OK ? page : 0;
}
void give_page(VmAddr page) { svPagesFree(page, page_size); }
#else
constexpr unsigned privilege = K_USERPRIV;

[[nodiscard]] VmAddr get_page() {
    KnRgnDesc region{0, page_size, K_WRITABLE | K_ANYWHERE | K_FILLZERO, 0, nullptr, 0};
    return rgnAllocate(K_MYACTOR, &region) == K_OK ? region.startAddr : 0;
}
void give_page(VmAddr page) {
    KnRgnDesc region{page, page_size, 0, 0, nullptr, 0};
    rgnFree(K_MYACTOR, &region);
}
#endif

// The row of a local id; null: no memory.
[[nodiscard]] Row* row_at(KnThreadLid thread) {
    std::atomic<Row*>& page = pages[static_cast<unsigned>(thread) / rows_per_page];
    if (page.load() == nullptr) {
        const VmAddr made = get_page();
        if (made == 0) {
            return nullptr;
        }
        Row* nothing = nullptr;
        if (!page.compare_exchange_strong(nothing, reinterpret_cast<Row*>(made))) {
            give_page(made); // another thread was quicker
        }
    }
    return page.load() + static_cast<unsigned>(thread) % rows_per_page;
}

void clear(Row& row) {
    for (Value& value : row.values) {
        value.key.store(0);
    }
}

[[nodiscard]] Row* make_own_row() {
    const KnThreadLid self = threadSelf();
    Row* const row = row_at(self);
    if (row != nullptr) {
        clear(*row);
        extras[self].error = 0;
        threadPrivateStore(row_register, reinterpret_cast<long>(row));
    }
    return row;
}

int set(Row& row, PdKey key, const void* value) {
    Value& place = row.values[key % PD_KEYS_MAX];
    place.value.store(reinterpret_cast<std::uintptr_t>(value));
    place.key.store(key);
    return 0;
}

[[nodiscard]] void* get(const Row& row, PdKey key) {
    const Value& place = row.values[key % PD_KEYS_MAX];
    return place.key.load() == key ? reinterpret_cast<void*>(place.value.load()) : nullptr;
}

// The row of another thread of the own actor, null when it has none yet.
int remote_row(const KnCap* actor, KnThreadLid thread, Row*& row) {
    KnCap self{};
    if (actor != K_MYACTOR && (actorSelf(&self) != K_OK || uiEqual(&self.ui, &actor->ui) == 0)) {
        return error_permission;
    }
    std::uintptr_t registers[K_NBPRIVDATA]{};
    const int error = threadContext(K_MYACTOR, thread, privilege, registers, nullptr);
    row = reinterpret_cast<Row*>(registers[row_register]);
    return error == K_OK ? 0 : error == K_ENOMEM ? int{error_memory} : int{error_invalid};
}

// One round; whether there was anything to call.
bool call_destructors(Row& row) {
    bool called = false;
    for (Value& place : row.values) {
        const PdKey name = place.key.load();
        Key* const key = find_key(name);
        void* const value = key == nullptr ? nullptr : get(row, name);
        place.key.store(0);
        if (value != nullptr && key->destructor.load() != nullptr) {
            key->destructor.load()(value);
            called = true;
        }
    }
    return called;
}

} // namespace
} // namespace chorale

using namespace chorale;

extern "C" {

int ptdKeyCreate(PdKey* pkey, KnPdHdl destructor) {
    if (pkey == nullptr) {
        return error_invalid;
    }
    for (unsigned place = 0; place < PD_KEYS_MAX; ++place) {
        Key& key = keys[place];
        const PdKey name = (key.uses.load() + 1) << key_bits | place;
        PdKey free = 0;
        if (!key.name.compare_exchange_strong(free, name)) {
            continue;
        }
        key.uses.fetch_add(1);
        key.destructor.store(destructor);
        *pkey = name;
        return 0;
    }
    return error_again;
}

int ptdKeyDelete(PdKey key) {
    return key != 0 && keys[key % PD_KEYS_MAX].name.compare_exchange_strong(key, 0) ? 0 : int{error_invalid};
}

int ptdSet(PdKey key, const void* value) {
    if (find_key(key) == nullptr) {
        return error_invalid;
    }
    Row* const own = own_row();
    Row* const row = own != nullptr ? own : make_own_row();
    return row == nullptr ? int{error_memory} : set(*row, key, value);
}

void* ptdGet(PdKey key) {
    const Row* const row = own_row();
    return row == nullptr || find_key(key) == nullptr ? nullptr : get(*row, key);
}

int ptdRemoteGet(const KnCap* actorcap, KnThreadLid threadli, PdKey key, void** pvalue) {
    Row* row = nullptr;
    if (const int error = remote_row(actorcap, threadli, row); error != 0) {
        return error;
    }
    if (find_key(key) == nullptr || pvalue == nullptr) {
        return error_invalid;
    }
    *pvalue = row == nullptr ? nullptr : get(*row, key);
    return 0;
}

int ptdRemoteSet(const KnCap* actorcap, KnThreadLid threadli, PdKey key, const void* value) {
    Row* row = nullptr;
    if (const int error = remote_row(actorcap, threadli, row); error != 0) {
        return error;
    }
    if (find_key(key) == nullptr) {
        return error_invalid;
    }
    if (row == nullptr) {
        row = row_at(threadli == K_MYSELF ? threadSelf() : threadli);
        if (row == nullptr) {
            return error_memory;
        }
        clear(*row);
        std::uintptr_t registers[K_NBPRIVDATA]{};
        threadContext(K_MYACTOR, threadli, privilege, registers, nullptr);
        registers[row_register] = reinterpret_cast<std::uintptr_t>(row);
        threadContext(K_MYACTOR, threadli, privilege, nullptr, registers);
    }
    return set(*row, key, value);
}

void ptdThreadDelete(void) {
    Row* const row = own_row();
    if (row == nullptr) {
        return;
    }
    for (unsigned round = 0; round < PD_DESTRUCTOR_ITERATIONS && call_destructors(*row); ++round) {
    }
    threadPrivateStore(row_register, 0);
}

KnThreadLid ptdThreadId(void) { return threadSelf(); }

int* ptdErrnoAddr(void) {
    if (own_row() == nullptr && make_own_row() == nullptr) {
        static int shared;
        return &shared;
    }
    return &extras[threadSelf()].error;
}

} // extern "C"
