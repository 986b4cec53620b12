// What the commands of this folder have in common: options, names of ports, messages from words and files.
#pragma once

#include <chorus.h>

#include <span>
#include <string>
#include <string_view>

namespace chorale::commands {

// Says what is wrong, with the program's name before it. The first ends it with status 1, the second with 2.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);
[[noreturn, gnu::format(printf, 1, 2)]] void misuse(const char* format, ...);
// A nucleus call's error, in words.
[[nodiscard]] const char* reason(long error);

// Takes the program's options one after the other: as getopt(3), and --name for each letter that has one in
// `names`. Unknown ones end it; --help prints `usage` and ends it well.
struct Option {
    char letter;
    const char* name;
    bool takes_value;
};
class Options {
  public:
    Options(int argc, char** argv, const char* usage, std::span<const Option> known);
    [[nodiscard]] int next(); // the letter; -1: there is none
    [[nodiscard]] std::string_view value() const; // empty: it takes none
    // The value as a number of that range.
    [[nodiscard]] long long number(long long least, long long most) const;
    [[nodiscard]] std::span<char* const> operands() const;

  private:
    int argc_;
    char** argv_;
    const char* usage_;
    std::span<const Option> known_;
    int letter_{};
    std::string letters_;
};

// Ends the program with status 1 if its output could not be written, else with this status.
[[noreturn]] void finish(int status);

// ---- names ------------------------------------------------------------------------------------------------

// "head:tail", hexadecimal, as every command prints and takes the names of ports and groups.
[[nodiscard]] std::string text(const KnUniqueId& name);
// False: it is none.
[[nodiscard]] bool parse_name(std::string_view text, KnUniqueId& name);
// The name that the word is; ends the program when it is none.
[[nodiscard]] KnUniqueId port_name(std::string_view word);

// ---- messages ---------------------------------------------------------------------------------------------

// Whole bytes, two digits each; blanks between them. False: it is something else.
[[nodiscard]] bool parse_hex(std::string_view text, std::string& bytes);
// As it can be shown on a terminal: others than printable ones as \xHH.
[[nodiscard]] std::string printable(std::string_view bytes);
// 16 bytes a line: offset, digits, characters.
[[nodiscard]] std::string hex_dump(std::string_view bytes);

} // namespace chorale::commands
