// What a terminal does with what programs write, and with its echo.
#include "c_os/file/terminal.hpp"

namespace chorale::c_os {

void Terminal::flush() {
    if (sending_size_ != 0) output_.send(sending_, sending_size_);
    sending_size_ = 0;
}

void Terminal::put_raw(u8 byte) {
    if (sending_size_ == sizeof sending_) flush();
    sending_[sending_size_++] = static_cast<char>(byte);
}

void Terminal::put(u8 byte) {
    const auto process = [&](u32 flag) {
        return (attributes_.output_flags & (output_process | flag)) == (output_process | flag);
    };
    switch (byte) {
    case '\n':
        if (process(output_nl_to_crnl)) put_raw('\r');
        if (process(output_nl_to_crnl) || process(output_nl_is_cr)) column_ = 0;
        break;
    case '\r':
        if (process(output_no_cr_at_0) && column_ == 0) return;
        if (process(output_cr_to_nl)) byte = '\n';
        column_ = 0;
        break;
    case '\t': {
        const u32 next = (column_ | 7) + 1;
        if (process(output_tabs)) {
            for (; column_ < next; ++column_) put_raw(' ');
            return;
        }
        column_ = next;
        break;
    }
    case '\b':
        if (column_ != 0) --column_;
        break;
    default:
        if (process(output_upper_case) && byte >= 'a' && byte <= 'z') byte -= 'a' - 'A';
        // Bytes that go on with a character of UTF-8 take no column.
        if (byte >= ' ' && byte != 127 && (byte & 0xc0) != 0x80) ++column_;
    }
    put_raw(byte);
}

Result<std::size_t> Terminal::write(Buffer& from, bool blocks) {
    const std::size_t before = from.done();
    const auto ended = [&](Error error) -> Result<std::size_t> {
        if (from.done() == before) return failed(error);
        return from.done() - before;
    };
    while (from.left() != 0) {
        u8 part[256];
        const std::size_t size = from.left() < sizeof part ? from.left() : sizeof part;
        const Lock lock{mutex_};
        while (stopped_ && !hung_up_) {
            if (!blocks) return ended(Error::eagain);
            if (writers_.wait(mutex_) != Woken::yes) return ended(Error::eintr);
        }
        if (hung_up_) return ended(Error::eio);
        if (const Done done = from.take(part, size); !done) return ended(done.error());
        for (std::size_t i = 0; i < size; ++i) put(part[i]);
        flush();
    }
    return from.done() - before;
}

} // namespace chorale::c_os
