/* <am/afexec.h> by the name that the 5.0 guide gives it. */
#pragma once

#include <am/afexec.h>
