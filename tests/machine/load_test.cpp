// Boot actors: executables of a bank, good ones and bad ones, with and without memory for them.
#include "kernel/base/log.hpp"
#include "kernel/main/load.hpp"

#include "arch/host/root.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <cstdio>
#include <cstring>

namespace chorale::test {

namespace {

using namespace host;

constexpr u32 readable = 4, writable = 2, executable = 1;

struct Part {
    u64 address, size;
    u32 flags;
};

template <class T>
void add(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// An executable with those segments, each of them with a few bytes of file.
[[nodiscard]] std::string program(u64 entry, const std::vector<Part>& parts) {
    constexpr u64 header = 64, program_header = 56;
    std::string file{"\177ELF\2\1\1", 7};
    file.resize(16);
    add(file, u16{2});
    add(file, machine::elf_machine);
    add(file, u32{1});
    add(file, entry);
    add(file, header);
    add(file, u64{0});
    add(file, u32{0});
    for (const u64 value : {header, program_header, u64{parts.size()}, u64{0}, u64{0}, u64{0}})
        add(file, static_cast<u16>(value));
    for (const Part& part : parts) {
        add(file, u32{1});
        add(file, part.flags);
        for (const u64 value : {u64{0}, part.address, part.address, u64{16}, part.size, u64{page_size}})
            add(file, value);
    }
    return file;
}

// An archive of files by name.
[[nodiscard]] std::string archive(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string all;
    const auto pad = [&] { all.resize((all.size() + 3) / 4 * 4); };
    const auto entry = [&](const std::string& name, const std::string& data, unsigned mode) {
        char header[111];
        std::snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u,
                      mode, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u, 0u, 0u, 0u,
                      static_cast<unsigned>(name.size() + 1), 0u);
        all += header + name;
        all += '\0';
        pad();
        all += data;
        pad();
    };
    for (const auto& [name, data] : files) entry(name, data, 0100755);
    entry("TRAILER!!!", "", 0);
    return all;
}

[[nodiscard]] Task<void> end_at_once() { co_return; }

// The actors that were not there before go again.
[[nodiscard]] Task<void> remove_new_actors(std::vector<Actor*> old) {
    for (unsigned i = 0; i < actor_limit; ++i) {
        Actor* const actor = actor_at(i);
        if (actor == nullptr || std::find(old.begin(), old.end(), actor) != old.end()) continue;
        co_await remove_actor(actor->capability);
    }
}

struct Result {
    Loaded loaded;
    std::string said;
};

// Loads a bank in the running system; what it said.
[[nodiscard]] Result load(const std::function<std::string(u64 entry)>& make, const std::string& wanted = "",
                          u64 refused = 0) {
    Result result{};
    const Program scenario = [&](u64) -> Task<void> {
        const u64 entry = add_program([](u64) { return end_at_once(); }).raw();
        const std::string bank = make(entry);
        std::vector<Actor*> old;
        for (unsigned i = 0; i < actor_limit; ++i) old.push_back(actor_at(i));
        testing::internal::CaptureStdout();
        fail_allocation_after(refused);
        result.loaded = load_bank({reinterpret_cast<const std::byte*>(bank.data()), bank.size()}, wanted);
        console_flush(); // what is still to be said
        result.said = testing::internal::GetCapturedStdout();
        co_await sleep(millisecond); // they run
        co_await remove_new_actors(old);
    };
    for (const std::string& finding : run_once(scenario, plain_chooser())) ADD_FAILURE() << finding;
    return result;
}

[[nodiscard]] std::string good(u64 entry) {
    return program(entry, {{code_base.raw(), page_size, readable | executable},
                           {0x60'0000, 3 * page_size, readable | writable}});
}

// A supervisor actor that begins with that program of the page that it, too, has.
[[nodiscard]] std::string supervisor_program(u64 entry) {
    const std::vector<std::byte> image = supervisor_image();
    std::string file{reinterpret_cast<const char*>(image.data()), image.size()};
    const u64 offset = entry - code_base.raw();
    std::memcpy(file.data() + 24, &offset, sizeof offset);
    return file;
}

} // namespace

TEST(Load, all_programs) {
    const Result all = load([](u64 entry) {
        return archive({{"first", good(entry)}, {"data.txt", "no program"}, {"second", good(entry)}});
    });
    EXPECT_EQ(all.loaded.running, 2u);
    EXPECT_TRUE(all.loaded.as_wanted);
    EXPECT_NE(all.said.find("actor second loaded: 16 KiB, priority 101"), std::string::npos) << all.said;
}

TEST(Load, named_programs) {
    const auto bank = [](u64 entry) { return archive({{"first", good(entry)}, {"second", good(entry)}}); };
    const Result one = load(bank, "second");
    EXPECT_EQ(one.loaded.running, 1u);
    EXPECT_TRUE(one.loaded.as_wanted);
    const Result missing = load(bank, ",first,,third");
    EXPECT_EQ(missing.loaded.running, 1u);
    EXPECT_FALSE(missing.loaded.as_wanted);
    EXPECT_NE(missing.said.find("run=third: no such program"), std::string::npos) << missing.said;
}

TEST(Load, bad_programs) {
    const Result bad = load([](u64 entry) {
        // Pages that two segments share, and what is no executable.
        const std::string shared = program(entry, {{code_base.raw(), 2048, readable | executable},
                                                   {code_base.raw() + 2048, 2048, readable | writable}});
        return archive({{"text", "not an executable"}, {"shared", shared}, {"good", good(entry)}});
    });
    EXPECT_EQ(bad.loaded.running, 1u);
    EXPECT_TRUE(bad.loaded.as_wanted);
    EXPECT_NE(bad.said.find("actor text: not loaded"), std::string::npos) << bad.said;
    EXPECT_NE(bad.said.find("actor shared: not loaded"), std::string::npos) << bad.said;
    const Result wanted = load([](u64) { return archive({{"text", "not an executable"}}); }, "text");
    EXPECT_FALSE(wanted.loaded.as_wanted);
}

TEST(Load, damaged_bank) {
    const Result damaged = load([](u64 entry) {
        std::string bank = archive({{"first", good(entry)}, {"second", good(entry)}});
        bank.resize(bank.size() / 2);
        return bank;
    });
    EXPECT_NE(damaged.said.find("bank: "), std::string::npos) << damaged.said;
}

// Refuses one allocation after the other until none is left; how many there were.
[[nodiscard]] static u64 refuse_each(const std::string& file, std::string (*make)(u64 entry)) {
    for (u64 n = 1;; ++n) {
        const Result run = load([&](u64 entry) { return archive({{file, make(entry)}}); }, "", n);
        const bool refused = run.said.find("allocation refused") != std::string::npos;
        fail_allocation_after(0);
        if (!refused || testing::Test::HasFailure()) return n - 1;
        EXPECT_EQ(run.loaded.running, 0u) << n;
        EXPECT_NE(run.said.find("actor only: not loaded: no memory"), std::string::npos) << run.said;
    }
}

TEST(Load, each_allocation_refused) {
    EXPECT_GT(refuse_each("only", good), 8u);
    EXPECT_GE(refuse_each("only.r", supervisor_program), 8u);
}

TEST(Load, supervisor_programs) {
    const Result good = load([](u64 entry) {
        return archive({{"one.r", supervisor_program(entry)}, {"two.r", supervisor_program(entry)}});
    });
    EXPECT_EQ(good.loaded.running, 2u);
    EXPECT_NE(good.said.find("actor two loaded: 8 KiB, priority 101, supervisor"), std::string::npos);
}

TEST(Load, bad_supervisor_programs) {
    struct Damage {
        std::size_t at;
        u8 byte;
        const char* said;
    };
    constexpr std::size_t segments = 56, name = 0x101, place = 0x300, kind = 0x308;
    constexpr std::size_t memory_size = 64 + 56 + 40 + 3, data_address = 64 + 56 + 16 + 1; // of segments
    const Damage damages[] = {
        {0, 0, "actor bad: not loaded: not an ELF file"},
        {segments, 2, "actor bad: not loaded: no dynamic section"},
        {name, 'X', "actor bad: not loaded: the nucleus has no symbol XhreadSelf"},
        {place, 8, ", supervisor"}, // another word of its data
        {place + 1, 0, "actor bad: not loaded: relocation outside writable data"},
        {kind, 99, "actor bad: not loaded: unknown kind of relocation"},
        {memory_size, 4, "actor bad: not loaded: "}, // more than any image
        {data_address, 0, "actor bad: not loaded: "}, // where its programs are
    };
    for (const Damage& damage : damages) {
        const Result bad = load([&](u64 entry) {
            std::string file = supervisor_program(entry);
            file[damage.at] = static_cast<char>(damage.byte);
            return archive({{"bad.r", file}});
        });
        EXPECT_NE(bad.said.find(damage.said), std::string::npos) << damage.at << ": " << bad.said;
    }
}

} // namespace chorale::test
