// How a line is edited until it ends, and what of it is shown.
#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

namespace {

[[nodiscard]] bool is_control(u8 byte) { return byte < ' ' || byte == 127; }
// Of UTF-8: a byte that goes on with a character.
[[nodiscard]] bool goes_on(u8 byte) { return (byte & 0xc0) == 0x80; }
[[nodiscard]] bool in_word(u8 byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte >= 0x80;
}

} // namespace

// Whether the byte was for that only.
bool Terminal::edit(u8 byte) {
    if (is(byte, character_erase)) {
        if (written_ == lines_end_) return true;
        erase_character();
        if (local(local_echo_erase))
            back_up();
        else
            echo(byte);
    } else if (is(byte, character_kill)) {
        kill_line(byte);
    } else if (is(byte, character_erase_word) && local(local_extended)) {
        erase_word(byte);
    } else if (is(byte, character_reprint) && local(local_extended)) {
        reprint(byte);
    } else if (is(byte, character_literal_next) && local(local_extended)) {
        literal_next_ = true;
        if (written_ == lines_end_) line_column_ = column_;
        // A caret stands there until the next character is shown over it.
        if (local(local_echo) && local(local_echo_control)) {
            put('^');
            put('\b');
        }
    } else {
        return false;
    }
    return true;
}

void Terminal::erase_character() {
    u8 byte = 0;
    do byte = input_at(--written_);
    while (received_as(input_utf8) && goes_on(byte) && written_ != lines_end_);
}

// As Linux: back over what is in no word, then over a word.
void Terminal::erase_word(u8 byte) {
    bool seen = false;
    while (written_ != lines_end_) {
        const bool word = in_word(input_at(written_ - 1));
        if (seen && !word) break;
        seen = seen || word;
        erase_character();
    }
    if (local(local_echo_erase))
        back_up();
    else
        echo(byte);
}

void Terminal::kill_line(u8 byte) {
    if (written_ == lines_end_) return;
    written_ = lines_end_;
    if (local(local_echo_kill_line) && local(local_echo_erase)) {
        back_up();
        return;
    }
    echo(byte);
    if (local(local_echo) && local(local_echo_kill)) put('\n');
}

void Terminal::reprint(u8 byte) {
    echo(byte);
    if (!local(local_echo)) return;
    put('\n');
    line_column_ = column_;
    for (u64 place = lines_end_; place != written_; ++place) echo(input_at(place));
}

u32 Terminal::column_after(u32 column, u8 byte) const {
    if (byte == '\t') return (column | 7) + 1;
    if (is_control(byte)) return local(local_echo_control) ? column + 2 : column;
    return received_as(input_utf8) && goes_on(byte) ? column : column + 1;
}

// Takes from the screen what is in the line no more.
void Terminal::back_up() {
    if (!local(local_echo)) return;
    u32 column = line_column_;
    for (u64 place = lines_end_; place != written_; ++place) column = column_after(column, input_at(place));
    while (column_ > column) {
        put('\b');
        put(' ');
        put('\b');
    }
}

void Terminal::echo(u8 byte) {
    if (!local(local_echo)) return;
    if (is_control(byte) && byte != '\t' && byte != '\n' && local(local_echo_control)) {
        put('^');
        put(byte ^ 0x40);
    } else {
        put(byte);
    }
}

} // namespace chorale::c_os
