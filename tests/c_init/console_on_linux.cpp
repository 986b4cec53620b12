// The console as a Linux program, for test_console.py and for trying it by hand.
#include "c_init/start_up.hpp"
#include "linux_site.hpp"

int main() {
    static chorale::c_init::LinuxActorManager actors;
    static chorale::c_init::LinuxSite site;
    return chorale::c_init::run_c_init(actors, site);
}
