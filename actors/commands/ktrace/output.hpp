// Text for a file: collected, written in large pieces, and counted. The first error is kept. A terminal gets
// each line by itself: what others write there meanwhile does not come in the middle of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chorale::ktrace {

class Output {
  public:
    explicit Output(int descriptor);
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    Output& operator<<(std::string_view text) {
        buffer_ += text;
        if (buffer_.size() >= piece) flush();
        return *this;
    }
    void flush();

    [[nodiscard]] std::uint64_t bytes() const { return written_ + buffer_.size(); }
    [[nodiscard]] int error() const { return error_; } // of errno; 0: all is well

  private:
    static constexpr std::size_t piece = 16384;

    int descriptor_;
    bool terminal_;
    std::string buffer_;
    std::uint64_t written_{};
    int error_{};
};

// ---- pieces of text ---------------------------------------------------------------------------------------

// "0x1f"
[[nodiscard]] std::string hex(std::uint64_t value);
// Nanoseconds as microseconds, with all three decimals.
[[nodiscard]] std::string microseconds(std::uint64_t nanoseconds);
// Blanks before or behind, up to that width.
[[nodiscard]] std::string right(std::string text, std::size_t width);
[[nodiscard]] std::string left(std::string text, std::size_t width);
// As a string of JSON, with its quotes; names may be any bytes.
[[nodiscard]] std::string json(std::string_view text);
// For a terminal: what cannot be printed is a question mark.
[[nodiscard]] std::string plain(std::string_view text);
// "head:tail" of a port or a group.
[[nodiscard]] std::string port(std::uint64_t head, std::uint64_t tail);

} // namespace chorale::ktrace
