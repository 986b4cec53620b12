// Calling conventions for functions that are entered from assembly or never return.
#pragma once

// Nothing is saved for a caller that will not be returned to. The first argument is in r12.
#define CHORALE_NO_RETURN_CALL __attribute__((preserve_none))
// Of what only such functions call: they may as well contain it, as nothing is saved for it.
#define CHORALE_APART
