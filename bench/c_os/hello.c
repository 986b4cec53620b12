/* What cos.spawn starts: the smallest program that does what a program does. */
#include <stdio.h>

int main(void) {
    puts("hello");
    return 0;
}
