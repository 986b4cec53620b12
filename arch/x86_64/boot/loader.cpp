// The two hand-over formats: Xen's PVH start information (QEMU -kernel) and Multiboot2 (GRUB).
#include "arch/x86_64/boot/loader.hpp"

namespace chorale::machine {

using formats::Bytes;
using formats::load;

void LoaderInfo::add_memory(u64 base, u64 length, u32 type) {
    if (memory_count == memory_capacity) {
        ++memory_dropped;
        return;
    }
    memory[memory_count++] = {base, length, type};
}

void LoaderInfo::set_command_line(std::string_view text) {
    command_line_length = text.copy(command_line, sizeof command_line);
}

void LoaderInfo::set_loader(std::string_view text) { loader_length = text.copy(loader, sizeof loader); }

std::string_view terminated(Bytes bytes) {
    const std::string_view text = formats::characters(bytes);
    return text.substr(0, text.find('\0'));
}

namespace {

[[nodiscard]] bool fail(std::string_view& problem, std::string_view text) {
    problem = text;
    return false;
}

} // namespace

bool read_pvh(u64 address, LoaderInfo& info, std::string_view& problem) {
    // struct hvm_start_info, version 1
    enum : std::size_t {
        magic = 0,
        version = 4,
        modules = 12,
        module_list = 16,
        command_line = 24,
        rsdp = 32,
        map = 40,
        map_entries = 48,
        size = 56
    };
    enum : std::size_t { module_address = 0, module_size = 8, module_bytes = 32 };
    enum : std::size_t { entry_base = 0, entry_length = 8, entry_type = 16, entry_bytes = 24 };
    const Bytes start = early_bytes(address, size);
    if (start.empty() || load<u32>(start, magic) != pvh_magic) return fail(problem, "no start information");
    if (load<u32>(start, version) == 0) return fail(problem, "start information without a memory map");
    info.set_loader("PVH");
    info.rsdp = load<u64>(start, rsdp);
    const u64 line = load<u64>(start, command_line);
    for (std::size_t length = sizeof info.command_line; length != 0 && line != 0; length /= 2) {
        const Bytes text = early_bytes(line, length); // shorter when the text lies at the very end of reach
        if (text.empty()) continue;
        info.set_command_line(terminated(text));
        break;
    }
    const u32 entries = load<u32>(start, map_entries);
    const Bytes table = early_bytes(load<u64>(start, map), u64{entries} * entry_bytes);
    if (table.empty()) return fail(problem, "no memory map");
    for (u32 i = 0; i < entries; ++i) {
        const Bytes entry = formats::slice(table, std::size_t{i} * entry_bytes, entry_bytes);
        info.add_memory(load<u64>(entry, entry_base), load<u64>(entry, entry_length),
                        load<u32>(entry, entry_type));
    }
    const Bytes first = early_bytes(load<u64>(start, module_list), module_bytes);
    if (load<u32>(start, modules) != 0 && !first.empty()) {
        info.bank_begin = load<u64>(first, module_address);
        info.bank_length = load<u64>(first, module_size);
    }
    return true;
}

namespace {

enum Tag : u32 {
    tag_end = 0,
    tag_command_line = 1,
    tag_loader = 2,
    tag_module = 3,
    tag_memory = 6,
    tag_acpi_old = 14,
    tag_acpi_new = 15
};

void read_memory(Bytes tag, LoaderInfo& info) {
    constexpr std::size_t header = 16, smallest_entry = 20;
    const u32 entry_size = load<u32>(tag, 8);
    if (entry_size < smallest_entry) return;
    for (std::size_t at = header; formats::fits(at, entry_size, tag.size()); at += entry_size) {
        info.add_memory(load<u64>(tag, at), load<u64>(tag, at + 8), load<u32>(tag, at + 16));
    }
}

void read_module(Bytes tag, LoaderInfo& info) {
    const u32 begin = load<u32>(tag, 8), end = load<u32>(tag, 12);
    if (info.bank_length != 0 || end <= begin) return; // the first module is the bank
    info.bank_begin = begin;
    info.bank_length = end - begin;
}

void read_root_pointer(Bytes tag, LoaderInfo& info) {
    const Bytes pointer = formats::slice(tag, 8, sizeof info.root_pointer);
    if (pointer.size() <= info.root_pointer_length) return; // the newer structure is the longer one
    __builtin_memcpy(info.root_pointer, pointer.data(), pointer.size());
    info.root_pointer_length = pointer.size();
}

void read_tag(u32 type, Bytes tag, LoaderInfo& info) {
    switch (type) {
    case tag_command_line:
        return info.set_command_line(terminated(formats::slice(tag, 8, tag.size())));
    case tag_loader:
        return info.set_loader(terminated(formats::slice(tag, 8, tag.size())));
    case tag_module:
        return read_module(tag, info);
    case tag_memory:
        return read_memory(tag, info);
    case tag_acpi_old:
    case tag_acpi_new:
        return read_root_pointer(tag, info);
    default:
        return;
    }
}

} // namespace

bool read_multiboot2(u64 address, LoaderInfo& info, std::string_view& problem) {
    constexpr u32 header = 8, size_limit = 1 << 20;
    const u32 total = load<u32>(early_bytes(address, header), 0);
    if (total < header || total > size_limit) return fail(problem, "impossible size of the information");
    const Bytes all = early_bytes(address, total);
    if (all.empty()) return fail(problem, "information out of reach");
    info.set_loader("Multiboot2");
    for (std::size_t at = header; formats::fits(at, header, all.size());) {
        const u32 type = load<u32>(all, at), size = load<u32>(all, at + 4);
        if (type == tag_end) break;
        if (size < header || !formats::fits(at, size, all.size()))
            return fail(problem, "a tag beyond the end");
        read_tag(type, formats::slice(all, at, size), info);
        at = formats::align_up(at + size, 8);
    }
    if (info.memory_count == 0) return fail(problem, "no memory map");
    return true;
}

} // namespace chorale::machine
