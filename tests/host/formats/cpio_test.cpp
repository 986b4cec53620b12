// The archive walker against good archives, each kind of damage, and damage at random.
#include "formats/cpio.hpp"

#include "tests/host/formats/blob.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace chorale::formats::cpio {
namespace {

using test::Blob;
using test::Exact;

constexpr std::uint32_t file_mode = 0100644;
constexpr std::uint32_t directory_mode = 0040755;

std::string header(std::uint32_t mode, std::size_t file_size, std::size_t name_size) {
    char text[128];
    std::snprintf(text, sizeof text, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1U, mode,
                  0U, 0U, 1U, 0U, static_cast<unsigned>(file_size), 0U, 0U, 0U, 0U,
                  static_cast<unsigned>(name_size), 0U);
    return text;
}

struct Builder {
    Blob blob;

    Builder& add(std::string_view name, std::string_view data, std::uint32_t mode = file_mode) {
        blob.add_text(header(mode, data.size(), name.size() + 1)).add_text(name).add('\0');
        pad();
        blob.add_text(data);
        pad();
        return *this;
    }
    Builder& end() { return add("TRAILER!!!", "", 0); }
    void pad() { blob.resize((blob.size() + 3) / 4 * 4); }
};

Blob sample() {
    return Builder{}
        .add(".", "", directory_mode)
        .add("./ipcbench", "first")
        .add("conf", "", directory_mode)
        .add("conf/boot", "second file")
        .add("empty", "")
        .end()
        .blob;
}

struct Walk {
    std::vector<std::string> names;
    std::vector<Error> errors;
};

Walk walk(Bytes bytes) {
    Walk result;
    for (const Entry& entry : Archive{bytes}) {
        EXPECT_TRUE(test::inside(entry.data, bytes));
        if (entry.error == Error::none)
            result.names.emplace_back(entry.name);
        else
            result.errors.push_back(entry.error);
        EXPECT_LE(result.names.size() + result.errors.size(), Archive::entry_limit + 1);
    }
    return result;
}

Error first_error(const Blob& blob) {
    const Exact exact{blob.view()};
    const Walk result = walk(exact.view());
    return result.errors.empty() ? Error::none : result.errors.front();
}

TEST(Cpio, WalksAGoodArchive) {
    const Blob blob = sample();
    const Walk result = walk(blob.view());
    EXPECT_TRUE(result.errors.empty());
    EXPECT_EQ(result.names, (std::vector<std::string>{"ipcbench", "conf", "conf/boot", "empty"}));
}

TEST(Cpio, GivesDataAndMode) {
    const Blob blob = sample();
    const auto entry = Archive::find(blob.view(), "conf/boot");
    ASSERT_TRUE(entry);
    EXPECT_EQ(characters(entry->data), "second file");
    EXPECT_TRUE(entry->regular());
    EXPECT_TRUE(Archive::find(blob.view(), "conf")->directory());
    EXPECT_FALSE(Archive::find(blob.view(), "con"));
    EXPECT_FALSE(Archive::find(blob.view(), ""));
}

TEST(Cpio, StaysAtTheEnd) {
    const Blob blob = Builder{}.add("a", "1").end().blob;
    Archive archive{blob.view()};
    EXPECT_TRUE(archive.next());
    EXPECT_FALSE(archive.next());
    EXPECT_FALSE(archive.next());
}

TEST(Cpio, IgnoresPaddingBehindTheTrailer) {
    Blob blob = sample();
    blob.resize(blob.size() + 512);
    EXPECT_EQ(first_error(blob), Error::none);
}

TEST(Cpio, RemovesTheRootFromNames) {
    const Blob blob = Builder{}.add("/./bin/a", "").add("././/b", "").add("...", "").end().blob;
    const Walk result = walk(blob.view());
    EXPECT_EQ(result.names, (std::vector<std::string>{"bin/a", "b", "..."}));
    EXPECT_TRUE(result.errors.empty());
}

TEST(Cpio, RejectsNamesThatCouldMisleadAndGoesOn) {
    for (const std::string_view name :
         {"..", "../a", "a/../b", "a/..", "a//b", "a/./b", "a/", "a\nb", "\x7f", "\xc3\xa4", ".", "/"}) {
        const Blob blob = Builder{}.add(name, "x").add("good", "y").end().blob;
        const Walk result = walk(blob.view());
        EXPECT_EQ(result.errors, std::vector{Error::bad_name}) << name;
        EXPECT_EQ(result.names, std::vector<std::string>{"good"}) << name;
    }
    const Blob nul = Builder{}.add({"a\0b", 3}, "x").end().blob;
    EXPECT_EQ(first_error(nul), Error::bad_name);
}

TEST(Cpio, ReportsDuplicatesAndKeepsTheFirst) {
    const Blob blob = Builder{}.add("a", "1").add("./a", "2").add("/a", "3").add("b", "4").end().blob;
    const Walk result = walk(blob.view());
    EXPECT_EQ(result.names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(result.errors, (std::vector{Error::duplicate, Error::duplicate}));
    EXPECT_EQ(characters(Archive::find(blob.view(), "a")->data), "1");
}

TEST(Cpio, ReportsWhereTheProblemIs) {
    Builder builder;
    builder.add("a", "1");
    const std::size_t offset = builder.blob.size();
    builder.blob.add_text(std::string(200, 'x'));
    Archive archive{builder.blob.view()};
    EXPECT_TRUE(archive.next());
    const auto bad = archive.next();
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->error, Error::bad_magic);
    EXPECT_EQ(bad->offset, offset);
    EXPECT_FALSE(archive.next());
}

TEST(Cpio, NamesEachProblem) {
    EXPECT_EQ(first_error(Blob{}), Error::missing_trailer);
    EXPECT_EQ(first_error(Builder{}.add("a", "1").blob), Error::missing_trailer);
    EXPECT_EQ(first_error(Blob{}.add_text("0707")), Error::truncated_header);
    EXPECT_EQ(first_error(Blob{}.add_text("070702").resize(200)), Error::bad_magic);
    EXPECT_EQ(first_error(Blob{}.add_text("070701")), Error::truncated_header);
    EXPECT_EQ(first_error(Blob{}.add_text("070701").resize(200)), Error::bad_digit);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 0)).resize(200)), Error::name_empty);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 1)).resize(200)), Error::name_empty);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 129)).resize(400)), Error::name_too_long);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 0xffff'ffff)).resize(400)),
              Error::name_too_long);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 3)).add_text("abcdef")),
              Error::name_unterminated);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0, 9)).add_text("abc")), Error::truncated_header);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 0xffff'ffff, 2)).add_text("a").resize(400)),
              Error::data_beyond_end);
    EXPECT_EQ(first_error(Blob{}.add_text(header(file_mode, 1, 2)).add_text("a").resize(112)),
              Error::data_beyond_end);
}

