#include "c_os/process/address_space.hpp"

#include <mem/chMem.h>

namespace chorale::c_os {

namespace {

constexpr u64 gibibyte = u64{1} << 30;
constexpr u64 stack_room = gibibyte;       // the window for mappings ends so far below the stack
constexpr u64 size_limit = u64{1} << 46;   // beyond any space: sums of two cannot wrap
constexpr u64 random_pages = u64{1} << 18; // a gibibyte

// A child is to have shared mappings of anonymous memory together with its parent, and copies of all else.
[[nodiscard]] VmFlags inherited(u64 flags) {
    return (flags & map_type) == map_shared ? K_INHERITSHARE : K_INHERITCOPY;
}

[[nodiscard]] VmFlags rights_of(u64 protection) {
    if ((protection & (prot_read | prot_write | prot_exec)) == 0) return K_NOACCESS;
    VmFlags rights = 0;
    if ((protection & prot_write) != 0) rights |= K_WRITABLE;
    if ((protection & prot_exec) != 0) rights |= K_EXECUTABLE;
    return rights;
}

[[nodiscard]] bool writable_and_executable(u64 protection) {
    return (protection & (prot_write | prot_exec)) == (prot_write | prot_exec);
}

[[nodiscard]] Error error_of(int status) {
    switch (status) {
    case K_EOVERLAP:
        return Error::eexist;
    case K_EINVAL:
    case K_EROUND:
    case K_ESIZE:
        return Error::einval;
    case K_EBUSY:
        return Error::eagain;
    default:
        return Error::enomem;
    }
}

[[nodiscard]] Done outcome(int status) {
    if (status < 0) return failed(error_of(status));
    return {};
}

} // namespace

// From low to high: the program (where it wants to be, or at image_base_), its break; the window for
// mappings; the stack.
void AddressSpace::prepare(const KnCap& actor, u64 random) {
    actor_ = actor;
    KnVmStat stat{};
    vmStat(&stat);
    const u64 begin = stat.par.usrStartAddr, end = stat.par.usrEndAddr;
    const u64 top = round_down(end, page_size) - page_size;
    stack_top_ = top - (random % random_pages) * page_size;
    window_end_ = top - random_pages * page_size - stack_room;
    const u64 middle = round_down(begin + (end - begin) / 2, page_size);
    window_begin_ = middle + (random >> 20) % random_pages * page_size;
    image_base_ = round_down(end / 4, page_size) + (random >> 40) % random_pages * page_size;
}

void AddressSpace::set_break(u64 address) { break_begin_ = break_ = address; }

Done AddressSpace::make_region(u64 address, u64 size, const Use& use) {
    if (writable_and_executable(use.protection)) return failed(Error::eacces);
    const VmFlags kind = use.of_file ? K_VMMAP : K_FILLZERO | inherited(use.flags);
    KnRgnDesc region{address, size, rights_of(use.protection) | kind, 0, nullptr, 0};
    return outcome(rgnAllocate(&actor_, &region));
}

Done AddressSpace::allocate(u64 address, u64 size, u64 protection) {
    return make_region(address, size, {protection});
}

u64 AddressSpace::change_break(u64 address) {
    const Lock lock{mutex_};
    if (address < break_begin_ || address >= window_begin_) return break_;
    const u64 old_end = round_up(break_, page_size), new_end = round_up(address, page_size);
    if (new_end > old_end) {
        if (!allocate(old_end, new_end - old_end, prot_read | prot_write)) return break_;
    } else if (new_end < old_end) {
        if (!free_range(new_end, old_end - new_end)) return break_;
    }
    break_ = address;
    return break_;
}

Result<u64> AddressSpace::map_anywhere(u64 size, const Use& use) {
    const VmFlags kind = use.of_file ? K_VMMAP : K_FILLZERO | inherited(use.flags);
    KnRgnDesc region{window_begin_, size,    rights_of(use.protection) | kind | K_RESTRICTIVE,
                     window_end_,   nullptr, 0};
    if (const int status = rgnAllocate(&actor_, &region); status < 0) return failed(error_of(status));
    return region.startAddr;
}

Result<u64> AddressSpace::reserve(u64 hint, u64 size, const Use& use) {
    if (size == 0 || size > size_limit || (hint & (page_size - 1)) != 0) {
        if (size == 0 || (use.flags & map_fixed) != 0) return failed(Error::einval);
        if (size > size_limit) return failed(Error::enomem);
        hint = 0;
    }
    if (writable_and_executable(use.protection)) return failed(Error::eacces);
    size = round_up(size, page_size);
    if ((use.flags & (map_fixed | map_fixed_no_replace)) == 0) return map_anywhere(size, use);
    if ((use.flags & map_fixed_no_replace) == 0)
        if (const Done done = free_range(hint, size); !done) return failed(done.error());
    if (const Done done = make_region(hint, size, use); !done) return failed(done.error());
    return hint;
}

Result<u64> AddressSpace::map(u64 hint, u64 size, u64 protection, u64 flags) {
    const Lock lock{mutex_};
    return reserve(hint, size, {protection, flags});
}

Done AddressSpace::unmap(u64 address, u64 size) {
    if (size == 0 || size > size_limit || (address & (page_size - 1)) != 0) return failed(Error::einval);
    const Lock lock{mutex_};
    return free_range(address, round_up(size, page_size));
}

Done AddressSpace::protect(u64 address, u64 size, u64 protection) {
    if ((address & (page_size - 1)) != 0 || size > size_limit) return failed(Error::einval);
    if (writable_and_executable(protection)) return failed(Error::eacces);
    if (size == 0) return {};
    size = round_up(size, page_size);
    const Lock lock{mutex_};
    for (u64 at = address; FileMapping* const mapping = mapping_in(at, address + size); at = mapping->end())
        if ((protection & prot_write) != 0 && !mapping->may_write()) return failed(Error::eacces);
    const KnRgnDesc region{address, size, rights_of(protection), 0, nullptr, 0};
    return outcome(in_turn([&] { return rgnSetProtect(&actor_, &region); }));
}

Result<u64> AddressSpace::remap(u64 address, u64 old_size, u64 new_size, bool may_move) {
    if ((address & (page_size - 1)) != 0 || old_size == 0 || new_size == 0 || old_size > size_limit ||
        new_size > size_limit)
        return failed(Error::einval);
    old_size = round_up(old_size, page_size);
    new_size = round_up(new_size, page_size);
    const Lock lock{mutex_};
    const FileMapping* const mapping = mapping_in(address, address + old_size);
    const KnRgnDesc old{address, old_size, 0, 0, nullptr, 0};
    KnRgnStat found{};
    if (rgnStat(&actor_, &old, &found, sizeof found) < 1 || found.startAddr > address)
        return failed(Error::efault);
    if (new_size <= old_size) {
        if (new_size == old_size) return address;
        if (const Done done = free_range(address + new_size, old_size - new_size); !done)
            return failed(done.error());
        return address;
    }
    if (mapping != nullptr) {
        if (!may_move) return failed(Error::enomem);
        return move_mapping(*mapping, address, old_size, new_size);
    }
    const u64 protection = (found.options & K_WRITABLE) != 0 ? prot_read | prot_write : prot_read;
    const u64 flags = (found.options & K_INHERITSHARE) != 0 ? map_shared : map_private;
    const u64 more = new_size - old_size;
    if (address + old_size <= window_end_ && make_region(address + old_size, more, {protection, flags}))
        return address;
    if (!may_move) return failed(Error::enomem);
    const Result<u64> place = map_anywhere(new_size, {protection, flags});
    if (!place) return place;
    if (vmCopy(&actor_, address, &actor_, *place, old_size, 0) != K_OK) {
        static_cast<void>(free_range(*place, new_size));
        return failed(Error::enomem);
    }
    static_cast<void>(free_range(address, old_size));
    return place;
}

bool AddressSpace::covered(u64 address, u64 size) {
    constexpr int at_once = 8;
    const u64 end = address + round_up(size, page_size);
    if ((address & (page_size - 1)) != 0 || size > size_limit) return false;
    while (address < end) {
        const KnRgnDesc range{address, end - address, 0, 0, nullptr, 0};
        KnRgnStat found[at_once];
        const int count = rgnStat(&actor_, &range, found, sizeof found);
        for (int i = 0; i < count && i < at_once && found[i].startAddr <= address; ++i)
            address = found[i].endAddr;
        if (count < 1 || (address < end && count <= at_once)) return false;
    }
    return true;
}

Done AddressSpace::discard(u64 address, u64 size) {
    if ((address & (page_size - 1)) != 0) return failed(Error::einval);
    if (size == 0) return {};
    const Lock lock{mutex_};
    if (!covered(address, size)) return failed(Error::enomem);
    const u64 end = address + round_up(size, page_size);
    while (address < end) {
        const FileMapping* const mapping = mapping_in(address, end);
        const u64 until = mapping == nullptr ? end : mapping->begin();
        if (address < until) {
            const KnRgnDesc range{address, until - address, K_DISCARD, 0, nullptr, 0};
            const int status = in_turn([&] { return rgnFree(&actor_, &range); });
            if (status != K_OK) return failed(error_of(status));
        }
        address = mapping == nullptr ? end : mapping->end();
    }
    return {};
}

} // namespace chorale::c_os
