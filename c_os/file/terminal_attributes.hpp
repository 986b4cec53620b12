// What tcgetattr and TIOCGWINSZ tell, as Linux programs know it; the same on every machine that we have.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

struct TerminalAttributes {
    u32 input_flags, output_flags, control_flags, local_flags;
    u8 line;
    u8 characters[19];
};
static_assert(sizeof(TerminalAttributes) == 36);

struct WindowSize {
    u16 rows, columns, x_pixels, y_pixels;
    friend bool operator==(const WindowSize&, const WindowSize&) = default;
};

// input_flags
inline constexpr u32 input_break_signal = 02;       // BRKINT
inline constexpr u32 input_strip = 040;             // ISTRIP
inline constexpr u32 input_nl_to_cr = 0100;         // INLCR
inline constexpr u32 input_ignore_cr = 0200;        // IGNCR
inline constexpr u32 input_cr_to_nl = 0400;         // ICRNL
inline constexpr u32 input_lower_case = 01000;      // IUCLC
inline constexpr u32 input_flow_control = 02000;    // IXON
inline constexpr u32 input_any_restarts = 04000;    // IXANY
inline constexpr u32 input_bell_when_full = 020000; // IMAXBEL
inline constexpr u32 input_utf8 = 040000;           // IUTF8
// output_flags
inline constexpr u32 output_process = 01;     // OPOST
inline constexpr u32 output_upper_case = 02;  // OLCUC
inline constexpr u32 output_nl_to_crnl = 04;  // ONLCR
inline constexpr u32 output_cr_to_nl = 010;   // OCRNL
inline constexpr u32 output_no_cr_at_0 = 020; // ONOCR
inline constexpr u32 output_nl_is_cr = 040;   // ONLRET
inline constexpr u32 output_tabs = 014000;    // XTABS
// control_flags: 38400 baud, 8 bits, receiver on, no modem lines
inline constexpr u32 control_default = 017 | 060 | 0200 | 04000;
// local_flags
inline constexpr u32 local_signals = 01;           // ISIG
inline constexpr u32 local_canonical = 02;         // ICANON
inline constexpr u32 local_echo = 010;             // ECHO
inline constexpr u32 local_echo_erase = 020;       // ECHOE
inline constexpr u32 local_echo_kill = 040;        // ECHOK
inline constexpr u32 local_echo_nl = 0100;         // ECHONL
inline constexpr u32 local_no_flush = 0200;        // NOFLSH
inline constexpr u32 local_stop_output = 0400;     // TOSTOP
inline constexpr u32 local_echo_control = 01000;   // ECHOCTL
inline constexpr u32 local_echo_kill_line = 04000; // ECHOKE
inline constexpr u32 local_extended = 0100000;     // IEXTEN
// characters
enum TerminalCharacter : u8 {
    character_interrupt,
    character_quit,
    character_erase,
    character_kill,
    character_end_of_file,
    character_time,
    character_minimum,
    character_switch,
    character_start,
    character_stop,
    character_suspend,
    character_end_of_line,
    character_reprint,
    character_discard,
    character_erase_word,
    character_literal_next,
    character_end_of_line_2,
};

} // namespace chorale::c_os
