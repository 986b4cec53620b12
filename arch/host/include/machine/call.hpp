// Calling conventions for functions that never return. Nothing special here.
#pragma once

#define CHORALE_NO_RETURN_CALL
#define CHORALE_APART
