// ipcbench: measures nucleus calls and messages, prints a table and one @json line for each result, and
// ends the system with its verdict. Options come from the boot command line through the environment: bench,
// bench.rounds, cpus.
#include "measures.hpp"
#include "services.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>

namespace chorale::bench {
namespace {

constexpr unsigned patience = 5000; // milliseconds until a server must have published its port
Recorder recorder;

bool run() {
    char selection[K_ENVVALUEMAX];
    const unsigned cpus = running_cpus();
    const Context context{recorder, cpus, static_cast<unsigned>(environment_number("bench.rounds", 0)),
                          environment_text("bench", selection, "all")};
    if (const int error = threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE); error < 0) {
        print("ipcbench: cannot go to CPU 0: error %d\n", error);
        return false;
    }
    sysSetEnv(client_started, "yes");
    print("ipcbench: %s on %u CPUs, counter %s%s\n", context.selection, cpus, machine::counter_name(),
          machine::emulated() ? " (emulated: times are not those of hardware)" : "");
    recorder.print_meta(cpus);
    measure_same_cpu(context);
    measure_queued(context);
    measure_laps(context);
    measure_objects(context);
    measure_messages(context);
    measure_rings(context);
    measure_scheduling(context);
    measure_cross_cpu(context);
    measure_scale(context);
    measure_flood(context);
    measure_memory(context);
    measure_latency(context);
    if (recorder.results() == 0) {
        print("ipcbench: nothing measured: bench=%s is no group or result for %u CPUs\n", context.selection,
              cpus);
        return false;
    }
    return !recorder.failed();
}

} // namespace

bool find_service(const Context& context, const char* name, const char* kind, unsigned cpu,
                  KnUniqueId& port) {
    static bool gave_up = false;
    int error = K_ETIMEOUT;
    for (unsigned waited = 0; waited < patience && error == K_ETIMEOUT && !gave_up; ++waited) {
        error = find_port(service_name(kind, cpu).text, port, 1);
        char reason[K_ENVVALUEMAX];
        gave_up = error == K_ETIMEOUT && *environment_text(server_failure, reason, "") != '\0';
    }
    gave_up = gave_up || error == K_ETIMEOUT;
    if (error < 0) {
        report_failure(context, name, "no server", error);
    }
    return error >= 0;
}

} // namespace chorale::bench

extern "C" int main() {
    const bool passed = chorale::bench::run();
    chorale::print("@done %s\n", passed ? "pass" : "FAIL");
    const KnRebootDesc verdict{passed ? KnRebootMode{K_REBOOT_SUCCESS} : KnRebootMode{K_REBOOT_FAILURE}};
    const int error = sysReboot(&verdict);
    chorale::print("ipcbench: sysReboot: error %d\n", error);
    return 1;
}
