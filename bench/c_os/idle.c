/* One of the actors that are alive at once: says that it is, and stays. */
#include <unistd.h>

int main(void) {
    if (write(STDOUT_FILENO, "", 1) != 1) return 1;
    for (;;) pause();
}
