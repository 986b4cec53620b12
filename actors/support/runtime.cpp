// What libstdc++'s headers need at run time, over the C library: there is no C++ library to link. A program
// without memory ends; those in this folder bound what they need.
#include <bits/functexcept.h>

#include <cstdlib>
#include <errno.h>
#include <new>
#include <stdio.h>

namespace {

[[noreturn]] void end(const char* text) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
    std::abort();
}

} // namespace

void* operator new(std::size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) std::__throw_bad_alloc();
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace std {

void __throw_bad_alloc() { end("no memory"); }
void __throw_bad_array_new_length() { end("no memory"); }
void __throw_length_error(const char* what) { end(what); }
void __throw_logic_error(const char* what) { end(what); }
void __throw_out_of_range_fmt(const char* format, ...) { end(format); }

} // namespace std

extern "C" [[noreturn]] void __cxa_pure_virtual();
extern "C" void __cxa_pure_virtual() { end("a pure virtual call"); }
