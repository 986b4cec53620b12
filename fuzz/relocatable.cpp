// Images of supervisor actors: what is read of one lies in the file, what relocation writes lies in writable
// data, and another base moves what belongs to the image, and nothing else.
#include "formats/relocatable.hpp"

#include "fuzz/target.hpp"

#include <algorithm>
#include <vector>

namespace chorale::fuzz {
namespace {

constexpr std::size_t relocation_size = 24;
constexpr RelocationKinds kinds_x86_64{8, 1, 6, 7}, kinds_riscv{3, 2, 2, 5};
constexpr VirtAddr base{0xffff'e000'0010'0000}, other_base{0xffff'e000'0210'3000};
constexpr uword distance = other_base.raw() - base.raw();

formats::Bytes whole_file; // for resolve(), which has no context

// An exported symbol's address follows from its name; some names are nobody's.
[[nodiscard]] uword resolve(std::string_view name) {
    must(inside(name, whole_file), "a name lies in the file");
    must(!name.empty() && name.size() < RelocatableImage::name_limit, "its length");
    must(name.find('\0') == name.npos, "its end");
    uword sum = 0x8000'0000;
    for (const char each : name) sum = sum * 31 + static_cast<unsigned char>(each);
    return name.front() == '!' ? 0 : sum | 1;
}

struct Written {
    uword place;
    u64 value;
};
struct Outcome {
    ImageProblem problem;
    std::vector<Written> words; // places from the base on
};

[[nodiscard]] Outcome relocate_at(const RelocatableImage& image, const RelocationKinds& kinds, VirtAddr at) {
    Outcome outcome;
    outcome.problem = relocate(image, at, kinds, resolve, [&](VirtAddr place, u64 value) {
        outcome.words.push_back({place.raw() - at.raw(), value});
        return true;
    });
    return outcome;
}

void check_image(const RelocatableImage& image, formats::Bytes file) {
    must(image.size != 0 && image.size % 4096 == 0 && image.size <= u64{64} << 20, "the size");
    must(image.entry < image.size, "the entry");
    for (const formats::Bytes table : {image.symbols, image.names, image.relocations, image.plt_relocations})
        must(inside(table, file), "a table lies in the file");
    must(image.relocations.size() % relocation_size == 0 &&
             image.plt_relocations.size() % relocation_size == 0,
         "whole relocations");
}

void check_relocation(const RelocatableImage& image, const RelocationKinds& kinds) {
    const Outcome one = relocate_at(image, kinds, base), two = relocate_at(image, kinds, other_base);
    must(one.problem.error == two.problem.error && one.problem.name == two.problem.name, "the same end");
    must(!text(one.problem).empty(), "a problem has a text");
    const std::size_t all = (image.relocations.size() + image.plt_relocations.size()) / relocation_size;
    must(one.problem.error == ImageError::none ? one.words.size() == all : one.words.size() < all,
         "each relocation once, up to the first bad one");
    must(one.words.size() == two.words.size(), "as many");
    for (std::size_t i = 0; i < one.words.size(); ++i) {
        const uword place = one.words[i].place;
        must(place == two.words[i].place, "the same places");
        must(std::ranges::any_of(image.elf.segments(),
                                 [&](const formats::elf::Segment& segment) {
                                     return segment.writable && place >= segment.address &&
                                            formats::fits(place - segment.address, sizeof(u64),
                                                          segment.memory_size);
                                 }),
             "a place lies in writable data");
        const u64 moved = two.words[i].value - one.words[i].value;
        must(moved == 0 || moved == distance, "a value moves with the image or not at all");
    }
    // Memory that gives out ends it there.
    unsigned left = 1;
    const ImageProblem short_of =
        relocate(image, base, kinds, resolve, [&](VirtAddr, u64) { return left-- != 0; });
    must(one.words.size() < 2 || short_of.error == ImageError::no_memory, "no memory");
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    whole_file = bytes_of(data, size);
    for (const std::uint16_t machine :
         {chorale::formats::elf::machine_x86_64, chorale::formats::elf::machine_riscv}) {
        const chorale::ParsedImage parsed = chorale::parse_image(whole_file, machine);
        must(!text(parsed.problem).empty(), "a problem has a text");
        if (parsed.problem.error != chorale::ImageError::none) continue;
        check_image(parsed.image, whole_file);
        check_relocation(parsed.image,
                         machine == chorale::formats::elf::machine_riscv ? kinds_riscv : kinds_x86_64);
    }
    return 0;
}

// Mostly one word of the tables or one field of a program header, where fuzz/seeds.cpp puts them.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    constexpr std::size_t tables = 0x200, program_headers = 64, header_size = 56, relocation_words = 9;
    if (size < tables + 64 || chance.one_in(4)) return LLVMFuzzerMutate(data, size, limit);
    const std::size_t words = (size - tables) / 8;
    const std::size_t at = chance.one_in(4)
                               ? program_headers + header_size * chance.below(4) + 8 * chance.below(7)
                               : tables + 8 * chance.below(chance.one_in(2) ? relocation_words : words);
    std::uint64_t old = 0;
    std::memcpy(&old, data + at, 8);
    const std::uint64_t near[] = {old + 1,      old - 1,   old + 8,          old - 24,
                                  old + 0x1000, old << 32, chance.below(32), chance.number()};
    const std::uint64_t value = near[chance.below(8)];
    std::memcpy(data + at, &value, 8);
    return size;
}
