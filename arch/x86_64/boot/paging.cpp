// Builds the nucleus half of the address space, which every space shares by its top-level entries. Therefore
// nothing is ever added at the top level after boot. W^X: no frame of the image's text or read-only data is
// writable through any mapping.
#include "arch/x86_64/boot/boot_memory.hpp"
#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"
#include "kernel/base/log.hpp"

namespace chorale::machine {

extern "C" {
extern const u8 chorale_image_begin[], chorale_text_end[], chorale_rodata_end[], chorale_image_end[];
extern u64 chorale_nucleus_table_address; // physical; secondaries load it from assembly
u64 chorale_nucleus_table_address = 0;
}

namespace {

using Geometry = PageTableGeometry;

constexpr uword device_base = stacks_base + max_cpus * stack_slot_size;
constexpr uword device_size = 4 << 20;
constexpr uword device_end = device_base + device_size;

alignas(page_size) constinit u64 nucleus_table[Geometry::entries]{};
constinit uword device_next = device_base;
constinit bool boot_is_over = false;

[[nodiscard]] uword image_physical(const u8* address) {
    return reinterpret_cast<uword>(address) - nucleus_base;
}
[[nodiscard]] constexpr uword size_of(unsigned level) {
    return page_size << (Geometry::bits_per_level * level);
}

// The entry for `address` at `level`, with the tables above it made as needed; nullptr when a larger page is
// there.
[[nodiscard]] u64* entry_at(uword address, unsigned level) {
    u64* table = nucleus_table;
    for (unsigned at = Geometry::levels - 1;; --at) {
        u64& entry = table[(address >> (page_bits + Geometry::bits_per_level * at)) % Geometry::entries];
        if (at == level) return &entry;
        if (!Geometry::present(entry)) {
            if (boot_is_over) return nullptr;
            // No user bit: nothing of this half is the users'.
            entry =
                boot_pages(1).raw() | Geometry::bit_present | Geometry::bit_write | Geometry::bit_accessed;
        } else if ((entry & Geometry::bit_large) != 0) {
            return nullptr;
        }
        table = direct<u64>(Geometry::address(entry));
    }
}

[[nodiscard]] unsigned largest_level(uword address, u64 frame, u64 length) {
    for (unsigned level = features.large_1g ? 2 : 1; level > 0; --level) {
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
    map(address, image_physical(begin), length, protection);
    map(direct_base + image_physical(begin), image_physical(begin), length,
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
    chorale_nucleus_table_address = image_physical(reinterpret_cast<const u8*>(nucleus_table));
}

void load_nucleus_tables() { load_root(chorale_nucleus_table_address); }

void close_nucleus_tables() { boot_is_over = true; }

void boot_map_fresh(uword begin, uword end) {
    const PhysAddr frames = boot_pages((end - begin) / page_size);
    for (uword offset = 0; offset < end - begin; offset += page_size) {
        map(begin + offset, frames.raw() + offset, page_size, Protection::read | Protection::write);
    }
}

boot::Bytes boot_firmware_bytes(u64 physical, std::size_t length) {
    if (length == 0 || !boot::fits(physical, length, physical_limit)) return {};
    const u64 begin = round_down(physical, page_size), end = round_up(physical + length, page_size);
    for (u64 page = begin; page < end; page += page_size)
        map(direct_base + page, page, page_size, Protection::read);
    return {direct<const std::byte>(PhysAddr{physical}), length};
}

void* map_device(PhysAddr address, std::size_t length) {
    const uword offset = address.page_offset();
    if (length == 0 || !boot::fits(offset, length, device_end - device_next)) return nullptr;
    const uword bytes = round_up(offset + length, page_size);
    if (bytes > device_end - device_next) return nullptr;
    const uword place = device_next;
    device_next += bytes;
    for (uword done = 0; done < bytes; done += page_size) {
        map(place + done, address.page_floor().raw() + done, page_size,
            Protection::read | Protection::write | Protection::device);
    }
    return reinterpret_cast<void*>(place + offset);
}

u64 nucleus_root() { return make_root(PhysAddr{chorale_nucleus_table_address}, 0, true); }

u64 make_root(PhysAddr table, unsigned asid, bool keep) {
    constexpr u64 no_flush = u64{1} << 63;
    if (!features.pcid) return table.raw();
    return table.raw() | asid | (keep ? no_flush : 0);
}

unsigned asid_limit() { return features.pcid ? 1u << 12 : 1; }

void invalidate_asid(unsigned asid) {
    constexpr u64 no_flush = u64{1} << 63, asid_bits = 0xfff;
    const u64 current = read_cr3();
    if (!features.pcid || (current & asid_bits) == asid) {
        load_root(current);
    } else if (features.invpcid) {
        const u64 descriptor[2] = {asid, 0};
        constexpr u64 one_context = 1;
        asm volatile("invpcid %0, %1" ::"m"(descriptor), "r"(one_context) : "memory");
    } else {
        load_root(make_root(PhysAddr{chorale_nucleus_table_address}, asid, false));
        load_root(current | no_flush);
    }
}

void copy_nucleus_half(u64* table) {
    constexpr unsigned half = Geometry::entries / 2;
    for (unsigned i = half; i < Geometry::entries; ++i) table[i] = nucleus_table[i];
}

} // namespace chorale::machine
