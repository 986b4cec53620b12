/* What the line editor (linenoise.c of jimtcl) asks of UTF-8, with the C library's idea of a character's
 * width. jimtcl's own file of this name wants a table that its build makes.
 *
 * Bytes that are no UTF-8 count as characters of one byte. Strings end with a NUL. */
#pragma once

#include <wchar.h>

#define MAX_UTF8_LEN 4
#define utf8_getchars utf8_fromunicode

/* How many bytes a character has that begins with this one. */
static inline int utf8_charlen(int first) {
    if ((first & 0xe0) == 0xc0) return 2;
    if ((first & 0xf0) == 0xe0) return 3;
    if ((first & 0xf8) == 0xf0) return 4;
    return 1;
}

/* Writes the character, without a NUL; returns its bytes. */
static inline int utf8_fromunicode(char* text, unsigned character) {
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const int length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; --i) {
        text[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    text[0] = (char)(first[length == 1 ? 0 : length] | character);
    return length;
}

/* Reads a character; returns its bytes. */
static inline int utf8_tounicode(const char* text, int* character) {
    const unsigned char* bytes = (const unsigned char*)text;
    const int length = utf8_charlen(bytes[0]);
    *character = length == 1 ? bytes[0] : bytes[0] & (0x7f >> length);
    for (int i = 1; i < length; ++i) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *character = bytes[0];
            return 1;
        }
        *character = *character << 6 | (bytes[i] & 0x3f);
    }
    return length;
}

/* How many bytes the first characters have. */
static inline int utf8_index(const char* text, int characters) {
    const char* place = text;
    int ignored;
    while (characters-- > 0 && *place != '\0') place += utf8_tounicode(place, &ignored);
    return (int)(place - text);
}

/* How many characters the first bytes are; < 0: all of them. */
static inline int utf8_strlen(const char* text, int bytes) {
    const char* place = text;
    int characters = 0, ignored;
    while (*place != '\0' && (bytes < 0 || place < text + bytes)) {
        place += utf8_tounicode(place, &ignored);
        ++characters;
    }
    return characters;
}

/* How many columns it takes. */
static inline int utf8_width(int character) {
    const int width = wcwidth((wchar_t)character);
    return width < 0 ? 1 : width;
}
