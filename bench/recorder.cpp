// Statistics and output of the benchmark.
#include "recorder.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>

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
    const std::uint64_t minimum = samples_[0];
    const std::uint64_t median = samples_[(count_ - 1) / 2];
    const std::uint64_t p99 = samples_[(count_ - 1) * 99 / 100];
    const std::uint64_t maximum = samples_[count_ - 1];
    if (results_ == 0) {
        print("%-42s %10s %10s %10s %10s %7s  ticks\n", "", "min", "median", "p99", "max", "n");
    }
    print("%-42s %10lu %10lu %10lu %10lu %7zu\n", name_, minimum, median, p99, maximum, count_);
    print(
        "@json "
        "{\"name\":\"%s\",\"unit\":\"ticks\",\"min\":%lu,\"median\":%lu,\"p99\":%lu,\"max\":%lu,\"n\":%zu}\n",
        name_, minimum, median, p99, maximum, count_);
    ++results_;
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
