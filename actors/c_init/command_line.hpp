// A line as somebody typed it, taken apart: words, redirections, `&`.
//
//   blanks part words; 'text' is taken as it is; "text" too, but for $NAME and \; \c is the character c
//   $NAME, ${NAME} and $? stand for values, which are not taken apart again; unset variables are empty
//   < file, > file, >> file, 2> file, 2>> file: redirections; & at the end: in the background
//   # at the beginning of a word: the rest is a comment
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chorale::c_init {

inline constexpr std::size_t line_limit = 65536; // bytes

struct Redirection {
    int descriptor;
    enum class Kind { read, write, append } kind;
    std::string path;
};

struct CommandLine {
    std::vector<std::string> words; // none: a blank line
    std::vector<Redirection> redirections;
    bool background{};
};

class Variables {
  public:
    // Appends the variable's value.
    virtual void append_value(std::string_view name, std::string& to) const = 0;

  protected:
    ~Variables() = default;
};

// Returns what is wrong with the line; empty: nothing, and `line` is what it says.
[[nodiscard]] std::string parse_line(std::string_view text, const Variables& variables, CommandLine& line);

// The word as it has to be typed to be taken as it is.
[[nodiscard]] std::string quoted(std::string_view word);

} // namespace chorale::c_init
