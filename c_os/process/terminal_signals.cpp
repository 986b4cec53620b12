#include "c_os/process/terminal_signals.hpp"

#include "c_os/process/ending.hpp"

namespace chorale::c_os {

namespace {

class TerminalSignals final : public TerminalEvents {
  public:
    void on_signal_character(TerminalSignal signal, int process_group) override {
        int number = 0;
        if (signal == TerminalSignal::interrupt) number = number_of(Signal::interrupt);
        if (signal == TerminalSignal::quit) number = number_of(Signal::quit);
        if (signal == TerminalSignal::hang_up) number = number_of(Signal::hang_up);
        if (number == 0 || process_group == 0) return;
        for (Ref<Process> each = processes().after(0); each; each = processes().after(each->id)) {
            if (each->files.job().group == process_group) signal_process(each, number);
        }
    }

    bool is_group_of_session(int process_group, int session) override {
        for (Ref<Process> each = processes().after(0); each; each = processes().after(each->id)) {
            const JobIdentity job = each->files.job();
            if (job.group == process_group && job.session == session) return true;
        }
        return false;
    }
};

constinit TerminalSignals signals;

} // namespace

TerminalEvents& terminal_signals() { return signals; }

} // namespace chorale::c_os
