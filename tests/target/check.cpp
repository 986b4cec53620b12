// The lines that the harness prints.
#include "check.hpp"

namespace chorale::test {

void Report::fail(const char* file, int line, const char* text, long actual, long expected) {
    if (failures_++ == 0) {
        format_text(detail_, sizeof(detail_), "%s:%d: %s = %ld, not %ld", file, line, text, actual, expected);
    }
}

void Report::note(const char* label, unsigned long value) {
    if (failures_ == 0) {
        format_text(detail_, sizeof(detail_), "%s %lx", label, value);
    }
}

void Report::print_line() const {
    if (skipped_ != nullptr && failures_ == 0) {
        print("@test %s.%s ok skipped: %s\n", suite_, name_, skipped_);
        return;
    }
    print("@test %s.%s %s%s%s\n", suite_, name_, failures_ == 0 ? "ok" : "FAIL",
          detail_[0] != '\0' ? " " : "", detail_);
}

} // namespace chorale::test
