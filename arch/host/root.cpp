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

// An executable of one segment: a page where programs have their addresses.
[[nodiscard]] std::vector<std::byte> root_image() {
    constexpr std::size_t header = 64, program_header = 56;
    constexpr u16 executable = 2;
    constexpr u32 load = 1, read_execute = 5;
    std::vector<std::byte> file(header + program_header);
    std::memcpy(file.data(),
                "\x7f"
                "ELF\2\1\1",
                7);
    put(file, 16, executable);
    put(file, 18, machine::elf_machine);
    put(file, 20, u32{1});
    put(file, 24, code_base.raw()); // the first program is root's
    put(file, 32, u64{header});
    put(file, 52, u16{header});
    put(file, 54, u16{program_header});
    put(file, 56, u16{1});
    put(file, header, load);
    put(file, header + 4, read_execute);
    put(file, header + 16, code_base.raw());
    put(file, header + 24, code_base.raw());
    put(file, header + 40, u64{page_size});
    put(file, header + 48, u64{page_size});
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

std::vector<std::byte> root_bank() {
    std::string archive;
    add_entry(archive, "root", root_image());
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
