// A message that is to be sent, as ipcsend and ipccall are told of it.
#pragma once

#include "commands/common.hpp"

namespace chorale::commands {

class Outgoing {
  public:
    // The options that say what it is: -x, -f, -a, -m. False: it is none of them.
    [[nodiscard]] bool take(const Options& options, int letter);
    // The port or group, then the words of the body.
    void take(std::span<char* const> operands);

    [[nodiscard]] KnMsgDesc message();
    [[nodiscard]] KnIpcDest destination() const;
    [[nodiscard]] std::size_t size() const { return body_.size(); }

  private:
    void read_file();

    bool hex_{};
    std::string file_, body_, annex_;
    bool has_annex_{};
    int mode_{K_BROADMODE};
    bool has_mode_{};
    KnUniqueId target_{};
};

// For the tables of options and the texts of --help.
inline constexpr Option outgoing_options[] = {
    {'x', "hex", false}, {'f', "file", true}, {'a', "annex", true}, {'m', "mode", true}};
#define CHORALE_OUTGOING_USAGE                                                                               \
    "  -x, --hex         the words are bytes in hexadecimal, not text\n"                                     \
    "  -f, --file FILE   the body is what the file has; -: the standard input\n"                             \
    "  -a, --annex TEXT  with an annex of 120 bytes: the text, then NULs\n"                                  \
    "  -m, --mode MODE   to a group: broad (each port), func (one of them)\n"

} // namespace chorale::commands
