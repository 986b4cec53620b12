// Banks: every entry lies within the archive, and an archive made of the good ones reads the same.
#include "formats/cpio.hpp"

#include "fuzz/target.hpp"

#include <set>
#include <string>
#include <vector>

namespace chorale::fuzz {
namespace {

namespace cpio = formats::cpio;
using cpio::Archive;
using cpio::Entry;

constexpr std::size_t header_size = 110;

// One entry, with the padding behind name and data.
void append(std::string& archive, std::string_view name, std::string_view data, std::uint32_t mode) {
    char header[header_size + 1];
    std::snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0u,
                  mode, 0u, 0u, 1u, 0u, data.size(), 0u, 0u, 0u, 0u, name.size() + 1, 0u);
    archive.append(header).append(name).push_back('\0');
    archive.resize(formats::align_up(archive.size(), 4));
    archive.append(data);
    archive.resize(formats::align_up(archive.size(), 4));
}

[[nodiscard]] bool ends_walk(cpio::Error error) {
    return error != cpio::Error::none && error < cpio::Error::bad_name;
}

void check_name(std::string_view name) {
    must(!name.empty() && name.size() < Archive::name_limit, "a name has a length");
    for (const char c : name) must(c >= ' ' && c <= '~', "a name is printable");
    must(!name.starts_with('/') && !name.ends_with('/'), "a name neither begins nor ends with a slash");
    const std::string path = "/" + std::string{name} + "/";
    for (const char* part : {"//", "/./", "/../"}) must(!path.contains(part), "a file has one name");
}

[[nodiscard]] std::vector<Entry> walk(formats::Bytes bytes) {
    std::vector<Entry> good;
    std::set<std::string_view> names;
    Archive archive{bytes};
    std::size_t count = 0, last = 0;
    bool ended = false;
    while (const auto entry = archive.next()) {
        must(!ended, "nothing comes after an error that ends the walk");
        must(entry->offset % 4 == 0 && entry->offset <= bytes.size() + 3, "a header's place");
        must(count == 0 || entry->offset > last, "the walk advances");
        last = entry->offset;
        must(++count <= Archive::entry_limit + 1, "the walk ends");
        ended = ends_walk(entry->error);
        if (entry->error != cpio::Error::none) {
            must(entry->data.empty(), "a bad entry has no data");
            must(!text(entry->error).empty(), "an error has a text");
            continue;
        }
        must(inside(entry->name, bytes) && inside(entry->data, bytes), "an entry lies in the archive");
        must(entry->name.data()[entry->name.size()] == '\0', "a name ends where the archive says");
        check_name(entry->name);
        must(names.insert(entry->name).second, "no name comes twice");
        good.push_back(*entry);
    }
    must(!archive.next().has_value(), "the end stays the end");
    return good;
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes bytes = bytes_of(data, size);
    const std::vector<Entry> good = walk(bytes);
    std::string copy;
    for (const Entry& entry : good) {
        const auto found = Archive::find(bytes, entry.name);
        must(found.has_value() && found->offset == entry.offset, "an entry is found by its name");
        append(copy, entry.name, chorale::formats::characters(entry.data), entry.mode);
    }
    append(copy, "TRAILER!!!", {}, 0);
    const std::vector<Entry> again = walk(std::as_bytes(std::span{copy}));
    // An entry that came as "./TRAILER!!!" ends the copy.
    for (std::size_t i = 0; i < good.size() && good[i].name != "TRAILER!!!"; ++i) {
        must(i < again.size() && again[i].name == good[i].name && again[i].mode == good[i].mode,
             "a copy has the same entries");
        must(chorale::formats::characters(again[i].data) == chorale::formats::characters(good[i].data),
             "a copy has the same data");
    }
    return 0;
}

namespace {

struct Part {
    std::string name, data;
    std::uint32_t mode;
};

// What there is, however wrong: the mutator changes files, not digits.
std::vector<Part> parts_of(std::string_view bytes) {
    std::vector<Part> parts;
    std::size_t at = 0;
    const auto field = [&](std::size_t offset) {
        return std::strtoul(std::string{bytes.substr(at + offset, 8)}.c_str(), nullptr, 16);
    };
    while (at + header_size <= bytes.size() && parts.size() < 300) {
        const std::size_t name_size = field(94), data_size = field(54);
        const std::size_t data_at = chorale::formats::align_up(at + header_size + name_size, 4);
        if (data_at > bytes.size()) break;
        std::string_view name = bytes.substr(at + header_size, name_size);
        name = name.substr(0, name.find('\0'));
        parts.push_back({std::string{name}, std::string{bytes.substr(data_at, data_size)},
                         static_cast<std::uint32_t>(field(14))});
        at = chorale::formats::align_up(data_at + data_size, 4);
        if (name == "TRAILER!!!") break;
    }
    return parts;
}

void change(std::vector<Part>& parts, Chance& chance) {
    if (parts.empty() || chance.one_in(8)) {
        parts.push_back({"a/b", "x", 0100644});
        return;
    }
    Part& part = parts[chance.below(parts.size())];
    switch (chance.below(6)) {
    case 0:
    case 1: {
        std::string& text = chance.one_in(3) ? part.data : part.name;
        std::uint8_t buffer[256] = {};
        const std::size_t size = std::min<std::size_t>(text.size(), 200);
        std::memcpy(buffer, text.data(), size);
        text.assign(buffer, buffer + LLVMFuzzerMutate(buffer, size, sizeof buffer));
        break;
    }
    case 2:
        part.mode = chance.one_in(2) ? 0040755 : static_cast<std::uint32_t>(chance.number());
        break;
    case 3:
        part.name = parts[chance.below(parts.size())].name;
        break;
    case 4: {
        const Part copy = part;
        for (std::size_t i = chance.one_in(4) ? chance.below(300) : 1; i > 0; --i) {
            parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(chance.below(parts.size())), copy);
            if (i > 1) parts.back().name += static_cast<char>('a' + i % 26);
        }
        break;
    }
    default:
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(chance.below(parts.size())));
    }
}

} // namespace

// Mostly an archive whose sizes are true, so that the changes reach what comes after them.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    if (chance.one_in(3)) return LLVMFuzzerMutate(data, size, limit);
    std::vector<Part> parts = parts_of({reinterpret_cast<const char*>(data), size});
    change(parts, chance);
    std::string archive;
    for (const Part& part : parts) append(archive, part.name, part.data, part.mode);
    if (archive.size() > limit) return LLVMFuzzerMutate(data, size, limit);
    std::memcpy(data, archive.data(), archive.size());
    return archive.size();
}
