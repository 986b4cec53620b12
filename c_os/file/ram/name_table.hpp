// The names in a directory: found by hash, and listed in the order in which they came. Each has a cookie,
// which only grows; a listing goes on at a cookie, so that names which come and go meanwhile make it neither
// miss nor repeat any other.
//
// Under the lock of the directory.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/ref.hpp"
#include "kernel/base/types.hpp"

#include <string_view>

namespace chorale::c_os {

class RamNode;

struct RamName {
    RamName* next{}; // with the same place in the hash table
    Ref<RamNode> node;
    u64 hash{};
    u64 cookie{};
    std::size_t length{};

    // The text lies behind it.
    [[nodiscard]] char* text() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), length}; }
};

class NameTable {
  public:
    static constexpr u64 first_cookie = 2; // 0 and 1 are "." and ".."

    NameTable() = default;
    ~NameTable();
    NameTable(const NameTable&) = delete;
    NameTable& operator=(const NameTable&) = delete;

    [[nodiscard]] RamName* find(std::string_view name, u64 hash) const;
    // A name that is in no table yet, and room for it in this one. Null: no memory.
    [[nodiscard]] RamName* prepare(std::string_view name, u64 hash, Ref<RamNode> node);
    static void discard(RamName* prepared);
    // One that prepare() has made last.
    void insert(RamName& name);
    // Its node is the caller's.
    [[nodiscard]] Ref<RamNode> remove(RamName& name);
    // The first with this cookie or a higher one, or null.
    [[nodiscard]] RamName* at_or_behind(u64 cookie) const;
    // The newest, or null.
    [[nodiscard]] RamName* last() const { return slots_used_ == 0 ? nullptr : slots_[slots_used_ - 1].name; }

    [[nodiscard]] std::size_t count() const { return count_; }
    // Of memory; a name that is prepared counts.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    struct Slot {
        u64 cookie;
        RamName* name; // null: removed
    };

    [[nodiscard]] bool make_room();
    [[nodiscard]] bool grow_slots();
    [[nodiscard]] bool grow_buckets();
    void squeeze();
    [[nodiscard]] std::size_t slot_of(u64 cookie) const;
    void forget_arrays();

    RamName** buckets_{};
    std::size_t bucket_count_{}; // 0 or a power of two
    Slot* slots_{};              // by cookie, with holes, but none at the end
    std::size_t slots_used_{}, slot_count_{};
    std::size_t count_{};
    std::size_t bytes_{};
    u64 next_cookie_{first_cookie};
};

} // namespace chorale::c_os
