// Options and published port names.
#include "environment.hpp"

#include "print.hpp"

#include <cstdint>

namespace chorale {
namespace {

// Sixteen hexadecimal digits.
bool parse_hex(const char* text, std::uint64_t& value) {
    value = 0;
    for (unsigned i = 0; i < 16; ++i) {
        const char c = text[i];
        if (c >= '0' && c <= '9') {
            value = value << 4 | static_cast<unsigned>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | static_cast<unsigned>(c - 'a' + 10);
        } else {
            return false;
        }
    }
    return true;
}

bool parse_ui(const char* text, KnUniqueId& ui) {
    return parse_hex(text, ui.uiHead) && text[16] == ':' && parse_hex(text + 17, ui.uiTail) &&
           text[33] == '\0';
}

} // namespace

const char* environment_text(const char* name, char (&buffer)[K_ENVVALUEMAX], const char* fallback) {
    unsigned int size = sizeof(buffer);
    return sysGetEnv(name, buffer, &size) >= 0 ? buffer : fallback;
}

unsigned long environment_number(const char* name, unsigned long fallback) {
    char buffer[K_ENVVALUEMAX];
    const char* text = environment_text(name, buffer, "");
    if (*text == '\0') {
        return fallback;
    }
    unsigned long value = 0;
    for (; *text != '\0'; ++text) {
        if (*text < '0' || *text > '9' || value > (~0UL - 9) / 10) {
            return fallback;
        }
        value = value * 10 + static_cast<unsigned long>(*text - '0');
    }
    return value;
}

unsigned running_cpus() {
    KnSysStatistics statistics{};
    sysStatistics(&statistics);
    return statistics.cpus == 0 ? 1 : static_cast<unsigned>(statistics.cpus);
}

bool same_text(const char* first, const char* second) {
    while (*first != '\0' && *first == *second) {
        ++first;
        ++second;
    }
    return *first == *second;
}

int publish_port(const char* name, const KnUniqueId& port) {
    char variable[K_ENVNAMEMAX];
    char value[K_ENVVALUEMAX];
    format_text(variable, sizeof(variable), "port.%s", name);
    format_text(value, sizeof(value), "%016lx:%016lx", port.uiHead, port.uiTail);
    return sysSetEnv(variable, value);
}

int find_port(const char* name, KnUniqueId& port, unsigned milliseconds) {
    char variable[K_ENVNAMEMAX];
    char value[K_ENVVALUEMAX];
    format_text(variable, sizeof(variable), "port.%s", name);
    for (unsigned waited = 0;; ++waited) {
        unsigned int size = sizeof(value);
        if (sysGetEnv(variable, value, &size) >= 0) {
            return parse_ui(value, port) ? K_OK : K_EINVAL;
        }
        if (waited >= milliseconds) {
            return K_ETIMEOUT;
        }
        sleep_milliseconds(1);
    }
}

void sleep_milliseconds(unsigned milliseconds) {
    const KnTimeVal time{static_cast<long>(milliseconds / 1000),
                         static_cast<long>(milliseconds % 1000) * K_NPERM};
    threadDelay(&time);
}

} // namespace chorale
