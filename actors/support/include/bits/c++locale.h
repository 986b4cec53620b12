// Replaces libstdc++'s view of locales, which are glibc's there: only their type is needed, by declarations.
#pragma once

#include <locale.h>

namespace std {
typedef locale_t __c_locale;
}
