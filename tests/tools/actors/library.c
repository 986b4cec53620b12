// What a C program expects of its library; the test compares what it prints.
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local int mine = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void* work(void* argument) {
    for (int i = 0; i < 10000; ++i) {
        pthread_mutex_lock(&lock);
        ++total;
        pthread_mutex_unlock(&lock);
    }
    mine += 1;
    errno = EBADF;
    return argument == NULL ? NULL : &total;
}

int main(int argc, char** argv) {
    pthread_t threads[4];
    errno = 0;
    for (int i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, work, argv);
    }
    for (int i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
    char* const text = malloc(1 << 20);
    memset(text, 'x', 1 << 20);
    text[5] = '\0';
    printf("%s %ld %d %d\n", text, total, mine, errno);
    printf("%.6f %Lg %a %5d|\n", sqrt(2.0 * argc), 0.125L, 0.5, -42);
    return 3;
}
