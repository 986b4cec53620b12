#include "measures.hpp"

#include <string_view>

namespace chorale::bench {

// The selection is a list.
bool Context::wants(const char* group, const char* name) const {
    for (const char* begin = selection;;) {
        const char* end = begin;
        while (*end != '\0' && *end != ',') {
            ++end;
        }
        const std::string_view word{begin, static_cast<std::size_t>(end - begin)};
        if (word == "all" || word == group || word == name) {
            return true;
        }
        if (*end == '\0') {
            return false;
        }
        begin = end + 1;
    }
}

void report_failure(const Context& context, const char* name, const char* reason, long detail) {
    context.recorder.begin(name);
    context.recorder.fail(reason, detail);
    context.recorder.finish();
}

} // namespace chorale::bench
