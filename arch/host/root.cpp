#include "arch/host/root.hpp"

#include "arch/host/engine.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/user.hpp"

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
    u32 type;
    u64 offset, address, file_size, memory_size;
};

void put_segment(std::vector<std::byte>& file, unsigned index, const SegmentHeader& segment) {
    constexpr u32 read_execute = 5;
    const std::size_t at = header_size + index * program_header_size;
    put(file, at, segment.type);
    put(file, at + 4, read_execute);
    put(file, at + 8, segment.offset);
    put(file, at + 16, segment.address);
    put(file, at + 24, segment.address);
    put(file, at + 32, segment.file_size);
    put(file, at + 40, segment.memory_size);
    put(file, at + 48, u64{page_size});
}

constexpr u32 load_segment = 1, dynamic_segment = 2;

// An executable of one segment: a page where programs have their addresses; the first is root's.
[[nodiscard]] std::vector<std::byte> root_image() {
    constexpr u16 executable = 2;
    std::vector<std::byte> file = elf_file(executable, code_base.raw(), 1);
    put_segment(file, 0, {load_segment, 0, code_base.raw(), 0, page_size});
    return file;
}

// What a linker makes of a supervisor actor: a page for programs, and a dynamic section, which says nothing.
// The second program is its.
[[nodiscard]] std::vector<std::byte> supervisor_image() {
    constexpr u16 shared = 3;
    constexpr u64 dynamic_size = 16;
    std::vector<std::byte> file = elf_file(shared, program_spacing, 2);
    const u64 dynamic = file.size();
    file.resize(dynamic + dynamic_size);
    put_segment(file, 0, {load_segment, 0, 0, file.size(), page_size});
    put_segment(file, 1, {dynamic_segment, dynamic, dynamic, dynamic_size, dynamic_size});
    return file;
}

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

Task<void> root(u64) {
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
