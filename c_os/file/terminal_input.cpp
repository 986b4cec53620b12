// What a terminal does with what its device receives.
#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

namespace {

constexpr u8 disabled = 0; // a character that is set to it is none

} // namespace

TerminalAttributes Terminal::default_attributes() {
    TerminalAttributes attributes{.input_flags = input_cr_to_nl | input_flow_control | input_utf8,
                                  .output_flags = output_process | output_nl_to_crnl,
                                  .control_flags = control_default,
                                  .local_flags = local_signals | local_canonical | local_echo |
                                                 local_echo_erase | local_echo_kill | local_echo_control |
                                                 local_echo_kill_line | local_extended,
                                  .line = 0,
                                  .characters = {}};
    u8* const characters = attributes.characters;
    characters[character_interrupt] = 3;   // ^C
    characters[character_quit] = 28;       // ^\.
    characters[character_erase] = 127;     // DEL
    characters[character_kill] = 21;       // ^U
    characters[character_end_of_file] = 4; // ^D
    characters[character_minimum] = 1;
    characters[character_start] = 17;        // ^Q
    characters[character_stop] = 19;         // ^S
    characters[character_suspend] = 26;      // ^Z
    characters[character_reprint] = 18;      // ^R
    characters[character_discard] = 15;      // ^O
    characters[character_erase_word] = 23;   // ^W
    characters[character_literal_next] = 22; // ^V
    return attributes;
}

bool Terminal::is(u8 byte, TerminalCharacter which) const {
    return byte != disabled && attributes_.characters[which] == byte;
}

void Terminal::mark_line_end(u64 place, bool ends) {
    u64& word = line_ends_[place % input_size / 64];
    const u64 bit = u64{1} << (place % 64);
    word = ends ? word | bit : word & ~bit;
}

void Terminal::tell_readers() {
    readers_.wake_all();
    polled_.wake();
}

void Terminal::input(std::span<const u8> bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        std::optional<TerminalSignal> signal;
        TerminalEvents* events = nullptr;
        int group = 0;
        {
            const Lock lock{mutex_};
            while (at < bytes.size() && !signal) signal = receive(bytes[at++]);
            flush();
            events = events_;
            group = group_;
        }
        if (signal && events != nullptr) events->on_signal_character(*signal, group);
    }
}

void Terminal::hang_up() {
    TerminalEvents* events = nullptr;
    int group = 0;
    {
        const Lock lock{mutex_};
        hung_up_ = true;
        tell_readers();
        writers_.wake_all();
        events = events_;
        group = group_;
    }
    if (events != nullptr) events->on_signal_character(TerminalSignal::hang_up, group);
}

std::optional<TerminalSignal> Terminal::signal_of(u8 byte) const {
    if (!local(local_signals)) return {};
    if (is(byte, character_interrupt)) return TerminalSignal::interrupt;
    if (is(byte, character_quit)) return TerminalSignal::quit;
    if (is(byte, character_suspend)) return TerminalSignal::suspend;
    return {};
}

// Whether the byte was for that only.
bool Terminal::control_flow(u8 byte) {
    if (!received_as(input_flow_control)) return false;
    const bool start = is(byte, character_start), stop = is(byte, character_stop);
    if (start || (stopped_ && !stop && received_as(input_any_restarts))) {
        stopped_ = false;
        writers_.wake_all();
        polled_.wake();
    } else if (stop) {
        stopped_ = true;
    }
    return start || stop;
}

std::optional<TerminalSignal> Terminal::receive(u8 byte) {
    if (received_as(input_strip)) byte &= 0x7f;
    if (literal_next_) {
        literal_next_ = false;
        echo(byte);
        if (!append(byte, false) && received_as(input_bell_when_full)) put('\a');
        return {};
    }
    if (const std::optional<TerminalSignal> signal = signal_of(byte)) {
        if (!local(local_no_flush)) flush_input();
        echo(byte);
        return signal;
    }
    if (control_flow(byte)) return {};
    if (byte == '\r') {
        if (received_as(input_ignore_cr)) return {};
        if (received_as(input_cr_to_nl)) byte = '\n';
    } else if (byte == '\n' && received_as(input_nl_to_cr)) {
        byte = '\r';
    }
    if (local(local_canonical)) {
        if (!edit(byte)) receive_in_line(byte);
        return {};
    }
    echo(byte);
    if (!append(byte, false) && received_as(input_bell_when_full)) put('\a');
    return {};
}

void Terminal::receive_in_line(u8 byte) {
    if (is(byte, character_end_of_file)) {
        end_line(disabled, true);
    } else if (byte == '\n' || is(byte, character_end_of_line) ||
               (is(byte, character_end_of_line_2) && local(local_extended))) {
        end_line(byte, false);
    } else {
        if (written_ == lines_end_) line_column_ = column_;
        if (append(byte, false))
            echo(byte);
        else if (received_as(input_bell_when_full))
            put('\a');
    }
}

// The end of the file is a line's end that nobody reads: a byte that is disabled.
void Terminal::end_line(u8 byte, bool is_end_of_file) {
    if (!append(byte, true)) return;
    if (is_end_of_file) return;
    if (byte == '\n' && !local(local_echo) && local(local_echo_nl)) put('\n');
    echo(byte);
}

// The last place is for the end of a line, so that a full line can be ended.
bool Terminal::append(u8 byte, bool ends) {
    const bool canonical = local(local_canonical);
    const std::size_t limit = canonical && !ends ? input_size - 1 : input_size;
    if (written_ - read_ >= limit) return false;
    mark_line_end(written_, ends);
    input_at(written_++) = byte;
    if (ends || !canonical) {
        lines_end_ = written_;
        tell_readers();
    }
    return true;
}

void Terminal::flush_input() {
    read_ = lines_end_ = written_;
    literal_next_ = false;
}

// What has been received is a line from now on, or no lines any more.
void Terminal::change_mode() {
    if (local(local_canonical) && written_ != read_) {
        for (u64 place = read_; place != written_; ++place) mark_line_end(place, place + 1 == written_);
    }
    lines_end_ = written_;
    literal_next_ = false;
}

} // namespace chorale::c_os
