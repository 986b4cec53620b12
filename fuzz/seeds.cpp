// Writes first inputs for the fuzzers into the folder that is named: what the host tests build, small
// executables, command lines. What grows from them is kept in fuzz/corpus.
#include "fuzz/elf_file.hpp"
#include "tests/host/boot/acpi_machine.hpp"
#include "tests/host/boot/device_tree_machine.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace chorale;
namespace acpi = boot::acpi::test;
namespace tree = boot::device_tree::test;

std::filesystem::path folder;

void write(const std::string& target, const std::string& name, formats::Bytes bytes) {
    std::filesystem::create_directories(folder / target);
    std::ofstream file{folder / target / name, std::ios::binary};
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) {
        std::fprintf(stderr, "cannot write %s/%s\n", target.c_str(), name.c_str());
        std::exit(1);
    }
}

void write(const std::string& target, const std::string& name, std::string_view text) {
    write(target, name, std::as_bytes(std::span{text.data(), text.size()}));
}

// The fuzzer's memory begins at 0xe0000 with the root pointer.
void write_tables(const std::string& name, std::vector<acpi::Blob> tables, bool extended) {
    constexpr std::uint64_t begin = 0xe0000;
    acpi::Blob memory = extended ? acpi::root_pointer(0, begin + 48) : acpi::root_pointer(begin + 48, 0);
    const std::size_t entry_size = extended ? 8 : 4;
    const std::size_t first = 48 + 36 + entry_size * tables.size();
    std::uint64_t at = begin + first;
    acpi::Blob entries, bodies;
    for (const acpi::Blob& table : tables) {
        if (extended)
            entries.add(at);
        else
            entries.add(static_cast<std::uint32_t>(at));
        at += table.size();
    }
    tables.push_back(acpi::ordinary_dsdt());
    for (acpi::Blob& table : tables) {
        if (table.view()[0] == std::byte{'F'}) {
            table.put(40, static_cast<std::uint32_t>(at)).put<std::uint64_t>(140, at);
            acpi::seal(table);
        }
        bodies.append(table);
    }
    memory.resize(48).append(acpi::table(extended ? "XSDT" : "RSDT", entries)).resize(first).append(bodies);
    write("acpi", name, memory.view());
}

// How the file is named, packed and asked for (fuzz/programs.cpp), and the image.
void write_program(const std::string& name, std::string_view head, formats::Bytes image) {
    std::string input{head};
    input.append(reinterpret_cast<const char*>(image.data()), image.size());
    write("programs", name, input);
}

void write_executables() {
    using formats::elf::Image;
    Image image;
    image.entry = 0x400100;
    image.table[image.count++] = {.address = 0x400000,
                                  .memory_size = 0x1000,
                                  .file_offset = 0,
                                  .file_size = 0x200,
                                  .readable = true,
                                  .executable = true};
    write("elf", "text", fuzz::elf_file(image, formats::elf::machine_x86_64, 0x200));
    image.table[image.count++] = {.address = 0x402180,
                                  .memory_size = 0x3000,
                                  .file_offset = 0x180,
                                  .file_size = 0x80,
                                  .readable = true,
                                  .writable = true};
    image.thread_local_storage = formats::elf::ThreadLocal{
        .address = 0x402180, .file_offset = 0x180, .file_size = 0x20, .memory_size = 0x40, .alignment = 8};
    write("elf", "data_and_tls", fuzz::elf_file(image, formats::elf::machine_riscv, 0x200));
    using namespace std::string_view_literals;
    std::vector<std::byte> program = fuzz::elf_file(image, formats::elf::machine_x86_64, 0x200);
    write_program("x86_64", "\0\0\0\1"sv, program);
    write_program("x86_64.gz", "\2\0\0\3"sv, program);
    write_program("of_a_user_without_memory", "\0\0\x87\1"sv, program);
    constexpr std::size_t type = 16;
    constexpr std::byte shared{3};
    image.table[0].address -= 0x400000;
    image.table[1].address -= 0x400000;
    image.thread_local_storage->address -= 0x400000;
    image.entry -= 0x400000;
    program = fuzz::elf_file(image, formats::elf::machine_x86_64, 0x200);
    program[type] = shared;
    write_program("anywhere", "\0\0\0\4"sv, program);
    write_program("riscv64", "\0\0\0\1"sv, fuzz::elf_file(image, formats::elf::machine_riscv, 0x200));
}

