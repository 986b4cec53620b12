// The two names that <cwchar> must find for <string_view> to compile; nothing uses them.
#pragma once

typedef struct {
    int state;
} mbstate_t;
typedef unsigned int wint_t;
