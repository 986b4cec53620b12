#include "c_init/start_up.hpp"

#include "c_init/console.hpp"

#include <stdio.h>
#include <unistd.h>

namespace chorale::c_init {

namespace {

// The root that C_OS makes has no rc.chorus: it is there when sysadm.ini has mounted one that has it.
constexpr const char* start_files[] = {"/image/sys_bank/sysadm.ini", "/etc/rc.chorus"};

} // namespace

int run_c_init(ActorManager& actors, Site& site) {
    Terminal terminal;
    terminal.attach();
    ignore_terminal_signals();
    // The files of start-up are the system's own, whoever sits at the console.
    Session system = console_session();
    system.trusted = true;
    Shell shell{actors, site, terminal, std::move(system)};
    for (const char* const path : start_files) {
        if (access(path, R_OK) == 0) shell.run_file(path);
    }
    // Only now: they may have mounted the root that has /etc/security.
    shell.set_session(console_session());
    printf("C_INIT: console of site %d, user %s. Type `help`.\n", site.number(),
           shell.session().user.c_str());
    return run_console(shell);
}

} // namespace chorale::c_init
