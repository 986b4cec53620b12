// sysLog: formats here, so that the nucleus only copies. sysBench: sysTime in microseconds.
#include <exec/chTime.h>
#include <log/chLog.h>
#include <timer/chBench.h>

#include <cstdarg>

namespace {

// A line of the log; what does not fit is lost.
class Line {
  public:
    void put(char character) {
        if (length_ < SYSLOG_MAX_LINE) {
            text_[length_++] = character;
        }
    }
    void put(const char* text) {
        for (; *text != '\0'; ++text) {
            put(*text);
        }
    }
    void put(int number) {
        char digits[12];
        unsigned count = 0;
        unsigned left = number < 0 ? 0U - static_cast<unsigned>(number) : static_cast<unsigned>(number);
        do {
            digits[count++] = static_cast<char>('0' + left % 10);
            left /= 10;
        } while (left != 0);
        if (number < 0) {
            put('-');
        }
        while (count != 0) {
            put(digits[--count]);
        }
    }
    void write() const { sysLogWrite(text_, length_); }

  private:
    char text_[SYSLOG_MAX_LINE];
    unsigned length_{};
};

} // namespace

extern "C" {

void sysLog(const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    Line line;
    for (; *format != '\0'; ++format) {
        if (*format != '%') {
            line.put(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            line.put(va_arg(arguments, const char*));
            break;
        case 'd':
            line.put(va_arg(arguments, int));
            break;
        case 'c':
            line.put(static_cast<char>(va_arg(arguments, int)));
            break;
        case '\0':
            --format;
            break;
        default:
            line.put(*format);
            break;
        }
    }
    va_end(arguments);
    line.write();
}

int sysBench(int option, int* uTime) {
    KnTimeVal now{};
    if (option < K_BSTART || option > K_BSTOP) {
        return K_EINVAL;
    }
    if (uTime == nullptr) {
        return K_EFAULT;
    }
    if (const int error = sysTime(&now); error != K_OK) {
        return error;
    }
    *uTime = static_cast<int>(static_cast<unsigned long>(now.tmSec) * 1000000 +
                              static_cast<unsigned long>(now.tmNSec) / 1000);
    return K_OK;
}

} // extern "C"
