// Relocatable images: what relocate() writes for a good one, and that no damage makes it read or write
// elsewhere.
#include "formats/relocatable.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace chorale {
namespace {

constexpr u16 machine = 62;
constexpr RelocationKinds kinds{8, 1, 6, 7};
constexpr VirtAddr base{0xffff'e000'0010'0000};
constexpr uword outside = 0xffff'ffff'8020'0000; // where an exported symbol is

// Text at 0, tables at 0x1000, data at 0x2000; in the file a page behind.
class File {
  public:
    File() : bytes_(0x4000) {
        const unsigned char identity[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
        std::memcpy(bytes_.data(), identity, sizeof identity);
        put<u16>(16, 3);
        put<u16>(18, machine);
        put<u32>(20, 1);
        put<u64>(24, 0x10); // entry
        put<u64>(32, 64);
        put<u16>(52, 64);
        put<u16>(54, 56);
        put<u16>(56, 4);
        header(0, 1, 5, 0);
        header(1, 1, 4, 0x1000);
        header(2, 1, 6, 0x2000);
        header(3, 2, 6, 0x2800);
        std::memcpy(bytes_.data() + 0x2401, "threadSelf\0", 11);
        symbol(1, 1, 0, 0);      // undefined
        symbol(2, 1, 1, 0x2100); // the image's own
        relocation(0, 0x2000, 8, 0, 0x2100);
        relocation(1, 0x2008, 6, 1, 0);
        relocation(2, 0x2010, 1, 2, 4);
        relocation(3, 0x2018, 7, 1, 99);
        dynamic({{5, 0x1400},
                 {10, 64},
                 {6, 0x1200},
                 {11, 24},
                 {7, 0x1000},
                 {8, 72},
                 {9, 24},
                 {23, 0x1048},
                 {2, 24}});
    }

    template <class T>
    void put(std::size_t at, T value) {
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
    void symbol(unsigned number, u32 name, u16 section, u64 value) {
        const std::size_t at = 0x2200 + number * 24;
        put<u32>(at, name);
        put<u16>(at + 6, section);
        put<u64>(at + 8, value);
    }
    void relocation(unsigned number, u64 place, u32 kind, u64 symbol_number, u64 addend) {
        const std::size_t at = 0x2000 + number * 24;
        put<u64>(at, place);
        put<u64>(at + 8, symbol_number << 32 | kind);
        put<u64>(at + 16, addend);
    }
    void dynamic(const std::vector<std::pair<u64, u64>>& entries) {
        std::size_t at = 0x3800;
        for (const auto& [tag, value] : entries) {
            put<u64>(at, tag);
            put<u64>(at + 8, value);
            at += 16;
        }
    }
    [[nodiscard]] std::byte& at(std::size_t offset) { return bytes_[offset]; }
    [[nodiscard]] formats::Bytes bytes() const { return bytes_; }

  private:
    void header(unsigned number, u32 type, u32 flags, u64 address) {
        const std::size_t at = 64 + number * 56;
        put<u32>(at, type);
        put<u32>(at + 4, flags);
        put<u64>(at + 8, address + 0x1000);
        put<u64>(at + 16, address);
        put<u64>(at + 32, type == 2 ? 0x100 : 0x1000);
        put<u64>(at + 40, type == 2 ? 0x100 : 0x1000);
    }
    std::vector<std::byte> bytes_;
};

struct Outcome {
    ImageProblem problem;
    std::map<uword, u64> words;
};

[[nodiscard]] Outcome load(formats::Bytes file) {
    Outcome outcome;
    const ParsedImage parsed = parse_image(file, machine);
    outcome.problem = parsed.problem;
    if (parsed.problem.error != ImageError::none) return outcome;
    const auto resolve = [](std::string_view name) { return name == "threadSelf" ? outside : uword{0}; };
    outcome.problem = relocate(parsed.image, base, kinds, resolve, [&](VirtAddr at, u64 value) {
        outcome.words[at.raw()] = value;
        return true;
    });
    return outcome;
}

TEST(Image, RelocatesEveryKind) {
    const Outcome outcome = load(File{}.bytes());
    EXPECT_EQ(outcome.problem.error, ImageError::none);
    const std::map<uword, u64> wanted{{base.raw() + 0x2000, base.raw() + 0x2100},
                                      {base.raw() + 0x2008, outside},
                                      {base.raw() + 0x2010, base.raw() + 0x2104},
                                      {base.raw() + 0x2018, outside}};
    EXPECT_EQ(outcome.words, wanted);
}

TEST(Image, NamesTheSymbolThatIsMissing) {
    File file;
    file.at(0x2401) = std::byte{'T'};
    const Outcome outcome = load(file.bytes());
    EXPECT_EQ(outcome.problem.error, ImageError::missing_symbol);
    EXPECT_EQ(outcome.problem.name, "ThreadSelf");
}

TEST(Image, RefusesWhatItCannotDo) {
    const auto error_of = [](auto change) {
        File file;
        change(file);
        return load(file.bytes()).problem.error;
    };
    EXPECT_EQ(error_of([](File& f) { f.relocation(0, 0x2000, 5, 0, 0); }), ImageError::bad_relocation);
    EXPECT_EQ(error_of([](File& f) { f.relocation(0, 0x10, 8, 0, 0); }), ImageError::bad_place);
    EXPECT_EQ(error_of([](File& f) { f.relocation(0, 0x2ff9, 8, 0, 0); }), ImageError::bad_place);
    EXPECT_EQ(error_of([](File& f) { f.relocation(0, ~u64{0}, 8, 0, 0); }), ImageError::bad_place);
    EXPECT_EQ(error_of([](File& f) { f.relocation(1, 0x2008, 6, 1 << 20, 0); }), ImageError::bad_symbol);
    EXPECT_EQ(error_of([](File& f) { f.symbol(1, 63, 0, 0); }), ImageError::bad_symbol);
    EXPECT_EQ(error_of([](File& f) { f.symbol(2, 1, 1, 0x3001); }), ImageError::bad_symbol);
    EXPECT_EQ(error_of([](File& f) { f.dynamic({{5, 0x1fff}}); }), ImageError::bad_dynamic);
    EXPECT_EQ(error_of([](File& f) { f.dynamic({{1, 1}}); }), ImageError::needs_library);
    EXPECT_EQ(error_of([](File& f) { f.put<u32>(64 + 3 * 56, 0); }), ImageError::no_dynamic);
}

TEST(Image, BearsAnyDamage) {
    std::mt19937_64 random{7};
    for (unsigned round = 0; round < 3'000; ++round) {
        File file;
        for (unsigned changes = 0; changes <= round % 4; ++changes) {
            // Where something is: the headers and the tables.
            const std::size_t places[] = {random() % 288, 0x2000 + random() % 0x460, 0x3800 + random() % 160};
            file.at(places[random() % 3]) = static_cast<std::byte>(random());
        }
        const formats::Bytes bytes = file.bytes().first(random() % 8 == 0 ? random() % 0x4000 : 0x4000);
        const Outcome outcome = load(bytes);
        for (const auto& [address, value] : outcome.words) {
            ASSERT_GE(address, base.raw());
            ASSERT_LE(address, base.raw() + (u64{64} << 20) - sizeof(u64));
        }
    }
}

} // namespace
} // namespace chorale
