/* <am/astat.h> by its 5.0 name. */
#pragma once

#include <am/astat.h>
