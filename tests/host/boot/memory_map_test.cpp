// The memory map against a model that keeps one flag for each small block of a small machine.
#include "kernel/boot/memory_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace chorale::boot {
namespace {

constexpr std::uint64_t page = MemoryMap::page_size;
constexpr std::uint32_t usable = FirmwareRange::usable;
constexpr std::uint32_t reserved = 2;
constexpr std::uint64_t most = ~std::uint64_t{0};

using Ranges = std::vector<MemoryRange>;

// The map is larger than a test should keep on its stack many times over, and must be reusable.
MemoryMap& map_of(const std::vector<FirmwareRange>& firmware, std::uint64_t limit = MemoryMap::address_end) {
    static MemoryMap map;
    map.assign(firmware, limit);
    return map;
}

Ranges list(const MemoryMap& map) { return {map.usable().begin(), map.usable().end()}; }

void expect_sound(const MemoryMap& map) {
    std::uint64_t last = 0;
    std::uint64_t bytes = 0;
    for (const MemoryRange& range : map.usable()) {
        EXPECT_LT(range.begin, range.end);
        EXPECT_EQ(range.begin % page, 0U);
        EXPECT_EQ(range.end % page, 0U);
        EXPECT_TRUE(last == 0 || range.begin > last);
        EXPECT_LE(range.end, MemoryMap::address_end);
        last = range.end;
        bytes += range.size();
    }
    EXPECT_EQ(bytes, map.usable_bytes());
    EXPECT_EQ(last, map.highest_address());
}

TEST(MemoryMap, ReadsAnOrdinaryMachine) {
    MemoryMap& map = map_of({{0, 0x9fc00, usable},
                             {0x9fc00, 0x400, reserved},
                             {0xf0000, 0x10000, reserved},
                             {0x100000, 0x1fee0000, usable},
                             {0x1ffe0000, 0x20000, 3},
                             {0xfffc0000, 0x40000, reserved}});
    EXPECT_EQ(list(map), (Ranges{{0, 0x9f000}, {0x100000, 0x1ffe0000}}));
    EXPECT_EQ(map.highest_address(), 0x1ffe0000U);
    EXPECT_EQ(map.usable_bytes(), 0x9f000U + 0x1fee0000U);
    EXPECT_EQ(map.bad_ranges(), 0U);
    EXPECT_EQ(map.lost_bytes(), 0U);
}

TEST(MemoryMap, EmptyIsEmpty) {
    EXPECT_TRUE(map_of({}).usable().empty());
    EXPECT_EQ(map_of({}).highest_address(), 0U);
    EXPECT_TRUE(map_of({{0x1000, 0, usable}}).usable().empty());
    EXPECT_TRUE(map_of({{0x1000, 0xfff, usable}}).usable().empty());
    EXPECT_TRUE(map_of({{0x1001, 0x1ffe, usable}}).usable().empty());
}

TEST(MemoryMap, SortsAndJoins) {
    EXPECT_EQ(list(map_of({{0x8000, 0x1000, usable}, {0x1000, 0x1000, usable}, {0x4000, 0x1000, usable}})),
              (Ranges{{0x1000, 0x2000}, {0x4000, 0x5000}, {0x8000, 0x9000}}));
    EXPECT_EQ(list(map_of({{0x3000, 0x1000, usable}, {0x1000, 0x1000, usable}, {0x2000, 0x1000, usable}})),
              (Ranges{{0x1000, 0x4000}}));
    EXPECT_EQ(list(map_of({{0x1000, 0x5000, usable}, {0x2000, 0x1000, usable}, {0x5000, 0x3000, usable}})),
              (Ranges{{0x1000, 0x8000}}));
    EXPECT_EQ(list(map_of({{0x1000, 0x1000, usable},
                           {0x3000, 0x1000, usable},
                           {0x5000, 0x1000, usable},
                           {0x1800, 0x4000, usable}})),
              (Ranges{{0x1000, 0x6000}}));
}

TEST(MemoryMap, JoinsBeforeItRounds) {
    EXPECT_EQ(list(map_of({{0x1000, 0x800, usable}, {0x1800, 0x800, usable}})), (Ranges{{0x1000, 0x2000}}));
    EXPECT_EQ(list(map_of({{0x1000, 0x7ff, usable}, {0x1800, 0x800, usable}})), Ranges{});
}

TEST(MemoryMap, ReservedWinsWhateverTheOrder) {
    const FirmwareRange all{0x1000, 0x9000, usable};
    const FirmwareRange hole{0x3800, 0x1000, reserved};
    const Ranges expected{{0x1000, 0x3000}, {0x5000, 0xa000}};
    EXPECT_EQ(list(map_of({all, hole})), expected);
    EXPECT_EQ(list(map_of({hole, all})), expected);
    EXPECT_EQ(list(map_of({all, {0x3800, 0x1000, 0}})), expected);
    EXPECT_EQ(list(map_of({all, {0x3800, 0x1000, 0xffff'ffff}})), expected);
    EXPECT_EQ(list(map_of({all, {0, most, reserved}})), Ranges{});
}

TEST(MemoryMap, DistrustsRangesThatWrap) {
    MemoryMap& map =
        map_of({{0x1000, 0x1000, usable}, {most - 0xfff, 0x2000, usable}, {0x5000, most, usable}});
    EXPECT_EQ(list(map), (Ranges{{0x1000, 0x2000}}));
    EXPECT_EQ(map.bad_ranges(), 2U);
    EXPECT_EQ(list(map_of({{0x1000, 0x8000, usable}, {0x4000, most, reserved}})), (Ranges{{0x1000, 0x4000}}));
    EXPECT_EQ(list(map_of({{0x1000, 0x8000, usable}, {most, most, reserved}})), (Ranges{{0x1000, 0x9000}}));
    EXPECT_EQ(list(map_of({{most, 1, usable}, {0, most, usable}})), (Ranges{{0, MemoryMap::address_end}}));
}

TEST(MemoryMap, EndsAtTheLimit) {
    MemoryMap& map = map_of({{0x1000, 0x5000, usable}, {0x10000, 0x1000, usable}}, 0x4800);
    EXPECT_EQ(list(map), (Ranges{{0x1000, 0x4000}}));
    EXPECT_EQ(map.bad_ranges(), 2U);
    EXPECT_EQ(map_of({{0, most, usable}}, most).highest_address(), MemoryMap::address_end);
    EXPECT_TRUE(map_of({{0, most, usable}}, 0).usable().empty());
}

TEST(MemoryMap, ReservesWholePages) {
    MemoryMap& map = map_of({{0, 0x10000, usable}});
    map.reserve(0x2fff, 2);
    EXPECT_EQ(list(map), (Ranges{{0, 0x2000}, {0x4000, 0x10000}}));
    map.reserve(0, 0x1001);
    EXPECT_EQ(list(map), (Ranges{{0x4000, 0x10000}}));
    map.reserve(0xf000, most);
    EXPECT_EQ(list(map), (Ranges{{0x4000, 0xf000}}));
    map.reserve(0x8000, 0);
    map.reserve(most, most);
    map.reserve(0x20000, 0x1000);
    EXPECT_EQ(list(map), (Ranges{{0x4000, 0xf000}}));
    map.reserve(0, most);
    EXPECT_TRUE(map.usable().empty());
    map.reserve(0, most);
    EXPECT_TRUE(map.usable().empty());
}

TEST(MemoryMap, ReservesAcrossRanges) {
    MemoryMap& map = map_of({{0x1000, 0x2000, usable}, {0x4000, 0x1000, usable}, {0x6000, 0x2000, usable}});
    map.reserve(0x2000, 0x5000);
    EXPECT_EQ(list(map), (Ranges{{0x1000, 0x2000}, {0x7000, 0x8000}}));
}

TEST(MemoryMap, CountsWhatAFullTableLoses) {
    std::vector<FirmwareRange> firmware;
    for (std::uint64_t i = 0; i < MemoryMap::capacity + 3; ++i)
        firmware.push_back({i * 4 * page, 3 * page, usable});
    MemoryMap& map = map_of(firmware);
    EXPECT_EQ(map.usable().size(), MemoryMap::capacity);
    EXPECT_EQ(map.lost_bytes(), 9 * page);
    expect_sound(map);

    // The hole splits a range of three pages; no room for both parts.
    map.reserve(page, 1);
    EXPECT_EQ(map.usable().size(), MemoryMap::capacity);
    EXPECT_EQ(map.lost_bytes(), 10 * page);
    expect_sound(map);
    map_of({});
    EXPECT_EQ(map.lost_bytes(), 0U);
}

TEST(MemoryMap, AFullTableKeepsTheLargerPart) {
    std::vector<FirmwareRange> firmware;
    for (std::uint64_t i = 0; i < MemoryMap::capacity; ++i)
        firmware.push_back({i * 8 * page, 7 * page, usable});
    MemoryMap& map = map_of(firmware);
    map.reserve(page, page);
    EXPECT_EQ(map.usable()[0], (MemoryRange{2 * page, 7 * page}));
    map.reserve(13 * page, page);
    EXPECT_EQ(map.usable()[1], (MemoryRange{8 * page, 13 * page}));
    EXPECT_EQ(map.lost_bytes(), 2 * page);
}

// One flag for each quarter of a page.
class Model {
  public:
    static constexpr std::uint64_t block = page / 4;
    static constexpr std::uint64_t blocks = 4 * 64;

    void set(std::uint64_t first, std::uint64_t count, bool value) {
        for (std::uint64_t i = first; i < first + count && i < blocks; ++i) free_[i] = value;
    }
    [[nodiscard]] bool page_free(std::uint64_t index) const {
        return std::all_of(&free_[index * 4], &free_[index * 4 + 4], [](bool free) { return free; });
    }

  private:
    bool free_[blocks] = {};
};

TEST(MemoryMap, AgreesWithAModel) {
    std::mt19937_64 random{4};
    for (int round = 0; round < 3000; ++round) {
        Model model;
        std::vector<FirmwareRange> firmware;
        for (std::uint64_t i = random() % 12; i > 0; --i)
            firmware.push_back(
                {random() % Model::blocks, random() % 40, random() % 3 == 0 ? reserved : usable});
        for (const FirmwareRange& range : firmware)
            if (range.type == usable) model.set(range.base, range.length, true);
        for (const FirmwareRange& range : firmware)
            if (range.type != usable) model.set(range.base, range.length, false);
        for (FirmwareRange& range : firmware) {
            range.base *= Model::block;
            range.length *= Model::block;
        }
        MemoryMap& map = map_of(firmware, 64 * page);
        for (std::uint64_t i = random() % 4; i > 0; --i) {
            const std::uint64_t base = random() % Model::blocks;
            const std::uint64_t length = random() % 20;
            map.reserve(base * Model::block, length * Model::block);
            model.set(base, length, false);
        }
        expect_sound(map);
        for (std::uint64_t i = 0; i < 64; ++i) {
            const bool held = std::ranges::any_of(map.usable(), [i](const MemoryRange& range) {
                return range.begin <= i * page && i * page < range.end;
            });
            ASSERT_EQ(held, model.page_free(i)) << "round " << round << " page " << i;
        }
    }
}

TEST(MemoryMap, SurvivesExtremes) {
    std::mt19937_64 random{5};
    const auto extreme = [&random] {
        const std::uint64_t base = std::uint64_t{1} << random() % 64;
        switch (random() % 4) {
        case 0:
            return base;
        case 1:
            return base - 1;
        case 2:
            return ~base;
        default:
            return random();
        }
    };
    for (int round = 0; round < 3000; ++round) {
        std::vector<FirmwareRange> firmware;
        for (std::uint64_t i = random() % 400; i > 0; --i)
            firmware.push_back({extreme(), extreme(), random() % 4 == 0 ? reserved : usable});
        MemoryMap& map = map_of(firmware, extreme());
        map.reserve(extreme(), extreme());
        expect_sound(map);
    }
}

} // namespace
} // namespace chorale::boot
