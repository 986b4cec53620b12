/* <am/afexec.h> by its 5.0 name. */
#pragma once

#include <am/afexec.h>
