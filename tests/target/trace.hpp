// What the threads of a case note in turn, to be compared with the sequence that must come out.
#pragma once

#include <atomic>
#include <initializer_list>

namespace chorale::test {

class Trace {
  public:
    void clear() { length_ = 0; }
    void note(unsigned value) {
        const unsigned at = length_.fetch_add(1);
        if (at < limit) {
            values_[at] = value;
        }
    }
    [[nodiscard]] unsigned length() const { return length_; }
    [[nodiscard]] bool is(std::initializer_list<unsigned> expected) const {
        if (length_ != expected.size()) {
            return false;
        }
        unsigned i = 0;
        for (const unsigned value : expected) {
            if (values_[i++] != value) {
                return false;
            }
        }
        return true;
    }

  private:
    static constexpr unsigned limit = 64;
    std::atomic<unsigned> length_;
    unsigned values_[limit]{};
};

} // namespace chorale::test
