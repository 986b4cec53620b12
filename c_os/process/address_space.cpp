#include "c_os/process/address_space.hpp"

#include <mem/chMem.h>

namespace chorale::c_os {

namespace {

constexpr u64 gibibyte = u64{1} << 30;
constexpr u64 stack_room = gibibyte;       // the window for mappings ends so far below the stack
constexpr u64 size_limit = u64{1} << 46;   // beyond any space: sums of two cannot wrap
constexpr u64 random_pages = u64{1} << 18; // a gibibyte

[[nodiscard]] VmFlags options_of(u64 protection) {
    VmFlags options = K_FILLZERO;
    if ((protection & prot_write) != 0) options |= K_WRITABLE;
    if ((protection & prot_exec) != 0) options |= K_EXECUTABLE;
    return options;
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

Done AddressSpace::allocate(u64 address, u64 size, u64 protection) {
    if (writable_and_executable(protection)) return failed(Error::eacces);
    KnRgnDesc region{address, size, options_of(protection), 0, nullptr, 0};
    return outcome(rgnAllocate(&actor_, &region));
}

u64 AddressSpace::change_break(u64 address) {
    const Lock lock{mutex_};
    if (address < break_begin_ || address >= window_begin_) return break_;
    const u64 old_end = round_up(break_, page_size), new_end = round_up(address, page_size);
    if (new_end > old_end) {
        if (!allocate(old_end, new_end - old_end, prot_read | prot_write)) return break_;
    } else if (new_end < old_end) {
        const KnRgnDesc region{new_end, old_end - new_end, 0, 0, nullptr, 0};
        if (rgnFree(&actor_, &region) != K_OK) return break_;
    }
    break_ = address;
    return break_;
}

Result<u64> AddressSpace::map_anywhere(u64 size, u64 protection) {
    KnRgnDesc region{window_begin_, size, options_of(protection) | K_RESTRICTIVE, window_end_, nullptr, 0};
    if (const int status = rgnAllocate(&actor_, &region); status < 0) return failed(error_of(status));
    return region.startAddr;
}

Result<u64> AddressSpace::map(u64 hint, u64 size, u64 protection, u64 flags) {
    if (size == 0 || size > size_limit || (hint & (page_size - 1)) != 0) {
        if (size == 0 || (flags & map_fixed) != 0) return failed(Error::einval);
        if (size > size_limit) return failed(Error::enomem);
        hint = 0;
    }
    if (writable_and_executable(protection)) return failed(Error::eacces);
    size = round_up(size, page_size);
    if ((flags & map_fixed_no_replace) != 0) {
        if (const Done done = allocate(hint, size, protection); !done) return failed(done.error());
        return hint;
    }
    if ((flags & map_fixed) == 0) return map_anywhere(size, protection);
    const Lock lock{mutex_};
    const KnRgnDesc old{hint, size, 0, 0, nullptr, 0};
    if (const int status = rgnFree(&actor_, &old); status < 0 && status != K_EADDR)
        return failed(error_of(status));
    if (const Done done = allocate(hint, size, protection); !done) return failed(done.error());
    return hint;
}

Done AddressSpace::unmap(u64 address, u64 size) {
    if (size == 0 || size > size_limit) return failed(Error::einval);
    const KnRgnDesc region{address, round_up(size, page_size), 0, 0, nullptr, 0};
    const int status = rgnFree(&actor_, &region);
    return status == K_EADDR ? Done{} : outcome(status); // holes are no error
}

Done AddressSpace::protect(u64 address, u64 size, u64 protection) {
    if ((address & (page_size - 1)) != 0 || size > size_limit) return failed(Error::einval);
    if (writable_and_executable(protection)) return failed(Error::eacces);
    if (size == 0) return {};
    const KnRgnDesc region{
        address, round_up(size, page_size), options_of(protection) & ~K_FILLZERO, 0, nullptr, 0};
    return outcome(rgnSetProtect(&actor_, &region));
}

Result<u64> AddressSpace::remap(u64 address, u64 old_size, u64 new_size, bool may_move) {
    if ((address & (page_size - 1)) != 0 || old_size == 0 || new_size == 0 || old_size > size_limit ||
        new_size > size_limit)
        return failed(Error::einval);
    old_size = round_up(old_size, page_size);
    new_size = round_up(new_size, page_size);
    const Lock lock{mutex_};
    const KnRgnDesc old{address, old_size, 0, 0, nullptr, 0};
    KnRgnStat found{};
    if (rgnStat(&actor_, &old, &found, sizeof found) < 1 || found.startAddr > address)
        return failed(Error::efault);
    if (new_size <= old_size) {
        if (new_size == old_size) return address;
        if (const Done done = unmap(address + new_size, old_size - new_size); !done)
            return failed(done.error());
        return address;
    }
    const u64 protection = (found.options & K_WRITABLE) != 0 ? prot_read | prot_write : prot_read;
    if (address + old_size <= window_end_ && allocate(address + old_size, new_size - old_size, protection))
        return address;
    if (!may_move) return failed(Error::enomem);
    const Result<u64> place = map_anywhere(new_size, protection);
    if (!place) return place;
    if (vmCopy(&actor_, address, &actor_, *place, old_size, 0) != K_OK) {
        static_cast<void>(unmap(*place, new_size));
        return failed(Error::enomem);
    }
    static_cast<void>(unmap(address, old_size));
    return place;
}

Done AddressSpace::discard(u64 address, u64 size) {
    if ((address & (page_size - 1)) != 0 || size > size_limit) return failed(Error::einval);
    if (size == 0) return {};
    size = round_up(size, page_size);
    const Lock lock{mutex_};
    const KnRgnDesc range{address, size, 0, 0, nullptr, 0};
    KnRgnStat found{};
    if (rgnStat(&actor_, &range, &found, sizeof found) != 1 || found.startAddr > address ||
        found.endAddr < address + size)
        return failed(Error::enomem);
    const u64 protection = ((found.options & K_WRITABLE) != 0 ? prot_write : 0) |
                           ((found.options & K_EXECUTABLE) != 0 ? prot_exec : 0);
    if (const Done done = unmap(address, size); !done) return done;
    return allocate(address, size, protection);
}

} // namespace chorale::c_os
