// A boot actor with the C library on the system console, as a user actor (build/<arch>/hello_bank.cpio) and
// as a supervisor actor (hello_supervisor_bank.cpio).
#include <chorus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* privilege_name(void) {
    KnActorPrivilege privilege = K_USERACTOR;
    actorPrivilege(K_MYACTOR, &privilege, NULL);
    return privilege == K_SUPACTOR ? "supervisor" : "user";
}

int main(int argc, char** argv) {
    printf("Hello World! I am %s, a %s actor with %d argument%s\n", argv[0], privilege_name(), argc - 1,
           argc == 2 ? "" : "s");
    int* const numbers = malloc(2 * sizeof(int));
    char* const word = malloc(40);
    printf("Type a word and two numbers:\n");
    if (scanf("%39s %d %d", word, &numbers[0], &numbers[1]) != 3) {
        printf("that was not what I asked for\n");
        return EXIT_FAILURE;
    }
    printf("%s: %d and %d make %d\n", word, numbers[0], numbers[1], numbers[0] + numbers[1]);
    free(word);
    free(numbers);
    return EXIT_SUCCESS; // exit() writes what is left in stdout
}
