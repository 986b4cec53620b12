/* What BearSSL's files call of a C library; tools/cmake/bearssl.cmake puts this folder before them where
 * there is none. */
#pragma once

#include <stddef.h>

void* memcpy(void* target, const void* source, size_t length);
void* memmove(void* target, const void* source, size_t length);
void* memset(void* target, int value, size_t length);
int memcmp(const void* left, const void* right, size_t length);
size_t strlen(const char* text);
