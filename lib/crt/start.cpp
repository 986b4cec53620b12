// The first C++ code of every actor: static constructors, main, then the actor's end.
// Context: on the main thread; the nucleus passes no arguments, options are in the environment (sysGetEnv).
#include <chorus.h>

extern "C" {

using Constructor = void (*)();
extern const Constructor __init_array_start[];
extern const Constructor __init_array_end[];

int main();
[[noreturn]] void actor_start();
[[noreturn]] void thread_exit();

[[noreturn]] void actor_start() {
    for (const Constructor* constructor = __init_array_start; constructor != __init_array_end;
         ++constructor) {
        (*constructor)();
    }
    main();
    actorDelete(K_MYACTOR);
    thread_exit();
}

[[noreturn]] void thread_exit() {
    threadDelete(K_MYACTOR, K_MYSELF);
    for (;;) { // a thread that cannot end must at least not take a CPU
        threadDelay(K_NOTIMEOUT);
    }
}

} // extern "C"
