// A shared mapping of a file in a process: the pages of the file lie in a region of the actor that only C_OS
// fills and changes (vmMap).
#pragma once

#include "c_os/base/ref.hpp"
#include "c_os/file/node.hpp"
#include "c_os/file/page_view.hpp"

#include <chorus/types.h>

namespace chorale::c_os {

// What mmap(2) says of the file.
struct FileToMap {
    Ref<Node> node;
    u64 first{};      // page
    bool may_write{}; // by what it was opened for
};

struct InAddressSpace;

// In the lists of its address space, under that one's lock, and of the file.
class FileMapping final : public PageView, public ListNode<InAddressSpace> {
  public:
    // `size` in whole pages.
    FileMapping(const KnCap& actor, u64 address, u64 size, const FileToMap& file);
    // The part of another one from `address` on.
    FileMapping(const FileMapping& whole, u64 address, u64 end);

    [[nodiscard]] u64 begin() const { return address_of(range().first); }
    [[nodiscard]] u64 end() const { return address_of(range().end()); }
    [[nodiscard]] bool overlaps(u64 from, u64 to) const { return begin() < to && from < end(); }
    [[nodiscard]] bool may_write() const { return may_write_; }
    [[nodiscard]] Node& node() const { return *node_; }
    // Where in the file an address of it lies.
    [[nodiscard]] u64 offset_of(u64 address) const { return address - base_; }
    // What begin() … end() would be as a file to map again.
    [[nodiscard]] FileToMap file() const { return {node_, range().first, may_write_}; }

    // From and to an address: with the nucleus's region the part goes that the caller has freed. `rest` is
    // what stays behind it, or null.
    void leave_out(u64 from, u64 to, FileMapping* rest);

  private:
    [[nodiscard]] Done show(u64 index, std::byte* page) override;
    [[nodiscard]] Done hide(u64 first) override;
    [[nodiscard]] u64 address_of(u64 index) const { return base_ + index * page_size; }

    const KnCap actor_;
    const u64 base_; // where the file's first byte would be; wraps
    const Ref<Node> node_;
    const bool may_write_;
};

// Runs `change` until nobody else is changing the range: the nucleus refuses the second of two at a time.
template <class Change>
[[nodiscard]] int in_turn(Change&& change);
void pause_in_turn();

template <class Change>
int in_turn(Change&& change) {
    for (;;) {
        const int status = change();
        if (status != K_EBUSY) return status;
        pause_in_turn();
    }
}

} // namespace chorale::c_os
