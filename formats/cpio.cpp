// The cpio "newc" format: 110 bytes of ASCII header, name with NUL, data; name and data padded to 4.
#include "formats/cpio.hpp"

namespace chorale::formats::cpio {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t header_size = 110;
constexpr std::string_view magic = "070701";
constexpr std::string_view trailer = "TRAILER!!!";

// Offsets of the header's 8-digit fields.
constexpr std::size_t mode_field = 14;
constexpr std::size_t file_size_field = 54;
constexpr std::size_t name_size_field = 94;

[[nodiscard]] std::optional<std::uint32_t> hex_field(std::string_view header, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = offset; i < offset + 8; ++i) {
        const char digit = header[i];
        std::uint32_t nibble = 0;
        if (digit >= '0' && digit <= '9')
            nibble = static_cast<std::uint32_t>(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            nibble = static_cast<std::uint32_t>(digit - 'a') + 10;
        else if (digit >= 'A' && digit <= 'F')
            nibble = static_cast<std::uint32_t>(digit - 'A') + 10;
        else
            return {};
        value = value << 4 | nibble;
    }
    return value;
}

[[nodiscard]] std::string_view without_root(std::string_view name) {
    for (;;) {
        if (name.starts_with('/'))
            name.remove_prefix(1);
        else if (name.starts_with("./"sv))
            name.remove_prefix(2);
        else
            return name;
    }
}

[[nodiscard]] bool printable(std::string_view name) {
    for (const char c : name)
        if (c < ' ' || c > '~') return false;
    return true;
}

// One spelling for each file: otherwise "a//b" or "a/./b" would hide a duplicate of "a/b".
[[nodiscard]] bool canonical(std::string_view name) {
    while (!name.empty()) {
        const std::size_t slash = index_of(name, '/');
        const std::string_view part{name.data(), slash == name.npos ? name.size() : slash};
        if (part.empty() || part == "."sv || part == ".."sv) return false;
        if (slash == name.npos) return true;
        name.remove_prefix(slash + 1);
    }
    return false;
}

} // namespace

std::string_view text(Error error) {
    switch (error) {
    case Error::none:
        return "no error"sv;
    case Error::bad_magic:
        return "not a newc header"sv;
    case Error::truncated_header:
        return "header cut off"sv;
    case Error::bad_digit:
        return "bad digit in header"sv;
    case Error::name_empty:
        return "empty name"sv;
    case Error::name_too_long:
        return "name too long"sv;
    case Error::name_unterminated:
        return "name not terminated"sv;
    case Error::data_beyond_end:
        return "data beyond the end"sv;
    case Error::too_many_entries:
        return "too many entries"sv;
    case Error::missing_trailer:
        return "no trailer"sv;
    case Error::bad_name:
        return "bad name"sv;
    case Error::duplicate:
        return "name seen before"sv;
    }
    return "unknown error"sv;
}

Error Archive::read_header(std::size_t offset, Header& header) const {
    if (offset >= bytes_.size()) return Error::missing_trailer;
    const std::string_view fields = characters(slice(bytes_, offset, header_size));
    if (!fields.starts_with(magic))
        return fields.size() < magic.size() ? Error::truncated_header : Error::bad_magic;
    if (fields.size() < header_size) return Error::truncated_header;
    const auto mode = hex_field(fields, mode_field);
    const auto file_size = hex_field(fields, file_size_field);
    const auto name_size = hex_field(fields, name_size_field);
    if (!mode || !file_size || !name_size) return Error::bad_digit;
    if (*name_size < 2) return Error::name_empty;
    if (*name_size > name_limit) return Error::name_too_long;

    // Sizes have 32 bits and offsets 64, so these sums cannot wrap.
    const std::size_t name_begin = offset + header_size;
    const std::size_t data_begin = align_up(name_begin + *name_size, 4);
    if (!fits(name_begin, *name_size, bytes_.size())) return Error::truncated_header;
    const std::string_view name = characters(slice(bytes_, name_begin, *name_size));
    if (name.back() != '\0') return Error::name_unterminated;
    if (*file_size != 0 && !fits(data_begin, *file_size, bytes_.size())) return Error::data_beyond_end;

    header.name = {name.data(), name.size() - 1};
    header.data = slice(bytes_, data_begin, *file_size);
    header.mode = *mode;
    header.next = align_up(data_begin + *file_size, 4);
    return Error::none;
}

// Walks again instead of keeping names: archives are short, and a table would outweigh the walker.
bool Archive::seen_before(std::size_t offset, std::string_view name) const {
    Header header;
    for (std::size_t at = 0; at < offset; at = header.next) {
        if (read_header(at, header) != Error::none) return false;
        if (without_root(header.name) == name) return true;
    }
    return false;
}

Entry Archive::finish(Error error) {
    ended_ = true;
    Entry entry;
    entry.error = error;
    entry.offset = offset_;
    return entry;
}

std::optional<Entry> Archive::next() {
    while (!ended_) {
        Header header;
        if (const Error error = read_header(offset_, header); error != Error::none) return finish(error);
        if (header.name == trailer) {
            ended_ = true;
            break;
        }
        if (count_ == entry_limit) return finish(Error::too_many_entries);
        ++count_;

        Entry entry{without_root(header.name), header.data, header.mode, Error::none, offset_};
        offset_ = header.next;
        // `find . | cpio` puts the root directory first; it names nothing.
        if (entry.directory() && (entry.name.empty() || entry.name == "."sv)) continue;
        if (!printable(entry.name) || !canonical(entry.name)) {
            entry.name = {};
            entry.error = Error::bad_name;
        } else if (seen_before(entry.offset, entry.name)) {
            entry.error = Error::duplicate;
        }
        if (entry.error != Error::none) entry.data = {};
        return entry;
    }
    return {};
}

std::optional<Entry> Archive::find(Bytes bytes, std::string_view name) {
    for (const Entry& entry : Archive{bytes})
        if (entry.error == Error::none && entry.name == name) return entry;
    return {};
}

} // namespace chorale::formats::cpio
