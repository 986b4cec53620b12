// Shared mappings of files in an address space (file_mapping.hpp).
#include "c_os/process/address_space.hpp"

#include <mem/chMem.h>

#include <algorithm>

namespace chorale::c_os {

FileMapping* AddressSpace::mapping_in(u64 from, u64 to) {
    FileMapping* lowest = nullptr;
    for (FileMapping* each = mappings_.front(); each != nullptr; each = mappings_.next(*each))
        if (each->overlaps(from, to) && (lowest == nullptr || each->begin() < lowest->begin())) lowest = each;
    return lowest;
}

// The region goes before its mapping: so nobody puts a page into what is somebody else's by then.
Done AddressSpace::free_range(u64 address, u64 size) {
    const u64 end = address + size;
    FileMapping* rest = nullptr;
    const FileMapping* const around = mapping_in(address, end);
    if (around != nullptr && around->begin() < address && end < around->end()) {
        rest = new (std::nothrow) FileMapping{*around, end, around->end()};
        if (rest == nullptr) return failed(Error::enomem);
    }
    const KnRgnDesc region{address, size, 0, 0, nullptr, 0};
    const int status = in_turn([&] { return rgnFree(&actor_, &region); });
    if (status != K_OK && status != K_EADDR) { // holes are no error
        delete rest;
        return failed(status == K_ENOMEM ? Error::enomem : Error::einval);
    }
    cut_mappings(address, end, rest);
    return {};
}

void AddressSpace::cut_mappings(u64 from, u64 to, FileMapping* rest) {
    while (FileMapping* const mapping = mapping_in(from, to)) {
        if (mapping->begin() >= from && mapping->end() <= to) {
            remove_mapping(*mapping);
        } else {
            mapping->leave_out(from, to, rest);
            if (rest != nullptr) mappings_.push_back(*rest);
        }
    }
}

void AddressSpace::remove_mapping(FileMapping& mapping) {
    mapping.node().remove_view(mapping);
    List<FileMapping, InAddressSpace>::remove(mapping);
    delete &mapping;
}

// In a region that was made for it.
Result<u64> AddressSpace::show_file(u64 place, u64 size, const FileToMap& file) {
    auto* const mapping = new (std::nothrow) FileMapping{actor_, place, size, file};
    Done done = failed(Error::enomem);
    if (mapping != nullptr) {
        done = file.node->add_view(*mapping);
        if (!done && done.error() == Error::enodev)
            delete mapping;
        else
            mappings_.push_back(*mapping);
    }
    if (done) return place;
    // In an actor that is ending the region cannot be freed: then the mapping stays until it has ended.
    static_cast<void>(free_range(place, size));
    return failed(done.error());
}

Result<u64> AddressSpace::map_file(u64 hint, u64 size, u64 protection, u64 flags, const FileToMap& file) {
    constexpr u64 page_count_limit = u64{1} << 52;
    if (file.first > page_count_limit - (size >> page_bits) - 1) return failed(Error::eoverflow);
    const Lock lock{mutex_};
    const Result<u64> place = reserve(hint, size, {protection, flags, true});
    if (!place) return place;
    return show_file(*place, round_up(size, page_size), file);
}

Result<u64> AddressSpace::move_mapping(const FileMapping& mapping, u64 address, u64 old_size, u64 new_size) {
    if (address < mapping.begin() || address + old_size > mapping.end()) return failed(Error::efault);
    const KnRgnDesc old{address, old_size, 0, 0, nullptr, 0};
    KnRgnStat found{};
    if (rgnStat(&actor_, &old, &found, sizeof found) < 1) return failed(Error::efault);
    FileToMap file = mapping.file();
    file.first = mapping.offset_of(address) >> page_bits;
    const u64 protection = (found.options & K_WRITABLE) != 0 ? prot_read | prot_write : prot_read;
    const Result<u64> place = map_anywhere(new_size, {protection, map_shared, true});
    if (!place) return place;
    const Result<u64> shown = show_file(*place, new_size, file);
    if (shown) static_cast<void>(free_range(address, old_size));
    return shown;
}

std::optional<AddressSpace::FilePlace> AddressSpace::file_place(u64 address) {
    const Lock lock{mutex_};
    const FileMapping* const mapping = mapping_in(address, address + 1);
    if (mapping == nullptr) return std::nullopt;
    return FilePlace{&mapping->node(), mapping->offset_of(address)};
}

bool AddressSpace::behind_file(u64 address) {
    const Lock lock{mutex_};
    const FileMapping* const mapping = mapping_in(address, address + 1);
    if (mapping == nullptr) return false;
    return mapping->offset_of(address) >= round_up(mapping->node().attributes().size, page_size);
}

void AddressSpace::end() {
    const Lock lock{mutex_};
    while (FileMapping* const mapping = mappings_.front()) remove_mapping(*mapping);
}

} // namespace chorale::c_os