TEST(Cpio, AcceptsNamesUpToTheLimitOnly) {
    const Blob longest = Builder{}.add(std::string(Archive::name_limit - 1, 'n'), "").end().blob;
    EXPECT_EQ(first_error(longest), Error::none);
    const Blob longer = Builder{}.add(std::string(Archive::name_limit, 'n'), "").end().blob;
    EXPECT_EQ(first_error(longer), Error::name_too_long);
}

TEST(Cpio, BoundsTheNumberOfEntries) {
    Builder builder;
    for (std::size_t i = 0; i < Archive::entry_limit; ++i) builder.add("file" + std::to_string(i), "");
    Builder more = builder;
    EXPECT_EQ(walk(builder.end().blob.view()).names.size(), Archive::entry_limit);
    EXPECT_EQ(first_error(builder.blob), Error::none);
    EXPECT_EQ(first_error(more.add("one", "").end().blob), Error::too_many_entries);
}

TEST(Cpio, EveryDigitOfAFieldCounts) {
    for (std::size_t field : {14U, 54U, 94U})
        for (std::size_t i = field; i < field + 8; ++i)
            for (const char c : {'g', 'G', ' ', '/', ':', '@', '`', '\0', '\xff'})
                EXPECT_EQ(first_error(sample().put(i, c)), Error::bad_digit) << i;
}

TEST(Cpio, EveryTruncationIsFound) {
    const Blob blob = sample();
    // The trailer's own padding may be missing.
    const std::size_t complete = blob.size() - 3;
    for (std::size_t length = 0; length < complete; ++length) {
        const Exact cut{blob.view(), length};
        EXPECT_FALSE(walk(cut.view()).errors.empty()) << length;
    }
    EXPECT_TRUE(walk(Exact{blob.view(), complete}.view()).errors.empty());
}

TEST(Cpio, SurvivesDamage) {
    std::mt19937_64 random{1};
    const Blob good = sample();
    for (int i = 0; i < 5000; ++i) {
        const Blob bad = test::damaged(good, random);
        const Exact exact{bad.view()};
        for (const std::string& name : walk(exact.view()).names) {
            EXPECT_NE(name, "");
            EXPECT_NE(name.front(), '/');
        }
    }
}

TEST(Cpio, EveryErrorHasItsText) {
    for (int error = 0; error <= static_cast<int>(Error::duplicate); ++error) {
        EXPECT_FALSE(text(static_cast<Error>(error)).empty());
        EXPECT_NE(text(static_cast<Error>(error)), "unknown error");
    }
    EXPECT_EQ(text(static_cast<Error>(200)), "unknown error");
}

} // namespace
} // namespace chorale::formats::cpio
