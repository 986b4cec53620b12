// A file of text, sent through a console to a program on the other side, which may meet lines of others
// there:
//
//   =ktrace= NUMBER CRC TEXT     each line, from 0 on; CRC-32 of NUMBER, a blank and TEXT, eight digits
//   =ktrace= end LINES CRC       the last one; of "end" and LINES in the same way
//
// tools/chorale/transfer.py reads this.
#pragma once

#include "commands/ktrace/output.hpp"

namespace chorale::ktrace {

// CRC-32 as zlib and Ethernet have it.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes);

// Sends what the descriptor has to read, from that line on. Returns 0, or an error of errno: EILSEQ for what
// is no text of lines of at most 8192 printable characters.
[[nodiscard]] int send_lines(int descriptor, std::uint64_t from, Output& output);

} // namespace chorale::ktrace
