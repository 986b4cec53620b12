// C_INIT: the actor that C_OS starts first, the interpreter of the start-up files and of the console's
// commands (docs/console.md).
#include "c_init/chorus_site.hpp"
#include "c_init/start_up.hpp"
#include "c_init/text.hpp"

#include <stdio.h>
#include <unistd.h>

int main() {
    static chorale::c_init::ChorusActorManager actors;
    static chorale::c_init::ChorusSite site;
    if (const int error = actors.begin(); error != 0) {
        fprintf(stderr, "C_INIT: no thread: %s\n", chorale::c_init::cause(error).c_str());
        return 1;
    }
    chorale::c_init::run_c_init(actors, site);
    // The actors in the background have their end reported to this one; it stays.
    for (;;) pause();
}
