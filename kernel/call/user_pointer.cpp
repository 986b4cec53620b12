#include "kernel/call/user_pointer.hpp"

namespace chorale {

// Byte by byte up to a page's end at most at once: what lies behind the NUL need not be readable.
Result<std::size_t> UserText::read(char* buffer, std::size_t size) const {
    std::size_t length = 0;
    while (length < size) {
        const VirtAddr at = address_ + length;
        std::size_t piece = 16 - (at.raw() & 15);
        if (piece > size - length) piece = size - length;
        if (!machine::copy_in(buffer + length, at, piece)) return Status::fault;
        for (std::size_t end = length + piece; length < end; ++length) {
            if (buffer[length] == '\0') return length;
        }
    }
    return Status::no_memory;
}

} // namespace chorale
