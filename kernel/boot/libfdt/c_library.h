/* The functions of a C library that libfdt's files call. tools/cmake/libfdt.cmake puts this before each of
 * them, and nowhere else: a C++ program has declarations of its own. */
#pragma once

#include <stddef.h>

/* Reading a tree calls memchr, memcmp and strlen; the others are named by code that the linker drops. */
void* memchr(const void* bytes, int wanted, size_t length);
int memcmp(const void* left, const void* right, size_t length);
void* memcpy(void* target, const void* source, size_t length);
void* memmove(void* target, const void* source, size_t length);
void* memset(void* target, int value, size_t length);
size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
char* strrchr(const char* text, int wanted);
