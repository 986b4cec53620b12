// Caches of equal objects: a magazine for each CPU, slabs of 2^n frames under one lock for each cache.
//
// Stable caches (Reuse::stable) keep a promise to those who follow stale pointers: memory that was once an
// object of the cache stays one for ever. It is constructed once, when its slab is made from zeroed memory,
// and neither free() nor the next allocation writes a byte of it, so that generation counts survive. All
// bookkeeping lies outside the objects.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/cpu_cache.hpp"
#include "kernel/mem/relaxed.hpp"

#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace chorale {

enum class Reuse : u8 { any, stable };

class SlabCache;

// At the end of each slab's memory; below it one mark for each object. A mark is the next free object's
// index, or says where the object is (slab.cpp).
struct Slab {
    Slab* next;
    Slab* previous;
    SlabCache* owner;
    u16 free;
    u16 first_free;
    u32 reserved;
};

struct SlabStatistics {
    std::string_view name;
    u32 object_size;
    u64 live; // objects in use; exact while no CPU allocates
    u64 frames;
};

class SlabCache {
  public:
    static constexpr unsigned slab_orders = 4; // slabs of 4 to 32 KiB

    // `construct` runs over each object of a new slab.
    constexpr SlabCache(std::string_view name, u32 size, u32 align, Reuse reuse,
                        void (*construct)(void*) = nullptr)
        : name_{name}, size_{static_cast<u32>(round_up(size, align))},
          reciprocal_{static_cast<u32>((u64{1} << 32) / size_ + 1)}, order_{best_order(size_)},
          per_slab_{static_cast<u16>(capacity(size_, order_))}, reuse_{reuse}, construct_{construct} {}

    SlabCache(const SlabCache&) = delete;
    SlabCache& operator=(const SlabCache&) = delete;

    [[nodiscard]] Result<void*> allocate();
    void free(void* object); // a second free() of the same object panics

    // Gives the objects in this CPU's magazine and the unused slabs back (not those of a stable cache).
    void trim();

    [[nodiscard]] SlabStatistics statistics();

    [[nodiscard]] static constexpr uword capacity(u32 size, unsigned order) {
        return ((page_size << order) - sizeof(Slab)) / (size + sizeof(u16));
    }
    // The smallest slab that wastes at most an eighth, else the one that wastes the least.
    [[nodiscard]] static constexpr u8 best_order(u32 size) {
        unsigned best = slab_orders - 1;
        uword best_waste = ~uword{0};
        for (unsigned order = 0; order < slab_orders; ++order) {
            const uword used = capacity(size, order) * size;
            // for each page, in 1/1024 bytes
            const uword waste = (((page_size << order) - used) << 10) >> order;
            if (waste < best_waste) {
                best = order;
                best_waste = waste;
            }
            if (waste <= (page_size / 8) << 10) break;
        }
        return static_cast<u8>(best);
    }

  private:
    struct Pool {
        Slab* partial{}; // slabs with a free object
        u64 free_objects{};
        u64 slabs{};
    };

    [[nodiscard]] Magazine* magazine();
    [[nodiscard]] [[gnu::noinline]] void* take(Magazine* magazine); // one copy: the text budget
    [[gnu::noinline]] void give(void* const* objects, u32 count);   // one copy: the text budget
    [[nodiscard]] [[gnu::noinline]] Status grow();
    void put_back(Pool& pool, void* object, Slab*& unused);
    [[nodiscard]] Slab& slab_of(void* object) const;
    [[nodiscard]] u16* marks(Slab& slab) const;
    [[nodiscard]] [[gnu::noinline]] u16& mark_of(void* object) const; // one copy: the text budget
    void release(Slab* chain) const;
    [[gnu::noinline]] void enlist(); // once in the life of a cache

    std::string_view name_;
    u32 size_;       // distance between objects
    u32 reciprocal_; // 2^32 / size_, rounded up: exact for every offset in a slab
    u8 order_;
    u16 per_slab_;
    Reuse reuse_;
    // Place in the list of caches and among the magazines, plus one; 0: not enlisted yet.
    Relaxed<u32> number_;
    void (*construct_)(void*);
    Guarded<Rank::slab, Pool> pool_;
};

// The caches that a CPU has used, by number from 0; nullptr after the last.
[[nodiscard]] SlabCache* slab_cache_at(unsigned number);

// The typed front. Reuse::any: make() constructs, destroy() destructs. Reuse::stable: T's default constructor
// runs once over zeroed memory; make() gives the object as its last user left it; destroy() leaves it
// untouched.
template <class T, Reuse R = Reuse::any>
class Cache {
  public:
    constexpr explicit Cache(std::string_view name)
        : objects_{name, sizeof(T), alignof(T), R, R == Reuse::stable ? &Cache::construct : nullptr} {}

    template <class... Args>
    [[nodiscard]] Result<T*> make(Args&&... args) {
        static_assert(R == Reuse::any || sizeof...(Args) == 0, "a stable object is not constructed again");
        const Result<void*> memory = objects_.allocate();
        if (!memory.ok()) return memory.status();
        if constexpr (R == Reuse::stable)
            return std::launder(static_cast<T*>(memory.value()));
        else
            return ::new (memory.value()) T(std::forward<Args>(args)...);
    }
    void destroy(T* object) {
        if constexpr (R == Reuse::any) object->~T();
        objects_.free(object);
    }
    void trim() { objects_.trim(); }
    [[nodiscard]] SlabStatistics statistics() { return objects_.statistics(); }

  private:
    static void construct(void* memory) {
        if constexpr (R == Reuse::stable) ::new (memory) T;
    }
    SlabCache objects_;
};

} // namespace chorale
