// What C_INIT does from its start on, on any system.
#pragma once

#include "c_init/actor_manager.hpp"

namespace chorale::c_init {

// Runs /image/sys_bank/sysadm.ini and /etc/rc.chorus, each if it is there, then the console. Returns the
// status of the last command when there is no console any more.
int run_c_init(ActorManager& actors, Site& site);

} // namespace chorale::c_init