// As small as one can be: text, tables and data, whose places in memory and in the file agree modulo pages.
void write_relocatable(const char* name, std::uint16_t machine, std::initializer_list<std::uint64_t> kinds) {
    std::string file(0x500, '\0');
    const auto put = [&](std::size_t at, auto value) { std::memcpy(&file[at], &value, sizeof value); };
    const auto put_all = [&](std::size_t at, std::initializer_list<std::uint64_t> words) {
        for (const std::uint64_t word : words) {
            put(at, word);
            at += sizeof word;
        }
    };
    constexpr unsigned char identity[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(file.data(), identity, sizeof identity);
    put(16, std::uint16_t{3});
    put(18, machine);
    put(20, std::uint32_t{1});
    put_all(24, {0x10, 64});
    put(52, std::uint16_t{64});
    put(54, std::uint16_t{56});
    put(56, std::uint16_t{4});
    const auto header = [&](unsigned number, std::uint64_t type_and_rights, std::uint64_t offset,
                            std::uint64_t address, std::uint64_t size) {
        put_all(64 + number * 56, {type_and_rights, offset, address, address, size, size, 0x1000});
    };
    constexpr std::uint64_t text = 5ULL << 32, constants = 4ULL << 32, data = 6ULL << 32; // their rights
    header(0, text | 1, 0, 0, 0x200);
    header(1, constants | 1, 0x200, 0x1200, 0x180);
    header(2, data | 1, 0x380, 0x2380, 0x180);
    header(3, data | 2, 0x400, 0x2400, 0x100);
    const std::uint64_t *const relative = kinds.begin(), *const absolute = relative + 1,
                               *const jump = relative + 2;
    put_all(0x200, {0x2380, *relative, 0x2390});
    put_all(0x218, {0x2388, 1ULL << 32 | *absolute, 4, 0x24f8, 2ULL << 32 | *jump, 0}); // the last word
    put_all(0x260, {0, 0, 0, 1, 0, 0, 1ULL << 48 | 1, 0x2398, 8}); // symbols: none, undefined, its own
    std::memcpy(&file[0x2b1], "threadSelf", 10);
    put_all(0x400, {5, 0x12b0, 10, 16, 6, 0x1260, 11, 24, 7, 0x1200, 8, 48, 9, 24, 23, 0x1230, 2, 24});
    write("relocatable", name, file);
    using namespace std::string_view_literals;
    const formats::Bytes image = std::as_bytes(std::span{file});
    write_program(std::string{name} + ".r", "\1\0\0\2"sv, image);
    write_program(std::string{name} + ".r.gz", "\3\0\0\2"sv, image);
}

void write_archives() {
    const auto entry = [](const char* name, std::string_view data, unsigned mode) {
        char header[111];
        std::snprintf(header, sizeof header, "070701%08x%08x%032x%08zx%032x%08zx%08x", 1u, mode, 0u,
                      data.size(), 0u, std::strlen(name) + 1, 0u);
        std::string text = std::string{header} + name + '\0';
        text.resize(formats::align_up(text.size(), 4));
        text += data;
        text.resize(formats::align_up(text.size(), 4));
        return text;
    };
    const std::string trailer = entry("TRAILER!!!", "", 0);
    write("cpio", "bank",
          entry(".", "", 0040755) + entry("./init", "program", 0100755) + entry("a", "", 0040755) +
              entry("a/b", "text\n", 0100644) + trailer);
    write("cpio", "bad_names",
          entry("a//b", "x", 0100644) + entry("a", "x", 0100644) + entry("/a", "", 0100644) +
              entry("..", "", 0100644) + trailer);
}

void write_command_lines() {
    write("command_line", "numbers", "cpus=4 seed=0x1f bench.rounds=10 smp.stress=20 fail.alloc=7");
    write("command_line", "choices", "console=com2 poll=off fastpath=off irq=check console=none poll=auto");
    write("command_line", "texts", "bench=\"ipc.rt all\" test=suite run=a,b cpus=65 nosuch=1 cpus");
}

// Everything that a tree may say of the boot, and buses whose addresses differ.
void write_full_tree() {
    tree::Tree full = tree::virt(2);
    tree::TreeNode& chosen = full.at("/chosen");
    chosen.cells("linux,initrd-start", {0, 0x8400'0000}).cells("linux,initrd-end", {0, 0x8410'0000});
    chosen.text("bootargs", {"cpus=2"}).erase("stdout-path").text("stdout-path", {"serial0:115200"});
    full.root.add("aliases").text("serial0", {"/bus/serial@10000000"});
    tree::TreeNode& bus = full.root.add("bus").widths(1, 1);
    bus.cells("ranges", {0x1000'0000, 0x1, 0x2000'0000, 0x1000}).text("compatible", {"simple-bus"});
    tree::TreeNode& serial = bus.add("serial@10000000").cells("reg", {0x1000'0000, 0x100});
    serial.text("compatible", {"ns16550a"}).cells("reg-shift", {2}).cells("reg-io-width", {4});
    full.reservations.push_back({0x8000'0000, 0x1000});
    write("device_tree", "full", full.flatten());
}

} // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
        return 2;
    }
    folder = arguments[1];
    write_archives();
    write_command_lines();
    write_executables();
    write_relocatable("x86_64", formats::elf::machine_x86_64, {8, 1, 7});
    write_relocatable("riscv64", formats::elf::machine_riscv, {3, 2, 5});
    write_tables("extended", acpi::ordinary_tables(), true);
    write_tables("old", acpi::ordinary_tables(), false);
    write("device_tree", "virt_plic", tree::virt(2).flatten());
    write("device_tree", "virt_aplic", tree::virt(1, tree::Interrupts::aplic).flatten());
    write("device_tree", "virt_imsic", tree::virt(2, tree::Interrupts::imsic).flatten());
    write_full_tree();
    write("device_tree", "sifive_u", tree::sifive_u().flatten());
}
