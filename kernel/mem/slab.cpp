// Object caches. Each object of a slab has a mark outside it: a free one the index of the next free object of
// its slab, others where they are. The mark of an object belongs to whoever holds the object, so that only
// moves between a slab and a magazine need the lock.
#include "kernel/mem/slab.hpp"

#include "kernel/base/log.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "kernel/mem/frame.hpp"

#include <machine/cpu.hpp>
#include <machine/memory_watch.hpp>
#include <machine/mmu.hpp>

#include <array>

namespace chorale {

namespace {

constexpr u16 mark_live = 0xffff, mark_cached = 0xfffe;
constexpr u16 mark_last = 0xfffd; // the end of a slab's free list

struct Registry {
    std::array<SlabCache*, slab_cache_limit> caches{};
    u32 count{};
};
constinit Guarded<Rank::slab, Registry> registry;

void link(Slab*& head, Slab& slab) {
    slab.next = head;
    slab.previous = nullptr;
    if (head != nullptr) head->previous = &slab;
    head = &slab;
}

void unlink(Slab*& head, const Slab& slab) {
    if (slab.next != nullptr) slab.next->previous = slab.previous;
    if (slab.previous != nullptr)
        slab.previous->next = slab.next;
    else
        head = slab.next;
}

} // namespace

SlabCache* slab_cache_at(unsigned number) {
    return registry.with([&](Registry& all) { return number < all.count ? all.caches[number] : nullptr; });
}

void SlabCache::enlist() {
    registry.with([&](Registry& all) {
        if (number_.load() != 0) return;
        require(all.count < slab_cache_limit, "too many slab caches");
        all.caches[all.count++] = this;
        number_.store(all.count);
    });
}

Magazine* SlabCache::magazine() {
    CpuCache* const cpu = this_cpu_cache();
    if (cpu == nullptr) return nullptr;
    if (number_.load() == 0) [[unlikely]]
        enlist();
    return &cpu->magazines[number_.load() - 1];
}

// A slab is naturally aligned, in physical memory and so in the direct map.
Slab& SlabCache::slab_of(void* object) const {
    const uword end = round_down(reinterpret_cast<uword>(object), order_bytes(order_)) + order_bytes(order_);
    return *reinterpret_cast<Slab*>(end - sizeof(Slab));
}

u16* SlabCache::marks(Slab& slab) const { return reinterpret_cast<u16*>(&slab) - per_slab_; }

u16& SlabCache::mark_of(void* object) const {
    Slab& slab = slab_of(object);
    const uword offset = reinterpret_cast<uword>(object) & (order_bytes(order_) - 1);
    const uword index = (offset * reciprocal_) >> 32;
    const bool valid = slab.owner == this && index < per_slab_ && index * size_ == offset;
    require(valid, "not an object of this cache");
    return marks(slab)[index];
}

Result<void*> SlabCache::allocate() {
    if (allocation_refused()) return Status::no_memory;
    Magazine* const local = magazine();
    void* object = local != nullptr && !local->empty() ? local->pop() : take(local);
    while (object == nullptr) {
        if (const Status status = grow(); status != Status::ok) return status;
        object = take(local);
    }
    u16& mark = mark_of(object);
    require(mark == mark_cached, "a free object was in use");
    mark = mark_live;
    if (reuse_ == Reuse::any) machine::object_taken(object, size_);
    return object;
}

// One object out of the slabs, and a batch into the magazine on the way.
void* SlabCache::take(Magazine* magazine) {
    return pool_.with([&](Pool& pool) {
        void* first = nullptr;
        u32 wanted = magazine != nullptr ? Magazine::batch : 1;
        for (; wanted > 0 && pool.partial != nullptr; --wanted) {
            Slab& slab = *pool.partial;
            u16& mark = marks(slab)[slab.first_free];
            std::byte* const base = reinterpret_cast<std::byte*>(&slab + 1) - order_bytes(order_);
            void* const object = base + slab.first_free * size_;
            slab.first_free = mark;
            mark = mark_cached;
            --pool.free_objects;
            if (--slab.free == 0) unlink(pool.partial, slab);
            if (first == nullptr)
                first = object;
            else
                magazine->push(object);
        }
        return first;
    });
}

// A slab is made outside the lock: zeroing and constructing take their time.
Status SlabCache::grow() {
    const Result<PhysAddr> block = allocate_frames(order_);
    if (!block.ok()) return block.status();
    for (uword page = 0; page < order_bytes(order_); page += page_size) {
        zero_frames(block.value() + page, 0);
        // Actors and threads are large, and made with no lock held; what is made under one is small.
        if (order_ != 0) machine::interrupt_window();
    }
    auto* const base = machine::direct<std::byte>(block.value());
    std::byte* const end = base + order_bytes(order_);
    Slab& slab = *::new (end - sizeof(Slab)) Slab{nullptr, nullptr, this, per_slab_, 0, 0};
    for (u16 i = 0; i < per_slab_; ++i) {
        if (construct_ != nullptr) construct_(base + i * size_);
        if (order_ != 0) machine::interrupt_window();
        marks(slab)[i] = i + 1 == per_slab_ ? mark_last : static_cast<u16>(i + 1);
    }
    pool_.with([&](Pool& pool) {
        link(pool.partial, slab);
        pool.free_objects += per_slab_;
        ++pool.slabs;
    });
    return Status::ok;
}

void SlabCache::free(void* object) {
    u16& mark = mark_of(object);
    require(mark == mark_live, "free of an object that is not in use");
    mark = mark_cached;
    if (reuse_ == Reuse::any) machine::object_released(object, size_);
    Magazine* const local = magazine();
    if (local == nullptr) return give(&object, 1);
    if (local->full()) {
        std::array<void*, Magazine::batch> batch;
        for (void*& item : batch) item = local->pop();
        give(batch.data(), Magazine::batch);
    }
    local->push(object);
}

void SlabCache::give(void* const* objects, u32 count) {
    Slab* unused = nullptr;
    pool_.with([&](Pool& pool) {
        for (u32 i = 0; i < count; ++i) put_back(pool, objects[i], unused);
    });
    release(unused);
}

// A slab without users leaves if there are free objects enough without it: a create-destroy loop stays off
// the frames.
void SlabCache::put_back(Pool& pool, void* object, Slab*& unused) {
    Slab& slab = slab_of(object);
    u16& mark = mark_of(object);
    mark = slab.first_free;
    slab.first_free = static_cast<u16>(&mark - marks(slab));
    ++pool.free_objects;
    if (++slab.free == 1) link(pool.partial, slab);
    if (slab.free < per_slab_ || reuse_ == Reuse::stable || pool.free_objects < 2u * per_slab_) return;
    unlink(pool.partial, slab);
    pool.free_objects -= per_slab_;
    --pool.slabs;
    slab.next = unused;
    unused = &slab;
}

void SlabCache::release(Slab* chain) const {
    while (chain != nullptr) {
        Slab* const slab = chain;
        chain = slab->next;
        slab->owner = nullptr;
        const std::byte* const base = reinterpret_cast<std::byte*>(slab + 1) - order_bytes(order_);
        free_frames(machine::physical(base), order_);
    }
}

void SlabCache::trim() {
    Magazine* const local = magazine();
    while (local != nullptr && !local->empty()) {
        void* const object = local->pop();
        give(&object, 1);
    }
    if (reuse_ == Reuse::stable) return;
    Slab* unused = nullptr;
    pool_.with([&](Pool& pool) {
        for (Slab* slab = pool.partial; slab != nullptr;) {
            Slab* const next = slab->next;
            if (slab->free == per_slab_) {
                unlink(pool.partial, *slab);
                pool.free_objects -= per_slab_;
                --pool.slabs;
                slab->next = unused;
                unused = slab;
            }
            slab = next;
        }
    });
    release(unused);
}

SlabStatistics SlabCache::statistics() {
    SlabStatistics result = pool_.with([&](Pool& pool) {
        return SlabStatistics{name_, size_, pool.slabs * per_slab_ - pool.free_objects, pool.slabs << order_};
    });
    const u32 number = number_.load();
    for (CpuIndex index = 0; number != 0; ++index) {
        const CpuCache* const cpu = cpu_cache_at(index);
        if (cpu == nullptr) break;
        result.live -= cpu->magazines[number - 1].count();
    }
    return result;
}

} // namespace chorale
