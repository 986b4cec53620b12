/* acap(2K): declared with the other calls of the actor manager. */
#pragma once

#include <am/afexec.h>
