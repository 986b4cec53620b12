#include "arch/host/root.hpp"

#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/user.hpp"
#include "kernel/core/per_cpu.hpp"

#include <machine/supervisor.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>

namespace chorale::host {

namespace {

constexpr long rest = 1'000'000; // nanoseconds between two looks for a scenario

std::atomic<bool> resting{
    false}; // seq_cst throughout: written by root's CPU, read by the thread that runs it
std::atomic<bool> posted{false};
Program scenario;
std::atomic<Thread*> own_thread; // relaxed wherever it is used: set once a boot, by the first thread there is
std::vector<std::pair<std::string, std::vector<std::byte>>> more_files;

template <class T>
void put(std::vector<std::byte>& to, std::size_t at, T value) {
    std::memcpy(to.data() + at, &value, sizeof value);
}

constexpr std::size_t header_size = 64, program_header_size = 56;

// With room for the program headers.
[[nodiscard]] std::vector<std::byte> elf_file(u16 type, u64 entry, u16 segments) {
    std::vector<std::byte> file(header_size + segments * program_header_size);
    std::memcpy(file.data(),
                "\x7f"
                "ELF\2\1\1",
                7);
    put(file, 16, type);
    put(file, 18, machine::elf_machine);
    put(file, 20, u32{1});
    put(file, 24, entry);
    put(file, 32, u64{header_size});
    put(file, 52, u16{header_size});
    put(file, 54, u16{program_header_size});
    put(file, 56, segments);
    return file;
}

struct SegmentHeader {
    u32 type, access;
    u64 offset, address, file_size, memory_size;
};

void put_segment(std::vector<std::byte>& file, unsigned index, const SegmentHeader& segment) {
    const std::size_t at = header_size + index * program_header_size;
    put(file, at, segment.type);
    put(file, at + 4, segment.access);
    put(file, at + 8, segment.offset);
    put(file, at + 16, segment.address);
    put(file, at + 24, segment.address);
    put(file, at + 32, segment.file_size);
    put(file, at + 40, segment.memory_size);
    put(file, at + 48, u64{page_size});
}

constexpr u32 load_segment = 1, dynamic_segment = 2, read_execute = 5, read_write = 6;

// An executable of one segment: a page where programs have their addresses; the first is root's.
[[nodiscard]] std::vector<std::byte> root_image() {
    constexpr u16 executable = 2;
    std::vector<std::byte> file = elf_file(executable, code_base.raw(), 1);
    put_segment(file, 0, {load_segment, read_execute, 0, code_base.raw(), 0, page_size});
    return file;
}

} // namespace

// Programs, the linker's tables behind the headers, and a page of data with two words: the nucleus's gate for
// threadSelf, and where the image begins.
std::vector<std::byte> supervisor_image() {
    constexpr u16 shared = 3;
    constexpr u64 names = 0x100, symbols = 0x200, relocations = 0x300, dynamic = 0x400, data = page_size;
    constexpr u64 symbol_size = 24, relocation_size = 24, word = sizeof(u64);
    constexpr std::string_view name = "threadSelf";
    // Tags of the ELF specification: names and their size, symbols, relocations.
    const std::array<std::array<u64, 2>, 8> tags{{{5, names},
                                                  {10, name.size() + 2},
                                                  {6, symbols},
                                                  {11, symbol_size},
                                                  {7, relocations},
                                                  {8, 2 * relocation_size},
                                                  {9, relocation_size},
                                                  {0, 0}}};
    std::vector<std::byte> file = elf_file(shared, program_spacing, 3);
    file.resize(data + 2 * word);
    put_segment(file, 0, {load_segment, read_execute, 0, 0, page_size, page_size});
    put_segment(file, 1, {load_segment, read_write, data, data, 2 * word, page_size});
    put_segment(file, 2, {dynamic_segment, read_execute, dynamic, dynamic, sizeof tags, sizeof tags});
    std::memcpy(file.data() + names + 1, name.data(), name.size());
    put(file, symbols + symbol_size, u32{1}); // its name; undefined
    put(file, relocations, data);
    put(file, relocations + word, u64{1} << 32 | machine::relocation_global);
    put(file, relocations + relocation_size, data + word);
    put(file, relocations + relocation_size + word, u64{machine::relocation_relative});
    std::memcpy(file.data() + dynamic, tags.data(), sizeof tags);
    return file;
}

namespace {

void pad(std::string& archive) { archive.resize((archive.size() + 3) / 4 * 4); }

void add_entry(std::string& archive, const std::string& name, const std::vector<std::byte>& data) {
    constexpr unsigned regular = 0100755;
    char header[111];
    std::snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u,
                  name == "TRAILER!!!" ? 0u : regular, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u,
                  0u, 0u, 0u, static_cast<unsigned>(name.size() + 1), 0u);
    archive += header;
    archive += name;
    archive += '\0';
    pad(archive);
    archive.append(reinterpret_cast<const char*>(data.data()), data.size());
    pad(archive);
}

} // namespace

std::vector<std::byte> root_bank(bool supervisor) {
    own_thread.store(nullptr, std::memory_order_relaxed);
    std::string archive;
    add_entry(archive, "root", root_image());
    if (supervisor) add_entry(archive, "supervisor.r", supervisor_image());
    for (const auto& [name, data] : more_files) add_entry(archive, name, data);
    add_entry(archive, "TRAILER!!!", {});
    const auto* const bytes = reinterpret_cast<const std::byte*>(archive.data());
    return {bytes, bytes + archive.size()};
}

void put_in_bank(std::string name, std::string_view text) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());
    more_files.emplace_back(std::move(name), std::vector<std::byte>{bytes, bytes + text.size()});
}

// The program of a thread that says when a scenario has ended. Others may jump to its address: for them there
// is nothing to do.
Task<void> root(u64) {
    Thread* nobody = nullptr;
    if (!own_thread.compare_exchange_strong(nobody, chorale::this_cpu().current, std::memory_order_relaxed))
        co_return;
    Local<KnTimeVal> time;
    co_await time.set({0, rest});
    for (;;) {
        if (posted.exchange(false)) {
            resting = false;
            co_await scenario(0);
        }
        resting = true;
        co_await call(Call::threadDelay, time.at());
    }
}

bool scenario_finished() { return resting && !posted; }

Outcome run(Program wanted) {
    const unsigned kept = program_count();
    scenario = std::move(wanted);
    posted = true;
    const Outcome outcome = engine().go();
    if (outcome == Outcome::finished) {
        scenario = nullptr;
        forget_programs(kept);
    }
    return outcome;
}

} // namespace chorale::host
