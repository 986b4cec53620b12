#include "arch/common/nucleus_tables.hpp"

#include "kernel/base/log.hpp"

#include <machine/supervisor.hpp>

namespace chorale::machine {

namespace {

extern "C" const u8 chorale_image_begin[], chorale_text_end[], chorale_rodata_end[], chorale_image_end[];

using Geometry = PageTableGeometry;

constexpr uword device_end = device_base + device_size;

alignas(page_size) constinit u64 top_table[Geometry::entries]{};
constinit uword device_next = device_base;
constinit bool boot_is_over = false;

[[nodiscard]] constexpr uword size_of(unsigned level) {
    return page_size << (Geometry::bits_per_level * level);
}

// The entry for `address` at `level`, with the tables above it made as needed; nullptr when a larger page is
// there.
[[nodiscard]] u64* entry_at(uword address, unsigned level) {
    u64* table = top_table;
    for (unsigned at = nucleus_levels - 1;; --at) {
        u64& entry = table[(address >> (page_bits + Geometry::bits_per_level * at)) % Geometry::entries];
        if (at == level) return &entry;
        if (!Geometry::present(entry)) {
            if (boot_is_over) return nullptr;
            entry = Geometry::make_nucleus_table(boot_pages(1));
        } else if (Geometry::leaf(entry, at)) {
            return nullptr;
        }
        table = direct<u64>(Geometry::address(entry));
    }
}

[[nodiscard]] unsigned largest_level(uword address, u64 frame, u64 length) {
    for (unsigned level = largest_nucleus_leaf(); level > 0; --level) {
        if ((address | frame) % size_of(level) == 0 && length >= size_of(level)) return level;
    }
    return 0;
}

// What is mapped already stays as it is.
void map(uword address, u64 frame, u64 length, Protection protection) {
    while (length != 0) {
        unsigned level = largest_level(address, frame, length);
        u64* entry = entry_at(address, level);
        while (level > 0 && entry != nullptr && Geometry::present(*entry) && !Geometry::leaf(*entry, level)) {
            entry = entry_at(address, --level); // partly mapped: fill the rest by smaller pages
        }
        if (entry != nullptr && !Geometry::present(*entry)) {
            *entry = Geometry::make_leaf(PhysAddr{frame}, protection | Protection::global, level);
        }
        address += size_of(level);
        frame += size_of(level);
        length -= size_of(level);
    }
}

void map_image(const u8* begin, const u8* end, Protection protection) {
    const uword address = reinterpret_cast<uword>(begin);
    const auto length = reinterpret_cast<uword>(end) - address;
    map(address, image_physical(begin).raw(), length, protection);
    map(direct_base + image_physical(begin).raw(), image_physical(begin).raw(), length,
        protection == (Protection::read | Protection::write) ? protection : Protection::read);
}

} // namespace

void make_nucleus_tables(const boot::MemoryMap& memory) {
    map_image(chorale_image_begin, chorale_text_end, Protection::read | Protection::execute);
    map_image(chorale_text_end, chorale_rodata_end, Protection::read);
    map_image(chorale_rodata_end, chorale_image_end, Protection::read | Protection::write);
    for (const boot::MemoryRange& range : memory.usable()) {
        const u64 end = range.end < physical_limit ? range.end : physical_limit;
        if (range.begin < end) {
            map(direct_base + range.begin, range.begin, end - range.begin,
                Protection::read | Protection::write);
        }
    }
    // The tables of the device region, so that devices can be mapped later without memory.
    for (uword address = device_base; address < device_end; address += large_page_size)
        (void)entry_at(address, 0);
    // And those that lead to the supervisor range: from here on a space shares all of it.
    for (uword address = supervisor_begin; address < supervisor_end; address += size_of(nucleus_levels - 1))
        (void)entry_at(address, nucleus_levels - 2);
}

void close_nucleus_tables() { boot_is_over = true; }

PhysAddr nucleus_table() { return image_physical(top_table); }
const u64* nucleus_entries() { return top_table; }

void boot_map_fresh(uword begin, uword end) {
    const PhysAddr frames = boot_pages((end - begin) / page_size);
    for (uword offset = 0; offset < end - begin; offset += page_size) {
        map(begin + offset, frames.raw() + offset, page_size, Protection::read | Protection::write);
    }
}

formats::Bytes boot_firmware_bytes(u64 physical, std::size_t length) {
    if (length == 0 || !formats::fits(physical, length, physical_limit)) return {};
    const u64 begin = round_down(physical, page_size), end = round_up(physical + length, page_size);
    for (u64 page = begin; page < end; page += page_size)
        map(direct_base + page, page, page_size, Protection::read);
    return {direct<const std::byte>(PhysAddr{physical}), length};
}

void* map_device(PhysAddr address, std::size_t length) {
    const uword offset = address.page_offset();
    if (length == 0 || !formats::fits(offset, length, device_end - device_next)) return nullptr;
    const uword bytes = round_up(offset + length, page_size);
    if (bytes > device_end - device_next) return nullptr;
    const uword place = device_next;
    device_next += bytes;
    for (uword done = 0; done < bytes; done += page_size) {
        map(place + done, address.page_floor().raw() + done, page_size,
            Protection::read | Protection::write | Protection::device);
    }
    publish_nucleus_mapping(place, bytes);
    return reinterpret_cast<void*>(place + offset);
}

} // namespace chorale::machine
