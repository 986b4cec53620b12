#include "c_os/file/ram/name_table.hpp"
#include "c_os/base/bytes.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/ram/ram_node.hpp"

namespace chorale::c_os {

namespace {

constexpr std::size_t first_size = 8;

[[nodiscard]] std::size_t size_of(const RamName& name) { return sizeof(RamName) + name.length; }

} // namespace

// Only of a directory whose names went before.
NameTable::~NameTable() { forget_arrays(); }

void NameTable::forget_arrays() {
    delete[] buckets_;
    delete[] slots_;
    buckets_ = nullptr;
    slots_ = nullptr;
    bucket_count_ = slots_used_ = slot_count_ = bytes_ = 0;
}

RamName* NameTable::find(std::string_view name, u64 hash) const {
    if (bucket_count_ == 0) return nullptr;
    RamName* found = buckets_[hash & (bucket_count_ - 1)];
    while (found != nullptr && (found->hash != hash || found->view() != name)) found = found->next;
    return found;
}

RamName* NameTable::prepare(std::string_view name, u64 hash, Ref<RamNode> node) {
    if (!make_room()) return nullptr;
    void* const memory = ::operator new(sizeof(RamName) + name.size(), std::nothrow);
    if (memory == nullptr) return nullptr;
    auto* const prepared = new (memory) RamName;
    prepared->node = std::move(node);
    prepared->hash = hash;
    prepared->length = name.size();
    copy_bytes(prepared->text(), name.data(), name.size());
    return prepared;
}

void NameTable::discard(RamName* prepared) {
    prepared->~RamName();
    ::operator delete(static_cast<void*>(prepared));
}

void NameTable::insert(RamName& name) {
    RamName*& bucket = buckets_[name.hash & (bucket_count_ - 1)];
    name.next = bucket;
    bucket = &name;
    name.cookie = next_cookie_++;
    slots_[slots_used_++] = {name.cookie, &name};
    ++count_;
    bytes_ += size_of(name);
}

Ref<RamNode> NameTable::remove(RamName& name) {
    RamName** place = &buckets_[name.hash & (bucket_count_ - 1)];
    while (*place != &name) place = &(*place)->next;
    *place = name.next;
    slots_[slot_of(name.cookie)].name = nullptr;
    while (slots_used_ != 0 && slots_[slots_used_ - 1].name == nullptr) --slots_used_;
    --count_;
    bytes_ -= size_of(name);
    Ref<RamNode> node = std::move(name.node);
    discard(&name);
    if (count_ == 0) forget_arrays();
    return node;
}

// The first slot with this cookie or a higher one.
std::size_t NameTable::slot_of(u64 cookie) const {
    std::size_t low = 0, high = slots_used_;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (slots_[middle].cookie < cookie)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

RamName* NameTable::at_or_behind(u64 cookie) const {
    for (std::size_t i = slot_of(cookie); i < slots_used_; ++i)
        if (slots_[i].name != nullptr) return slots_[i].name;
    return nullptr;
}

bool NameTable::make_room() {
    if (count_ >= bucket_count_ && !grow_buckets()) return false;
    if (slots_used_ < slot_count_) return true;
    if (count_ <= slot_count_ / 2 && slot_count_ != 0) {
        squeeze();
        return true;
    }
    return grow_slots();
}

// Takes the holes out, when there are at least as many as names.
void NameTable::squeeze() {
    std::size_t used = 0;
    for (std::size_t i = 0; i < slots_used_; ++i)
        if (slots_[i].name != nullptr) slots_[used++] = slots_[i];
    slots_used_ = used;
}

bool NameTable::grow_slots() {
    const std::size_t size = slot_count_ == 0 ? first_size : slot_count_ * 2;
    auto* const slots = new (std::nothrow) Slot[size];
    if (slots == nullptr) return false;
    if (slots_used_ != 0) copy_bytes(slots, slots_, slots_used_ * sizeof(Slot));
    delete[] slots_;
    slots_ = slots;
    bytes_ += (size - slot_count_) * sizeof(Slot);
    slot_count_ = size;
    return true;
}

bool NameTable::grow_buckets() {
    const std::size_t size = bucket_count_ == 0 ? first_size : bucket_count_ * 2;
    auto* const buckets = new (std::nothrow) RamName* [size] {};
    if (buckets == nullptr) return false;
    for (std::size_t i = 0; i < slots_used_; ++i) {
        RamName* const name = slots_[i].name;
        if (name == nullptr) continue;
        RamName*& bucket = buckets[name->hash & (size - 1)];
        name->next = bucket;
        bucket = name;
    }
    delete[] buckets_;
    buckets_ = buckets;
    bytes_ += (size - bucket_count_) * sizeof(RamName*);
    bucket_count_ = size;
    return true;
}

} // namespace chorale::c_os
