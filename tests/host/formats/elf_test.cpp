// The ELF reader against a small good executable and every way of spoiling it.
#include "formats/elf.hpp"

#include "tests/host/formats/blob.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace chorale::formats::elf {
namespace {

using test::Blob;
using test::Exact;

constexpr Limits limits{.machine = machine_x86_64};
constexpr std::size_t file_size = 0x3000;

struct Row {
    std::uint32_t type = 1;
    std::uint32_t flags = 4;
    std::uint64_t offset = 0;
    std::uint64_t address = 0;
    std::uint64_t in_file = 0;
    std::uint64_t in_memory = 0;
    std::uint64_t alignment = 0x1000;
};

constexpr std::uint32_t tls_type = 7;
constexpr std::uint32_t stack_type = 0x6474'e551;

const Row text_row{.flags = 5, .offset = 0x1000, .address = 0x401000, .in_file = 0x800, .in_memory = 0x800};
const Row data_row{.flags = 6, .offset = 0x2010, .address = 0x403010, .in_file = 0x100, .in_memory = 0x2000};
const Row tls_row{.type = tls_type,
                  .offset = 0x2010,
                  .address = 0x403010,
                  .in_file = 0x20,
                  .in_memory = 0x60,
                  .alignment = 16};
const Row stack_row{.type = stack_type, .flags = 6, .alignment = 16};

Blob build(const std::vector<Row>& rows, std::uint64_t entry = 0x401004) {
    Blob blob{file_size};
    blob.put_text(0, "\x7f"
                     "ELF")
        .put<std::uint8_t>(4, 2)
        .put<std::uint8_t>(5, 1)
        .put<std::uint8_t>(6, 1);
    blob.put<std::uint16_t>(16, 2).put<std::uint16_t>(18, machine_x86_64).put<std::uint32_t>(20, 1);
    blob.put<std::uint64_t>(24, entry).put<std::uint64_t>(32, 64);
    blob.put<std::uint16_t>(52, 64).put<std::uint16_t>(54, 56);
    blob.put(56, static_cast<std::uint16_t>(rows.size()));
    std::size_t at = 64;
    for (const Row& row : rows) {
        blob.put(at, row.type).put(at + 4, row.flags).put(at + 8, row.offset).put(at + 16, row.address);
        blob.put(at + 24, row.address).put(at + 32, row.in_file).put(at + 40, row.in_memory);
        blob.put(at + 48, row.alignment);
        at += 56;
    }
    return blob;
}

Blob sample() { return build({text_row, data_row, tls_row, stack_row}); }

std::expected<Image, Problem> parse_exact(const Blob& blob, const Limits& with = limits) {
    return parse(Exact{blob.view()}.view(), with);
}

void expect_error(const Blob& blob, Error error, int line, const Limits& with = limits) {
    const auto image = parse_exact(blob, with);
    ASSERT_FALSE(image) << "line " << line;
    EXPECT_EQ(text(image.error().error), text(error)) << "line " << line;
}

// What the invariant in elf.hpp promises to the code that maps the segments.
void expect_sound(const Image& image, std::size_t size) {
    std::uint64_t pages = 0;
    bool entry_found = false;
    for (const Segment& segment : image.segments()) {
        EXPECT_TRUE(fits(segment.file_offset, segment.file_size, size));
        EXPECT_LE(segment.file_size, segment.memory_size);
        EXPECT_GE(segment.page_begin(), limits.address_begin);
        EXPECT_GT(segment.end(), segment.address);
        EXPECT_LE(segment.page_end(), limits.address_end);
        EXPECT_FALSE(segment.writable && segment.executable);
        pages += segment.page_end() - segment.page_begin();
        entry_found |= segment.executable && image.entry >= segment.address && image.entry < segment.end();
        for (const Segment& other : image.segments()) {
            if (&other != &segment) {
                EXPECT_TRUE(segment.page_end() <= other.page_begin() ||
                            other.page_end() <= segment.page_begin());
            }
        }
    }
    EXPECT_TRUE(entry_found);
    EXPECT_EQ(pages, image.memory_size);
    EXPECT_LE(pages, limits.memory_limit);
    if (image.thread_local_storage) {
        EXPECT_TRUE(
            fits(image.thread_local_storage->file_offset, image.thread_local_storage->file_size, size));
        EXPECT_TRUE(std::has_single_bit(image.thread_local_storage->alignment));
    }
}

TEST(Elf, ReadsAGoodExecutable) {
    const auto image = parse_exact(sample());
    ASSERT_TRUE(image);
    expect_sound(*image, file_size);
    EXPECT_EQ(image->entry, 0x401004U);
    ASSERT_EQ(image->segments().size(), 2U);
    const Segment& code = image->segments()[0];
    EXPECT_TRUE(code.readable && code.executable && !code.writable);
    EXPECT_EQ(code.file_offset, 0x1000U);
    const Segment& data = image->segments()[1];
    EXPECT_TRUE(data.readable && data.writable && !data.executable);
    EXPECT_EQ(data.page_begin(), 0x403000U);
    EXPECT_EQ(data.page_end(), 0x406000U);
    EXPECT_EQ(data.memory_size, 0x2000U);
    EXPECT_EQ(image->memory_size, 0x4000U);
}

TEST(Elf, ShowsThreadLocalStorage) {
    const auto image = parse_exact(sample());
    ASSERT_TRUE(image && image->thread_local_storage);
    EXPECT_EQ(image->thread_local_storage->address, 0x403010U);
    EXPECT_EQ(image->thread_local_storage->file_size, 0x20U);
    EXPECT_EQ(image->thread_local_storage->memory_size, 0x60U);
    EXPECT_EQ(image->thread_local_storage->alignment, 16U);
    EXPECT_FALSE(parse_exact(build({text_row}))->thread_local_storage);
}

TEST(Elf, ChecksTheHeader) {
    expect_error(Blob{}, Error::truncated_header, __LINE__);
    expect_error(sample().put<std::uint8_t>(0, 0), Error::bad_magic, __LINE__);
    expect_error(sample().put<std::uint8_t>(4, 1), Error::not_elf64, __LINE__);
    expect_error(sample().put<std::uint8_t>(5, 2), Error::not_little_endian, __LINE__);
    expect_error(sample().put<std::uint8_t>(6, 0), Error::bad_version, __LINE__);
    expect_error(sample().put<std::uint32_t>(20, 2), Error::bad_version, __LINE__);
    expect_error(sample().put<std::uint8_t>(7, 9), Error::bad_abi, __LINE__);
    expect_error(sample().put<std::uint16_t>(16, 3), Error::wrong_type, __LINE__);
    expect_error(sample().put<std::uint16_t>(18, machine_riscv), Error::wrong_machine, __LINE__);
    expect_error(sample().put<std::uint16_t>(52, 63), Error::bad_header_size, __LINE__);
    expect_error(sample().put<std::uint16_t>(54, 55), Error::bad_header_size, __LINE__);
    expect_error(sample().put<std::uint16_t>(56, 0), Error::no_segment, __LINE__);
    expect_error(sample().put<std::uint16_t>(56, 65), Error::too_many_headers, __LINE__);
    expect_error(sample().put<std::uint64_t>(32, file_size - 223), Error::headers_beyond_end, __LINE__);
    expect_error(sample().put(32, ~std::uint64_t{0}), Error::headers_beyond_end, __LINE__);
    expect_error(sample().put(32, ~std::uint64_t{0} - 223), Error::headers_beyond_end, __LINE__);
    EXPECT_TRUE(parse_exact(sample().put<std::uint8_t>(7, 3)));
}

TEST(Elf, TakesTheMachineFromTheLimits) {
    const Blob riscv = sample().put<std::uint16_t>(18, machine_riscv);
    EXPECT_TRUE(parse_exact(riscv, {.machine = machine_riscv}));
    expect_error(sample(), Error::wrong_machine, __LINE__, {.machine = machine_riscv});
}

TEST(Elf, RejectsWhatOnlyALinkerCouldStart) {
    expect_error(build({text_row, {.type = 2}}), Error::dynamic, __LINE__);
    expect_error(build({text_row, {.type = 3}}), Error::dynamic, __LINE__);
    expect_error(build({text_row, {.type = stack_type, .flags = 7}}), Error::executable_stack, __LINE__);
    EXPECT_TRUE(parse_exact(build({text_row, {.type = 4}, {.type = 0x6474'e553}})));
}

Blob with_data(Row row) { return build({text_row, row}); }

TEST(Elf, ChecksTheSizesOfASegment) {
    Row row = data_row;
    row.in_memory = row.in_file - 1;
    expect_error(with_data(row), Error::file_larger_than_memory, __LINE__);
    row.in_memory = 0;
    expect_error(with_data(row), Error::file_larger_than_memory, __LINE__);
    row.in_file = 0;
    expect_error(with_data(row), Error::empty_segment, __LINE__);
    row = data_row;
    row.in_file = file_size - row.offset + 1;
    expect_error(with_data(row), Error::data_beyond_end, __LINE__);
    row.in_file = row.in_memory = ~std::uint64_t{0};
    expect_error(with_data(row), Error::data_beyond_end, __LINE__);
    row = data_row;
    row.offset = ~std::uint64_t{0} - 0xfef;
    expect_error(with_data(row), Error::data_beyond_end, __LINE__);
    row = data_row;
    row.in_memory = limits.memory_limit;
    expect_error(with_data(row), Error::too_large, __LINE__);
}

TEST(Elf, ChecksTheAddressesOfASegment) {
    Row row = data_row;
    for (const std::uint64_t page : {std::uint64_t{0}, limits.address_end, std::uint64_t{0x8000'0000'0000},
                                     std::uint64_t{0xffff'8000'0000'0000}, ~std::uint64_t{0xfff}}) {
        row.address = page | 0x10;
        expect_error(with_data(row), Error::bad_address, __LINE__);
    }
    row.address = limits.address_end - 0x1ff0;
    row.in_memory = 0x1ff1;
    expect_error(with_data(row), Error::bad_address, __LINE__);
    row.in_memory = 0x1ff0;
    EXPECT_TRUE(parse_exact(with_data(row)));
    row.in_memory = ~std::uint64_t{0};
    expect_error(with_data(row), Error::bad_address, __LINE__);
}

TEST(Elf, ChecksAlignment) {
    Row row = data_row;
    row.address += 8;
    expect_error(with_data(row), Error::misaligned, __LINE__);
    row = data_row;
    row.alignment = 24;
    expect_error(with_data(row), Error::misaligned, __LINE__);
    row.alignment = 0;
    EXPECT_TRUE(parse_exact(with_data(row)));
    // Nothing in the file: the offset says nothing.
    row.in_file = 0;
    row.offset = ~std::uint64_t{0};
    const auto image = parse_exact(with_data(row));
    ASSERT_TRUE(image);
    EXPECT_EQ(image->segments()[1].file_offset, 0U);
}

TEST(Elf, KeepsSegmentsApartByPages) {
    Row row = data_row;
    row.offset = 0x2810;
    row.address = 0x401810;
    row.in_memory = 0x100;
    expect_error(with_data(row), Error::overlap, __LINE__);
    row.offset = 0x2010;
    row.address = 0x400010;
    row.in_memory = 0xff0;
    EXPECT_TRUE(parse_exact(with_data(row)));
    row.in_memory = 0xff1;
    expect_error(with_data(row), Error::overlap, __LINE__);
    expect_error(build({text_row, text_row}), Error::overlap, __LINE__);
}

TEST(Elf, RejectsWritableCode) {
    Row row = data_row;
    row.flags = 7;
    expect_error(with_data(row), Error::writable_and_executable, __LINE__);
    row.flags = 3;
    expect_error(with_data(row), Error::writable_and_executable, __LINE__);
}

TEST(Elf, WantsTheEntryInCode) {
    expect_error(build({text_row, data_row}, 0x403010), Error::bad_entry, __LINE__);
    expect_error(build({text_row, data_row}, 0x400fff), Error::bad_entry, __LINE__);
    expect_error(build({text_row, data_row}, 0x401800), Error::bad_entry, __LINE__);
    expect_error(build({text_row, data_row}, 0), Error::bad_entry, __LINE__);
    expect_error(build({text_row, data_row}, ~std::uint64_t{0}), Error::bad_entry, __LINE__);
    EXPECT_TRUE(parse_exact(build({text_row, data_row}, 0x4017ff)));
    expect_error(build({stack_row}), Error::no_segment, __LINE__);
}

TEST(Elf, BoundsTheNumberOfSegments) {
    std::vector<Row> rows{text_row};
    for (std::uint64_t i = 1; i < segment_limit; ++i)
        rows.push_back({.flags = 6, .address = 0x500000 + i * 0x1000, .in_memory = 0x1000});
    EXPECT_TRUE(parse_exact(build(rows)));
    rows.push_back({.flags = 6, .address = 0x600000, .in_memory = 0x1000});
    expect_error(build(rows), Error::too_many_segments, __LINE__);
    const auto image = parse_exact(build(rows));
    EXPECT_EQ(image.error().header, segment_limit);
}

TEST(Elf, ChecksThreadLocalStorage) {
    const auto spoiled = [](auto change) {
        Row row = tls_row;
        change(row);
        return build({text_row, data_row, row});
    };
    expect_error(build({text_row, data_row, tls_row, tls_row}), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.alignment = 24; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.alignment = 0x2000; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.in_memory = 0x1f; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.in_memory = ~std::uint64_t{0}; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.offset = file_size - 0x1f; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.address = 0x405000; }), Error::bad_tls, __LINE__);
    expect_error(spoiled([](Row& r) { r.address = ~std::uint64_t{0}; }), Error::bad_tls, __LINE__);
    EXPECT_TRUE(parse_exact(build({tls_row, text_row, data_row})));
    const auto image = parse_exact(spoiled([](Row& r) { r.alignment = 0; }));
    ASSERT_TRUE(image);
    EXPECT_EQ(image->thread_local_storage->alignment, 1U);
}

TEST(Elf, EveryTruncationIsFound) {
    const Blob blob = sample();
    const std::size_t complete = 0x2110; // the end of the data segment
    for (std::size_t length = 0; length < complete; ++length)
        EXPECT_FALSE(parse(Exact{blob.view(), length}.view(), limits)) << length;
    EXPECT_TRUE(parse(Exact{blob.view(), complete}.view(), limits));
}

TEST(Elf, SurvivesDamage) {
    std::mt19937_64 random{2};
    // Only the headers matter: damage elsewhere would be a waste.
    const Blob good = sample();
    int accepted = 0;
    for (int i = 0; i < 5000; ++i) {
        Blob head = sample().resize(64 + 4 * 56);
        head = test::damaged(head, random);
        Blob bad = head;
        for (std::size_t at = head.size(); at < good.size(); ++at) bad.add(good.view()[at]);
        if (const auto image = parse(bad.view(), limits); image) {
            expect_sound(*image, bad.size());
            ++accepted;
        }
    }
    EXPECT_GT(accepted, 100);
    EXPECT_LT(accepted, 4000);
}

TEST(Elf, EveryErrorHasItsText) {
    for (int error = 0; error <= static_cast<int>(Error::bad_tls); ++error)
        EXPECT_NE(text(static_cast<Error>(error)), "unknown error");
    EXPECT_EQ(text(static_cast<Error>(200)), "unknown error");
}

} // namespace
} // namespace chorale::formats::elf
