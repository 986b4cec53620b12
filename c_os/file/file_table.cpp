#include "c_os/file/file_table.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/record_lock.hpp"

#include <bit>

namespace chorale::c_os {

namespace {

constexpr unsigned address_bits = 48;
constexpr u64 one_pin = u64{1} << address_bits;
// More than there are pins in a slot.
constexpr std::uint32_t pin_limit = 1U << (64 - address_bits);

[[nodiscard]] OpenFile* file_of(u64 word) {
    return reinterpret_cast<OpenFile*>(static_cast<std::int64_t>(word << (64 - address_bits)) >>
                                       (64 - address_bits));
}
[[nodiscard]] u32 pins_of(u64 word) { return static_cast<u32>(word >> address_bits); }
[[nodiscard]] u64 word_of(OpenFile* file) { return reinterpret_cast<u64>(file) & (one_pin - 1); }

} // namespace

void FileUse::end() {
    // Relaxed: only the comparison counts; whoever gets the file by the pin that this one took has it from
    // the word, which stays.
    u64 word = slot_->load(std::memory_order_relaxed);
    while (file_of(word) == file_ && pins_of(word) != 0) {
        // Release: what this call has done to the file comes before its end. Pairs with the acquire of
        // exchange(), which comes before the release() of who closes.
        if (slot_->compare_exchange_weak(word, word - one_pin, std::memory_order_release,
                                         std::memory_order_relaxed)) // the loop looks again
            return;
    }
    file_->release();
}

FileTable::~FileTable() {
    close_range(0, descriptor_limit - 1);
    for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed); // nobody else has it any more
}

FileTable::Chunk* FileTable::chunk_of(int descriptor) const {
    const auto index = static_cast<u32>(descriptor) / chunk_size;
    if (index >= chunk_count) return nullptr;
    // Acquire: the chunk is as obtain_chunk() has made it.
    return chunks_[index].load(std::memory_order_acquire);
}

Result<FileTable::Chunk*> FileTable::obtain_chunk(u32 index) {
    Chunk* chunk = chunks_[index].load(std::memory_order_relaxed); // changes under the mutex only
    if (chunk != nullptr) return chunk;
    chunk = new (std::nothrow) Chunk;
    if (chunk == nullptr) return failed(Error::enomem);
    // Release: pairs with the acquire of chunk_of().
    chunks_[index].store(chunk, std::memory_order_release);
    return chunk;
}

Result<FileUse> FileTable::use(int descriptor) {
    Chunk* const chunk = chunk_of(descriptor);
    if (chunk == nullptr) [[unlikely]]
        return failed(Error::ebadf);
    FileSlot& slot = chunk->slots[static_cast<u32>(descriptor) % chunk_size];
    // Acquire: the file is as who put it there has made it. Pins of an empty slot mean nothing: who puts a
    // file there puts it without them, and a carry falls off the word.
    OpenFile* const file = file_of(slot.fetch_add(one_pin, std::memory_order_acquire));
    if (file == nullptr) [[unlikely]]
        return failed(Error::ebadf);
    return FileUse{slot, *file};
}

Result<FileUse> FileTable::use_to_read(int descriptor) {
    Result<FileUse> file = use(descriptor);
    if (file && !(*file)->readable()) return failed(Error::ebadf);
    return file;
}

Result<FileUse> FileTable::use_to_write(int descriptor) {
    Result<FileUse> file = use(descriptor);
    if (file && !(*file)->writable()) return failed(Error::ebadf);
    return file;
}

// The slot's word changes hands as a whole; the calls that have pinned the old file become its holders. They
// may release it as soon as the word is gone, so their holds must be there before.
Ref<OpenFile> FileTable::exchange(FileSlot& slot, Ref<OpenFile> file) {
    // Relaxed: only under the mutex does a slot get another file.
    OpenFile* const old = file_of(slot.load(std::memory_order_relaxed));
    if (old != nullptr) {
        old->hold(pin_limit);
        forget_record_locks(*this, old->node());
    }
    // Release: pairs with the acquire of use(). Acquire: with the release of FileUse::end().
    const u64 word = slot.exchange(word_of(file.give_up()), std::memory_order_acq_rel);
    if (old == nullptr) return nullptr;
    if (const u32 unused = pin_limit - pins_of(word); unused != 0) old->release(unused);
    return Ref<OpenFile>::adopt(old);
}

Ref<OpenFile> FileTable::take_out(Chunk& chunk, u32 bit) {
    chunk.used &= ~(u64{1} << bit);
    chunk.marked &= ~(u64{1} << bit);
    return exchange(chunk.slots[bit], nullptr);
}

Result<int> FileTable::take_lowest(u32 lowest) {
    const u32 end = limit();
    for (u32 index = lowest / chunk_size; index * chunk_size < end; ++index) {
        const Result<Chunk*> chunk = obtain_chunk(index);
        if (!chunk) return failed(chunk.error());
        const u32 first = index * chunk_size < lowest ? lowest % chunk_size : 0;
        const u64 free = ~(*chunk)->used & ~u64{0} << first;
        if (free == 0) continue;
        const auto bit = static_cast<u32>(std::countr_zero(free));
        if (index * chunk_size + bit >= end) break;
        (*chunk)->used |= u64{1} << bit;
        return static_cast<int>(index * chunk_size + bit);
    }
    return failed(Error::emfile);
}

