/* No assembly here needs numbers of its own. */
#pragma once

#include "kernel/core/offsets.h"

#define FRAME_SIZE sizeof(::chorale::machine::Frame)
