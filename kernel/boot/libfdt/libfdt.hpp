// libfdt's functions for C++, in which they have C linkage.
#pragma once

// First and outside the linkage specification: C++ versions of them would not bear it.
#include <climits>
#include <cstddef>
#include <cstdint>

extern "C" {
#include <libfdt.h>
}
