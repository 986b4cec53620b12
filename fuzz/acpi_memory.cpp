// Finds tables as firmware's readers do, but believes whatever it finds.
#include "fuzz/acpi_memory.hpp"

#include <algorithm>
#include <vector>

namespace chorale::fuzz {
namespace {

constexpr std::size_t header_size = 36;

class Tables {
  public:
    Tables(std::uint8_t* data, std::size_t size) : data_{data}, size_{size} {
        if (size < root_pointer_size) return;
        add(get<std::uint64_t>(24), 8);
        add(get<std::uint32_t>(16), 4);
    }

    struct Table {
        std::size_t at, length;
    };
    [[nodiscard]] const std::vector<Table>& all() const { return tables_; }

    template <class T>
    [[nodiscard]] T get(std::size_t at) const {
        T value{};
        if (at + sizeof value <= size_) std::memcpy(&value, data_ + at, sizeof value);
        return value;
    }
    template <class T>
    void put(std::size_t at, T value) {
        if (at + sizeof value <= size_) std::memcpy(data_ + at, &value, sizeof value);
    }

    void seal(std::size_t at, std::size_t length, std::size_t checksum) {
        if (at + length > size_ || checksum >= length) return;
        data_[at + checksum] = 0;
        unsigned sum = 0;
        for (std::size_t i = 0; i < length; ++i) sum += data_[at + i];
        data_[at + checksum] = static_cast<std::uint8_t>(0u - sum);
    }

  private:
    // A root table whose entries have so many bytes, and what they lead to; the DSDT behind the FADT too.
    void add(std::uint64_t root, std::size_t entry_size) {
        if (!add_one(root)) return;
        const Table table = tables_.back();
        for (std::size_t at = header_size; at + entry_size <= table.length && at < 1024; at += entry_size) {
            const std::uint64_t entry =
                entry_size == 8 ? get<std::uint64_t>(table.at + at) : get<std::uint32_t>(table.at + at);
            if (!add_one(entry) || std::memcmp(data_ + tables_.back().at, "FACP", 4) != 0) continue;
            const Table fadt = tables_.back();
            add_one(get<std::uint64_t>(fadt.at + 140));
            add_one(get<std::uint32_t>(fadt.at + 40));
        }
    }
    bool add_one(std::uint64_t address) {
        if (address < memory_begin || address - memory_begin + header_size > size_) return false;
        const std::size_t at = address - memory_begin, length = get<std::uint32_t>(at + 4);
        if (length < header_size || length > size_ - at || tables_.size() > 64) return false;
        for (const Table& other : tables_)
            if (other.at == at) return false;
        tables_.push_back({at, length});
        return true;
    }

    std::uint8_t* data_;
    std::size_t size_;
    std::vector<Table> tables_;
};

struct Entry {
    std::size_t at, size;
};

// The entries of a table: of one size, or each beginning with its type and size.
[[nodiscard]] std::vector<Entry> entries_of(const Tables& tables, const std::uint8_t* data,
                                            Tables::Table table) {
    constexpr struct {
        const char* signature;
        std::size_t begin, size;
    } layouts[] = {{"APIC", 44, 0}, {"SRAT", 48, 0}, {"MCFG", 44, 16}, {"XSDT", 36, 8}, {"RSDT", 36, 4}};
    std::vector<Entry> entries;
    for (const auto& layout : layouts) {
        if (std::memcmp(data + table.at, layout.signature, 4) != 0) continue;
        for (std::size_t offset = layout.begin; offset + 2 <= table.length;) {
            const std::size_t size =
                layout.size != 0 ? layout.size : tables.get<std::uint8_t>(table.at + offset + 1);
            if (size < 2 || size > table.length - offset) break;
            entries.push_back({table.at + offset, size});
            offset += size;
        }
    }
    return entries;
}

// The table once more at the end of memory, with many copies of the entry.
[[nodiscard]] std::size_t repeat(std::uint8_t* data, std::size_t size, std::size_t limit, Tables::Table table,
                                 Entry entry, Chance& chance) {
    const std::size_t copies = 1 + chance.below(chance.one_in(4) ? 400 : 100);
    const std::size_t moved = formats::align_up(size, 16), whole = table.length + entry.size * copies;
    if (moved + whole > limit) return size;
    std::memset(data + size, 0, moved - size);
    std::memcpy(data + moved, data + table.at, table.length);
    const bool alike = chance.one_in(3) || entry.size == 8 || entry.size == 4;
    for (std::size_t i = 0; i < copies; ++i) {
        std::uint8_t* const copy = data + moved + table.length + i * entry.size;
        std::memcpy(copy, data + entry.at, entry.size);
        for (std::size_t byte = 2; !alike && byte < entry.size && byte < 5; ++byte)
            copy[byte] += static_cast<std::uint8_t>(i);
    }
    // What led there leads here.
    const std::uint64_t was = memory_begin + table.at, is = memory_begin + moved;
    for (std::size_t place = 0; place + 8 <= size; place += 4) {
        std::uint64_t value = 0;
        std::memcpy(&value, data + place, 8);
        if (value == was) std::memcpy(data + place, &is, 8);
    }
    const auto length = static_cast<std::uint32_t>(whole);
    std::memcpy(data + moved + 4, &length, 4);
    return moved + whole;
}

} // namespace

void seal_tables(std::uint8_t* data, std::size_t size) {
    if (size < root_pointer_size) return;
    Tables tables{data, size};
    std::memcpy(data, "RSD PTR ", 8);
    tables.seal(0, 20, 8);
    if (const std::size_t length = tables.get<std::uint32_t>(20);
        data[15] >= 2 && length >= root_pointer_size)
        tables.seal(0, length, 32);
    for (const auto& table : tables.all()) tables.seal(table.at, table.length, 9);
}

std::size_t change_tables(std::uint8_t* data, std::size_t size, std::size_t limit, Chance& chance) {
    Tables tables{data, size};
    if (tables.all().empty()) return LLVMFuzzerMutate(data, size, limit);
    const Tables::Table table = tables.all()[chance.below(tables.all().size())];
    const std::vector<Entry> entries = entries_of(tables, data, table);
    const Entry entry = entries.empty() ? Entry{table.at, 2} : entries[chance.below(entries.size())];
    switch (chance.below(entries.empty() ? 3 : 7)) {
    case 0: // a field of the table
        tables.put(table.at + chance.below(table.length), chance.number());
        return size;
    case 1: // its length
        tables.put(table.at + 4, static_cast<std::uint32_t>(table.length + chance.below(64) - 32));
        return size;
    case 2: { // another signature, as if the root table had named it
        constexpr const char* signatures[] = {"APIC", "SRAT", "MCFG", "HPET", "FACP", "SSDT", "DSDT", "XSDT"};
        std::memcpy(data + table.at, signatures[chance.below(8)], 4);
        return size;
    }
    case 3: // an entry's type
        data[entry.at] = static_cast<std::uint8_t>(chance.below(12));
        return size;
    case 4: // an entry's length
        data[entry.at + 1] = static_cast<std::uint8_t>(chance.below(48));
        return size;
    case 5: // an entry's field
        tables.put(entry.at + chance.below(entry.size),
                   static_cast<std::uint8_t>(chance.one_in(2) ? chance.below(8) : chance.number()));
        return size;
    default:
        return repeat(data, size, limit, table, entry, chance);
    }
}

} // namespace chorale::fuzz
