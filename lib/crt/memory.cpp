// The functions that the compiler itself calls. Word by word where both sides are aligned alike.
#include <cstddef>
#include <cstdint>

extern "C" {

void* memcpy(void* __restrict destination, const void* __restrict source, std::size_t size);
void* memmove(void* destination, const void* source, std::size_t size);
void* memset(void* destination, int value, std::size_t size);
int memcmp(const void* first, const void* second, std::size_t size);
std::size_t strlen(const char* text);

using Word [[gnu::may_alias]] = std::uint64_t;

static bool both_aligned(const void* first, const void* second) {
    return ((reinterpret_cast<std::uintptr_t>(first) | reinterpret_cast<std::uintptr_t>(second)) &
            (sizeof(Word) - 1)) == 0;
}

void* memcpy(void* __restrict destination, const void* __restrict source, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    const auto* from = static_cast<const unsigned char*>(source);
    if (both_aligned(to, from)) {
        for (; size >= sizeof(Word); size -= sizeof(Word), to += sizeof(Word), from += sizeof(Word)) {
            *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
        }
    }
    for (; size != 0; --size) {
        *to++ = *from++;
    }
    return destination;
}

void* memmove(void* destination, const void* source, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    const auto* from = static_cast<const unsigned char*>(source);
    if (to <= from || to >= from + size) {
        return memcpy(destination, source, size);
    }
    while (size != 0) {
        --size;
        to[size] = from[size];
    }
    return destination;
}

void* memset(void* destination, int value, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    const auto byte = static_cast<unsigned char>(value);
    if (both_aligned(to, to)) {
        for (; size >= sizeof(Word); size -= sizeof(Word), to += sizeof(Word)) {
            *reinterpret_cast<Word*>(to) = Word{byte} * 0x0101010101010101U;
        }
    }
    for (; size != 0; --size) {
        *to++ = byte;
    }
    return destination;
}

int memcmp(const void* first, const void* second, std::size_t size) {
    const auto* a = static_cast<const unsigned char*>(first);
    const auto* b = static_cast<const unsigned char*>(second);
    for (; size != 0; --size, ++a, ++b) {
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
    }
    return 0;
}

std::size_t strlen(const char* text) {
    std::size_t length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    return length;
}

} // extern "C"
