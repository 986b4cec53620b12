// Statistics and output of the benchmark.
#include "recorder.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>

#include <bit>
#include <utility>

namespace chorale::bench {
namespace {

constexpr unsigned first_result_marker = 0x100;
constexpr unsigned result_limit = 64;

// A marker's number is part of an instruction: one instruction for each result that there may be.
template <unsigned... Index>
void name_result(unsigned result, std::integer_sequence<unsigned, Index...>) {
    ((result == Index ? machine::marker<first_result_marker + Index>() : void()), ...);
}

struct Bucket {
    std::uint64_t first, last; // the values that it counts, both included
};

// Sixteen buckets for each power of two: none is wider than a sixteenth of what it counts.
Bucket bucket_of(std::uint64_t value) {
    constexpr unsigned exact_bits = 5;
    const unsigned bits = static_cast<unsigned>(std::bit_width(value));
    const std::uint64_t width = bits <= exact_bits ? 1 : std::uint64_t{1} << (bits - exact_bits);
    const std::uint64_t first = value & ~(width - 1);
    return {first, first + (width - 1)};
}

} // namespace

void Recorder::begin(const char* name) {
    name_ = name;
    reason_ = nullptr;
    count_ = 0;
    name_result(results_, std::make_integer_sequence<unsigned, result_limit>{});
}

void Recorder::fail(const char* reason, long detail) {
    reason_ = reason;
    detail_ = detail;
}

void Recorder::finish() {
    if (reason_ == nullptr && count_ == 0) {
        fail("no samples", 0);
    }
    if (reason_ != nullptr) {
        ++failures_;
        print("%-42s FAILED: %s (%ld)\n", name_, reason_, detail_);
        return;
    }
    sort();
    if (results_ == 0) {
        print("%-42s %10s %10s %10s %10s %7s  ticks\n", "", "min", "median", "p99", "max", "n");
    }
    print("%-42s %10lu %10lu %10lu %10lu %7zu\n", name_, samples_[0], per_mille(500), per_mille(990),
          samples_[count_ - 1], count_);
    print_json();
    ++results_;
}

// In pieces: the line is longer than one print() takes.
void Recorder::print_json() const {
    print("@json {\"name\":\"%s\",\"unit\":\"ticks\",\"min\":%lu,\"median\":%lu,\"p90\":%lu,", name_,
          samples_[0], per_mille(500), per_mille(900));
    print("\"p99\":%lu,\"p999\":%lu,\"max\":%lu,\"n\":%zu,\"histogram\":[", per_mille(990), per_mille(999),
          samples_[count_ - 1], count_);
    for (std::size_t at = 0; at < count_;) {
        const Bucket bucket = bucket_of(samples_[at]);
        const std::size_t begin = at;
        while (at < count_ && samples_[at] <= bucket.last) {
            ++at;
        }
        print("%s[%lu,%lu,%zu]", begin == 0 ? "" : ",", bucket.first, bucket.last, at - begin);
    }
    print("]}\n");
}

void Recorder::print_meta(unsigned cpus) const {
    print("@meta {\"arch\":\"%s\",\"cpus\":%u,\"counter\":\"%s\",\"emulated\":%s,\"boot_bytes\":%lu}\n",
          machine::name, cpus, machine::counter_name(), machine::emulated() ? "true" : "false",
          environment_number("boot.bytes", 0));
}

// Heap sort: in place, no recursion, no bad case.
void Recorder::sort() {
    for (std::size_t root = count_ / 2; root-- > 0;) {
        sift_down(root, count_);
    }
    for (std::size_t end = count_; end-- > 1;) {
        std::swap(samples_[0], samples_[end]);
        sift_down(0, end);
    }
}

void Recorder::sift_down(std::size_t root, std::size_t end) {
    for (std::size_t child = 2 * root + 1; child < end; child = 2 * root + 1) {
        if (child + 1 < end && samples_[child + 1] > samples_[child]) {
            ++child;
        }
        if (samples_[root] >= samples_[child]) {
            return;
        }
        std::swap(samples_[root], samples_[child]);
        root = child;
    }
}

} // namespace chorale::bench
