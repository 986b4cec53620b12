/* hello.c */
#include <stdio.h>
#include <unistd.h>

int main(void) {
    printf("Hello World! I am actor %d\n", getpid());
    return 0;
}
