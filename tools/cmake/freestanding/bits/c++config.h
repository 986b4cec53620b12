// libstdc++'s configuration, less what needs a C library below it: <atomic> without futex waiting and
// threads, <string_view> and <algorithm> without wide characters. And less what only the host's processor
// has: these are its headers, whatever the target is.
#pragma once

#include_next <bits/c++config.h>

#undef _GLIBCXX_HAS_GTHREADS
#undef _GLIBCXX_HAVE_LINUX_FUTEX
#undef _GLIBCXX_USE_WCHAR_T
#undef _GLIBCXX_USE_FLOAT128
