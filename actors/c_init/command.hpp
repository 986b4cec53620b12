// The commands that C_INIT carries out itself. One table tells what they are, what they print when they are
// asked, and what the page docs/console.md says.
#pragma once

#include "c_init/actor_manager.hpp"

#include <span>
#include <string_view>

namespace chorale::c_init {

class Shell;

// A command with its words, while it runs. Results are statuses as programs have: 0, all went well; 1, it did
// not; 2, the command was written wrongly.
struct Invocation {
    Shell& shell;
    const std::vector<std::string>& words; // the command's own name is the first
    bool background;

    // "name: …" as an error; returns 1.
    [[gnu::format(printf, 2, 3)]] int failed(const char* format, ...) const;
    // The same, and how the command is written; returns 2.
    [[gnu::format(printf, 2, 3)]] int misused(const char* format, ...) const;
};

enum class Topic { actors, environment, files, system, shell };

struct Command {
    const char* name;
    const char* syntax; // behind the name
    const char* summary;
    const char* details; // paragraphs; of lines of at most 76 columns
    Topic topic;
    bool for_trusted; // users that are not trusted may not
    int (*run)(const Invocation&);
    bool is_program{}; // of /bin, that is run in a special way
};

[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] const Command* find_command(std::string_view name);

// "name syntax", what the command does, in the words of the table.
[[nodiscard]] std::string help_text(const Command& command);
[[nodiscard]] std::string overview(); // of all

// The families, each in a file of its name. Tables with names in alphabetical order.
[[nodiscard]] std::span<const Command> actor_commands();
[[nodiscard]] std::span<const Command> environment_commands();
[[nodiscard]] std::span<const Command> shell_commands();
[[nodiscard]] std::span<const Command> system_commands();

// Takes options from the front of a command's words, as getopt(3) would: -a -b value, -ab value; `--` ends
// them.
class Options {
  public:
    explicit Options(const Invocation& invocation) : words_{invocation.words} {}

    // The next option's letter; 0: there is none, the rest is operands.
    [[nodiscard]] char next();
    // The value of the option that next() returned; null: there is none.
    [[nodiscard]] const std::string* value();
    // The whole word that next() is in, for options of several letters.
    [[nodiscard]] std::string_view word() const { return words_[place_]; }
    // Takes the whole word.
    void take_word();
    [[nodiscard]] std::span<const std::string> operands() const { return std::span{words_}.subspan(place_); }

  private:
    const std::vector<std::string>& words_;
    std::size_t place_{1}, letter_{};
    std::string value_;
};

} // namespace chorale::c_init
