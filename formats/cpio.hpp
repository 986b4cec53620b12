// The walker of cpio "newc" archives: how the nucleus finds the boot actors in its bank.
// Invariant: nothing outside the span is read and the walk ends, whatever the bytes say.
#pragma once

#include "formats/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace chorale::formats::cpio {

enum class Error : std::uint8_t {
    none,
    // These end the walk: where the next header lies is unknown.
    bad_magic,
    truncated_header,
    bad_digit,
    name_empty,
    name_too_long,
    name_unterminated,
    data_beyond_end,
    too_many_entries,
    missing_trailer,
    // These concern one entry; the walk goes on behind it.
    bad_name,
    duplicate,
};

[[nodiscard]] std::string_view text(Error error);

struct Entry {
    std::string_view name; // without leading "./" and "/"; printable; no ".", ".." or empty component
    Bytes data;
    std::uint32_t mode = 0;
    Error error = Error::none; // when not none: skip the entry, `data` is empty
    std::size_t offset = 0;    // of the header, for messages

    [[nodiscard]] bool regular() const { return (mode & 0170000) == 0100000; }
    [[nodiscard]] bool directory() const { return (mode & 0170000) == 0040000; }
};

//   for (const cpio::Entry& entry : cpio::Archive{bank})
//       if (entry.error != cpio::Error::none) complain(entry); else if (entry.regular()) load(entry);
class Archive {
  public:
    static constexpr std::size_t entry_limit = 256;
    static constexpr std::size_t name_limit = 128;

    explicit Archive(Bytes bytes) : bytes_{bytes} {}

    // The next entry, good or bad; nothing after the trailer and after an error that ends the walk.
    [[nodiscard]] std::optional<Entry> next();

    // The first good entry of this name, from the start of the archive.
    [[nodiscard]] static std::optional<Entry> find(Bytes bytes, std::string_view name);

    class Iterator;
    struct End {};
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] End end() const { return {}; }

  private:
    struct Header {
        std::string_view name; // as stored, without the NUL
        Bytes data;
        std::uint32_t mode = 0;
        std::size_t next = 0; // offset of the following header
    };

    [[nodiscard]] Error read_header(std::size_t offset, Header& header) const;
    [[nodiscard]] bool seen_before(std::size_t offset, std::string_view name) const;
    [[nodiscard]] Entry finish(Error error);

    Bytes bytes_;
    std::size_t offset_ = 0;
    std::size_t count_ = 0;
    bool ended_ = false;
};

class Archive::Iterator {
  public:
    explicit Iterator(const Archive& archive) : archive_{archive}, entry_{archive_.next()} {}

    [[nodiscard]] const Entry& operator*() const { return *entry_; }
    Iterator& operator++() {
        entry_ = archive_.next();
        return *this;
    }
    [[nodiscard]] friend bool operator==(const Iterator& iterator, End) { return !iterator.entry_; }

  private:
    Archive archive_;
    std::optional<Entry> entry_;
};

inline Archive::Iterator Archive::begin() const { return Iterator{*this}; }

} // namespace chorale::formats::cpio
