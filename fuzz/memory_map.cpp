// Memory maps: sorted, disjoint, whole pages; and exactly the pages that a table without a limit would have.
#include "kernel/boot/memory_map.hpp"

#include "fuzz/target.hpp"

#include <map>
#include <vector>

namespace chorale::fuzz {
namespace {

using boot::FirmwareRange;
using boot::MemoryMap;
using boot::MemoryRange;

// A set of bytes, as disjoint ranges that do not touch: begin to end.
class Model {
  public:
    void insert(std::uint64_t begin, std::uint64_t end) {
        auto at = ranges_.upper_bound(begin);
        if (at != ranges_.begin() && std::prev(at)->second >= begin) {
            --at;
            begin = at->first;
        }
        while (at != ranges_.end() && at->first <= end) {
            end = end > at->second ? end : at->second;
            at = ranges_.erase(at);
        }
        ranges_[begin] = end;
        note_size();
    }
    void subtract(std::uint64_t begin, std::uint64_t end) {
        auto at = ranges_.upper_bound(begin);
        if (at != ranges_.begin()) --at;
        while (at != ranges_.end() && at->first < end) {
            const auto [from, to] = *at;
            if (to <= begin) {
                ++at;
                continue;
            }
            at = ranges_.erase(at);
            if (from < begin) ranges_[from] = begin;
            if (to > end) at = ranges_.emplace(end, to).first;
        }
        note_size();
    }
    // To whole pages, inwards.
    void align() {
        std::map<std::uint64_t, std::uint64_t> whole;
        for (const auto [begin, end] : ranges_) {
            const std::uint64_t from = formats::align_up(begin, 4096), to = formats::align_down(end, 4096);
            if (from < to) whole[from] = to;
        }
        ranges_ = whole;
    }
    [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& ranges() const { return ranges_; }
    [[nodiscard]] bool holds(MemoryRange range) const {
        const auto above = ranges_.upper_bound(range.begin);
        return above != ranges_.begin() && std::prev(above)->second >= range.end;
    }

    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto [begin, end] : ranges_) sum += end - begin;
        return sum;
    }
    [[nodiscard]] std::size_t most() const { return most_; }

  private:
    void note_size() { most_ = ranges_.size() > most_ ? ranges_.size() : most_; }

    std::map<std::uint64_t, std::uint64_t> ranges_;
    std::size_t most_ = 0; // ranges that there ever were
};

constexpr std::uint64_t end_of_memory = MemoryMap::address_end;

void reserve(Model& model, std::uint64_t base, std::uint64_t length) {
    if (length == 0 || base >= end_of_memory) return;
    const std::uint64_t end = length > end_of_memory - base
                                  ? end_of_memory
                                  : formats::align_up(base + length, MemoryMap::page_size);
    model.subtract(formats::align_down(base, MemoryMap::page_size), end);
}

[[nodiscard]] Model model_of(std::span<const FirmwareRange> firmware, std::uint64_t limit) {
    Model model;
    limit = formats::align_down(limit < end_of_memory ? limit : end_of_memory, MemoryMap::page_size);
    for (const FirmwareRange& range : firmware) {
        const bool wraps = range.length > ~std::uint64_t{0} - range.base;
        if (range.type != FirmwareRange::usable || range.length == 0 || wraps || range.base >= limit)
            continue;
        const std::uint64_t end = range.base + range.length;
        model.insert(range.base, end < limit ? end : limit);
    }
    for (const FirmwareRange& range : firmware)
        if (range.type != FirmwareRange::usable) reserve(model, range.base, range.length);
    model.align();
    return model;
}

// `operations`: how many ranges have come in or out.
void check(const MemoryMap& map, const Model& model, std::size_t operations) {
    std::uint64_t last = 0, bytes = 0;
    bool first = true;
    for (const MemoryRange& range : map.usable()) {
        must(range.begin < range.end && range.begin % 4096 == 0 && range.end % 4096 == 0, "whole pages");
        must(first || range.begin > last, "sorted, and apart");
        must(model.holds(range), "no byte that was kept back is given out");
        last = range.end;
        bytes += range.size();
        first = false;
    }
    must(bytes == map.usable_bytes() && last == map.highest_address(), "the sums");
    must((map.lost_bytes() != 0) == (model.most() > MemoryMap::capacity),
         "memory is lost for want of room only");
    if (map.lost_bytes() != 0) {
        // Around each range that was lost, up to two pages are cut that would have been whole with it.
        must(model.bytes() <= bytes + map.lost_bytes() + operations * 2 * MemoryMap::page_size,
             "what is lost is counted");
        return;
    }
    must(map.usable().size() == model.ranges().size(), "nothing is missing");
    auto expected = model.ranges().begin();
    for (const MemoryRange& range : map.usable()) {
        must(range.begin == expected->first && range.end == expected->second, "the same ranges");
        ++expected;
    }
}

// Near each other or far, to the byte or to the page, at times a whole comb of them.
void read_ranges(Input& input, std::vector<FirmwareRange>& ranges) {
    const std::uint8_t kind = input.byte();
    const unsigned scale = kind & 3;
    FirmwareRange range;
    constexpr unsigned shifts[] = {0, 10, 20, 40};
    range.base = input.number(scale == 3 ? 3 : 2) << shifts[scale];
    range.length = input.number(2) << ((kind & 4) != 0 ? 0 : shifts[scale]);
    if ((kind & 8) != 0) range.length = ~std::uint64_t{0} - range.length;
    range.type = (kind & 16) != 0 ? FirmwareRange::usable : kind >> 6;
    const std::uint64_t count = (kind & 32) != 0 ? input.number(2) % 300 : 1;
    const std::uint64_t stride = count > 1 ? input.number(2) : 0;
    for (std::uint64_t i = 0; i < count && ranges.size() < 1000; ++i) {
        ranges.push_back(range);
        range.base += stride;
    }
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint64_t limits[] = {end_of_memory, ~std::uint64_t{0}, 0x1234'5678, 0};
    const std::uint64_t limit = limits[input.below(4)];
    const std::uint64_t reservations = input.below(8);
    std::vector<FirmwareRange> later, firmware;
    for (std::uint64_t i = 0; i < reservations; ++i) read_ranges(input, later);
    while (!input.empty() && firmware.size() < 1000) read_ranges(input, firmware);

    static MemoryMap map; // large; assign() replaces all of it
    map.assign(firmware, limit);
    Model model = model_of(firmware, limit);
    check(map, model, firmware.size());
    for (const FirmwareRange& range : later) {
        map.reserve(range.base, range.length);
        reserve(model, range.base, range.length);
    }
    check(map, model, firmware.size() + later.size());
    return 0;
}
