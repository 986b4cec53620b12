#include "fuzz/program_space.hpp"

#include "fuzz/target.hpp"

#include <cstring>

namespace chorale::fuzz {

namespace {

void must_be_allowed(ProgramRights rights) {
    must(!rights.writable || !rights.executable, "no page is both writable and executable");
}

} // namespace

bool ProgramSpace::allocate(u64& address, u64 size, ProgramRights rights, bool anywhere) {
    ++calls;
    must_be_allowed(rights);
    size = (size + page - 1) & ~(page - 1);
    must(size != 0, "a region has a size");
    Region made{0, 0, {}, nullptr};
    if (supervisor_) {
        must(anywhere, "who loads a supervisor actor does not choose the place");
        if (size > supervisor_limit) return false;
        // Page-aligned, and behind it the address sanitizer's guard.
        made.bytes.reset(static_cast<std::byte*>(std::aligned_alloc(page, size)));
        if (made.bytes == nullptr) return false;
        std::memset(made.bytes.get(), 0, size);
        address = reinterpret_cast<u64>(made.bytes.get());
        made.rights.assign(size / page, rights);
    } else {
        must(!anywhere && address % page == 0, "a region begins at a page");
        if (address < user_begin || address >= user_end || size > user_end - address) return false;
        const auto next = regions_.lower_bound(address);
        if (next != regions_.end() && next->first < address + size) return false;
        if (next != regions_.begin() && std::prev(next)->second.end > address) return false;
        made.rights.assign(1, rights);
    }
    made.begin = address;
    made.end = address + size;
    regions_.emplace(address, std::move(made));
    return true;
}

bool ProgramSpace::protect(u64 address, u64 size, ProgramRights rights) {
    ++calls;
    must_be_allowed(rights);
    must(supervisor_, "user memory gets its rights at once");
    size = (size + page - 1) & ~(page - 1);
    const Region* const region = at(address);
    if (region == nullptr || address % page != 0 || size == 0 || size > region->end - address) return false;
    Region& changed = regions_.at(region->begin);
    for (u64 place = address; place != address + size; place += page)
        changed.rights[(place - changed.begin) / page] = rights;
    return true;
}

bool ProgramSpace::copy_in(u64 to, std::span<const std::byte> bytes) {
    ++calls;
    const Region* const region = at(to);
    if (bytes.empty()) return true;
    if (region == nullptr || bytes.size() > region->end - to) return false;
    if (supervisor_) {
        std::memcpy(region->bytes.get() + (to - region->begin), bytes.data(), bytes.size());
        return true;
    }
    while (!bytes.empty()) {
        const u64 within = to % page, left = page - within;
        const std::size_t part = bytes.size() < left ? bytes.size() : left;
        std::memcpy(written_[to - within].data() + within, bytes.data(), part);
        bytes = bytes.subspan(part);
        to += part;
    }
    return true;
}

void ProgramSpace::free_all() {
    ++calls;
    regions_.clear();
    written_.clear();
}

const ProgramSpace::Region* ProgramSpace::at(u64 address) const {
    auto next = regions_.upper_bound(address);
    if (next == regions_.begin()) return nullptr;
    const Region& region = std::prev(next)->second;
    return address < region.end ? &region : nullptr;
}

ProgramRights ProgramSpace::rights_at(u64 address) const {
    const Region& region = *at(address);
    return region.rights[supervisor_ ? (address - region.begin) / page : 0];
}

std::byte ProgramSpace::byte_at(u64 address) const {
    if (supervisor_) {
        const Region& region = *at(address);
        return region.bytes[address - region.begin];
    }
    const auto found = written_.find(address & ~(page - 1));
    return found == written_.end() ? std::byte{} : found->second[address % page];
}

} // namespace chorale::fuzz
