// Calling conventions for functions that are entered from assembly or never return.
#pragma once

// The ordinary convention: the entry code passes the first argument in a0.
#define CHORALE_NO_RETURN_CALL
// Of what only such functions call, and seldom: else they save the registers that it needs each time.
#define CHORALE_APART [[gnu::noinline]]
