// Samples of one measurement, their statistics, and the lines that people and programs read.
#pragma once

#include <actor/machine.hpp>

#include <cstddef>
#include <cstdint>

namespace chorale::bench {

enum class Boundary : unsigned { round_begin = 1, round_end = 2, batch_begin = 6, batch_end = 7 };

template <Boundary Which>
[[gnu::always_inline]] inline void boundary() {
    machine::marker<static_cast<unsigned>(Which)>();
}

class Recorder {
  public:
    static constexpr std::size_t capacity = 65536;

    // Starts the next result. Every boundary marker up to finish() belongs to it.
    void begin(const char* name);
    void add(std::uint64_t ticks) {
        if (count_ < capacity) {
            samples_[count_++] = ticks;
        }
    }
    // A measurement that several threads make: thread i writes samples [i * each, (i + 1) * each), then
    // add_shared.
    [[nodiscard]] std::uint64_t* shared_samples() { return samples_; }
    void add_shared(std::size_t count) { count_ = count < capacity ? count : capacity; }

    void fail(const char* reason, long detail);
    // Prints the result, or why there is none.
    void finish();

    void print_meta(unsigned cpus) const;
    [[nodiscard]] bool failed() const { return failures_ != 0; }
    [[nodiscard]] unsigned results() const { return results_; }

  private:
    // The value that so many of a thousand samples do not exceed. They are sorted.
    [[nodiscard]] std::uint64_t per_mille(std::size_t part) const {
        return samples_[(count_ - 1) * part / 1000];
    }
    void print_json() const;
    void sort();
    void sift_down(std::size_t root, std::size_t end);

    const char* name_{};
    const char* reason_{};
    long detail_{};
    std::size_t count_{};
    unsigned results_{};
    unsigned failures_{};
    std::uint64_t samples_[capacity]{};
};

} // namespace chorale::bench
