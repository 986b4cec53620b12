#include "c_init/text.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

namespace chorale::c_init {

std::string cause(int error) {
    std::string text = strerror(error);
    // In the middle of a sentence; but not "I/O error".
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

int read_file(const char* path, std::size_t limit, std::string& text) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    int error = 0;
    char piece[4096];
    for (;;) {
        const ssize_t size = read(file, piece, sizeof piece);
        if (size < 0) error = errno;
        if (size <= 0) break;
        text.append(piece, static_cast<std::size_t>(size));
        if (text.size() <= limit) continue;
        error = EFBIG;
        break;
    }
    close(file);
    return error;
}

} // namespace chorale::c_init
