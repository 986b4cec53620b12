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

void write(const std::string& target, const std::string& name, boot::Bytes bytes) {
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

void write_executables() {
    using boot::elf::Image;
    Image image;
    image.entry = 0x400100;
    image.table[image.count++] = {.address = 0x400000,
                                  .memory_size = 0x1000,
                                  .file_offset = 0,
                                  .file_size = 0x200,
                                  .readable = true,
                                  .executable = true};
    write("elf", "text", fuzz::elf_file(image, boot::elf::machine_x86_64, 0x200));
    image.table[image.count++] = {.address = 0x402180,
                                  .memory_size = 0x3000,
                                  .file_offset = 0x180,
                                  .file_size = 0x80,
                                  .readable = true,
                                  .writable = true};
    image.thread_local_storage = boot::elf::ThreadLocal{
        .address = 0x402180, .file_offset = 0x180, .file_size = 0x20, .memory_size = 0x40, .alignment = 8};
    write("elf", "data_and_tls", fuzz::elf_file(image, boot::elf::machine_riscv, 0x200));
}

void write_archives() {
    const auto entry = [](const char* name, std::string_view data, unsigned mode) {
        char header[111];
        std::snprintf(header, sizeof header, "070701%08x%08x%032x%08zx%032x%08zx%08x", 1u, mode, 0u,
                      data.size(), 0u, std::strlen(name) + 1, 0u);
        std::string text = std::string{header} + name + '\0';
        text.resize(boot::align_up(text.size(), 4));
        text += data;
        text.resize(boot::align_up(text.size(), 4));
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
    write_tables("extended", acpi::ordinary_tables(), true);
    write_tables("old", acpi::ordinary_tables(), false);
    write("device_tree", "virt_plic", tree::virt(2).flatten());
    write("device_tree", "virt_aplic", tree::virt(1, tree::Interrupts::aplic).flatten());
    write("device_tree", "virt_imsic", tree::virt(2, tree::Interrupts::imsic).flatten());
    write_full_tree();
    write("device_tree", "sifive_u", tree::sifive_u().flatten());
}