Result<int> FileTable::reserve(u32 lowest) {
    const Lock lock{mutex_};
    return take_lowest(lowest);
}

void FileTable::fill(int reserved, Ref<OpenFile> file, bool close_on_exec) {
    const Lock lock{mutex_};
    Chunk& chunk = *chunk_of(reserved);
    const u32 bit = static_cast<u32>(reserved) % chunk_size;
    if (close_on_exec) chunk.marked |= u64{1} << bit;
    const Ref<OpenFile> nothing = exchange(chunk.slots[bit], std::move(file));
}

void FileTable::give_back(int reserved) {
    const Lock lock{mutex_};
    chunk_of(reserved)->used &= ~(u64{1} << (static_cast<u32>(reserved) % chunk_size));
}

Result<int> FileTable::add(Ref<OpenFile> file, bool close_on_exec, u32 lowest) {
    if (lowest >= limit()) return failed(Error::einval);
    const Result<int> descriptor = reserve(lowest);
    if (descriptor) fill(*descriptor, std::move(file), close_on_exec);
    return descriptor;
}

Done FileTable::put(int descriptor, Ref<OpenFile> file, bool close_on_exec) {
    const auto number = static_cast<u32>(descriptor);
    if (number >= limit()) return failed(Error::ebadf);
    Ref<OpenFile> old; // closed when the mutex is free
    const Lock lock{mutex_};
    const Result<Chunk*> chunk = obtain_chunk(number / chunk_size);
    if (!chunk) return failed(chunk.error());
    const u32 bit = number % chunk_size;
    const u64 mask = u64{1} << bit;
    // Relaxed: slots change under the mutex.
    const bool open = file_of((*chunk)->slots[bit].load(std::memory_order_relaxed)) != nullptr;
    if (((*chunk)->used & mask) != 0 && !open) return failed(Error::ebusy);
    (*chunk)->used |= mask;
    (*chunk)->marked = ((*chunk)->marked & ~mask) | (close_on_exec ? mask : 0);
    old = exchange((*chunk)->slots[bit], std::move(file));
    return {};
}

Done FileTable::close(int descriptor) {
    Ref<OpenFile> old;
    const Lock lock{mutex_};
    Chunk* const chunk = chunk_of(descriptor);
    if (chunk == nullptr) return failed(Error::ebadf);
    const u32 bit = static_cast<u32>(descriptor) % chunk_size;
    // Relaxed: slots change under the mutex.
    if (file_of(chunk->slots[bit].load(std::memory_order_relaxed)) == nullptr) return failed(Error::ebadf);
    old = take_out(*chunk, bit);
    return {};
}

void FileTable::close_range(u32 first, u32 last) {
    for (u32 number = first; number <= last && number < descriptor_limit; ++number) {
        if (chunk_of(static_cast<int>(number)) == nullptr)
            number |= chunk_size - 1;
        else if (const Done done = close(static_cast<int>(number)); !done)
            continue; // it was not open
    }
}

Result<bool> FileTable::close_on_exec(int descriptor) {
    if (const Result<FileUse> file = use(descriptor); !file) return failed(file.error());
    const Lock lock{mutex_};
    return (chunk_of(descriptor)->marked >> (static_cast<u32>(descriptor) % chunk_size) & 1) != 0;
}

Done FileTable::set_close_on_exec(int descriptor, bool close_on_exec) {
    if (const Result<FileUse> file = use(descriptor); !file) return failed(file.error());
    const Lock lock{mutex_};
    Chunk& chunk = *chunk_of(descriptor);
    const u64 mask = u64{1} << (static_cast<u32>(descriptor) % chunk_size);
    chunk.marked = (chunk.marked & ~mask) | (close_on_exec ? mask : 0);
    return {};
}

void FileTable::close_marked() {
    for (u32 number = 0; number < descriptor_limit; ++number) {
        Ref<OpenFile> old;
        const Lock lock{mutex_};
        Chunk* const chunk = chunk_of(static_cast<int>(number));
        if (chunk == nullptr || chunk->marked == 0)
            number |= chunk_size - 1;
        else if ((chunk->marked >> (number % chunk_size) & 1) != 0)
            old = take_out(*chunk, number % chunk_size);
    }
}

Done FileTable::copy_from(FileTable& other) {
    set_limit(other.limit());
    const Lock lock{other.mutex_};
    for (u32 index = 0; index < chunk_count; ++index) {
        const Chunk* const from = other.chunk_of(static_cast<int>(index * chunk_size));
        if (from == nullptr || from->used == 0) continue;
        const Result<Chunk*> to = obtain_chunk(index);
        if (!to) return failed(to.error());
        for (u32 bit = 0; bit < chunk_size; ++bit) {
            // Relaxed: slots change under the mutex.
            OpenFile* const file = file_of(from->slots[bit].load(std::memory_order_relaxed));
            if (file == nullptr) continue;
            const u64 mask = u64{1} << bit;
            (*to)->used |= mask;
            (*to)->marked |= from->marked & mask;
            const Ref<OpenFile> nothing = exchange((*to)->slots[bit], Ref<OpenFile>{*file});
        }
    }
    return {};
}

void FileTable::set_limit(u32 limit) {
    limit_.store(limit < descriptor_limit ? limit : descriptor_limit,
                 std::memory_order_relaxed); // as limit()
}

} // namespace chorale::c_os
