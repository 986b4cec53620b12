// ioctl() of terminals.
#include "c_os/base/user_memory.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/terminal.hpp"

#include <chorus/terminal.h>

namespace chorale::c_os {

namespace {

// <asm-generic/ioctls.h>
constexpr u32 get_attributes = 0x5401;        // TCGETS
constexpr u32 set_attributes_now = 0x5402;    // TCSETS
constexpr u32 set_attributes_drain = 0x5403;  // TCSETSW
constexpr u32 set_attributes_flush = 0x5404;  // TCSETSF
constexpr u32 send_break = 0x5409;            // TCSBRK
constexpr u32 control_flow_now = 0x540a;      // TCXONC
constexpr u32 flush_now = 0x540b;             // TCFLSH
constexpr u32 set_controlling = 0x540e;       // TIOCSCTTY
constexpr u32 get_process_group = 0x540f;     // TIOCGPGRP
constexpr u32 set_process_group_now = 0x5410; // TIOCSPGRP
constexpr u32 output_waiting = 0x5411;        // TIOCOUTQ
constexpr u32 get_window = 0x5413;            // TIOCGWINSZ
constexpr u32 set_window_now = 0x5414;        // TIOCSWINSZ
constexpr u32 input_waiting = 0x541b;         // FIONREAD
constexpr u32 give_up_controlling = 0x5422;   // TIOCNOTTY
constexpr u32 send_break_posix = 0x5425;      // TCSBRKP
constexpr u32 get_session = 0x5429;           // TIOCGSID

template <class T>
[[nodiscard]] Result<u64> answer(u64 argument, const T& value) {
    if (const Done done = put_to_user(argument, value); !done) return failed(done.error());
    return 0;
}

} // namespace

void Terminal::set_events(TerminalEvents* events) {
    const Lock lock{mutex_};
    events_ = events;
}

int Terminal::process_group() {
    const Lock lock{mutex_};
    return group_;
}

int Terminal::session() {
    const Lock lock{mutex_};
    return session_;
}

void Terminal::leave_session() {
    const Lock lock{mutex_};
    session_ = group_ = 0;
}

Result<u64> Terminal::set_attributes(u64 argument, bool flushes) {
    const Result<TerminalAttributes> wanted = get_from_user<TerminalAttributes>(argument);
    if (!wanted) return failed(wanted.error());
    const Lock lock{mutex_};
    const bool was_canonical = local(local_canonical);
    attributes_ = *wanted;
    if (was_canonical != local(local_canonical)) change_mode();
    if (flushes) flush_input();
    if (!received_as(input_flow_control)) stopped_ = false;
    tell_readers();
    writers_.wake_all();
    return 0;
}

Result<u64> Terminal::set_window(u64 argument) {
    const Result<WindowSize> wanted = get_from_user<WindowSize>(argument);
    if (!wanted) return failed(wanted.error());
    TerminalEvents* events = nullptr;
    int group = 0;
    {
        const Lock lock{mutex_};
        if (window_ == *wanted) return 0;
        window_ = *wanted;
        events = events_;
        group = group_;
    }
    if (events != nullptr) events->on_signal_character(TerminalSignal::window_changed, group);
    return 0;
}

// What was written has been sent already.
Result<u64> Terminal::flush_queues(u64 which) {
    if (which > 2) return failed(Error::einval);
    const Lock lock{mutex_};
    if (which != 1) flush_input();
    return 0;
}

Result<u64> Terminal::set_process_group(const JobIdentity& job, u64 argument) {
    const Result<int> group = get_from_user<int>(argument);
    if (!group) return failed(group.error());
    if (*group <= 0) return failed(Error::einval);
    TerminalEvents* events = nullptr;
    {
        const Lock lock{mutex_};
        events = events_;
    }
    if (events != nullptr && !events->is_group_of_session(*group, job.session)) return failed(Error::eperm);
    const Lock lock{mutex_};
    if (session_ != job.session) return failed(Error::enotty);
    group_ = *group;
    return 0;
}

void Terminal::offer_session(FileContext& context) {
    const JobIdentity job = context.job();
    if (job.process != job.session || context.terminal()) return;
    // It may be another session's already.
    if (const Result<u64> taken = take_session(context, false); !taken) return;
}

Result<u64> Terminal::take_session(FileContext& context, bool steal) {
    const JobIdentity job = context.job();
    if (job.process != job.session || job.session == 0) return failed(Error::eperm);
    if (const Ref<Terminal> own = context.terminal(); own.get() == this)
        return 0;
    else if (own)
        return failed(Error::eperm);
    {
        const bool may_steal = steal && context.credentials().root();
        const Lock lock{mutex_};
        if (session_ != 0 && session_ != job.session && !may_steal) return failed(Error::eperm);
        session_ = job.session;
        group_ = job.group;
    }
    context.set_terminal(Ref<Terminal>{*this});
    return 0;
}

Result<u64> Terminal::control_job(FileContext& context, u32 request, u64 argument) {
    if (request == set_controlling) return take_session(context, argument == 1);
    const JobIdentity job = context.job();
    if (context.terminal().get() != this) return failed(Error::enotty);
    switch (request) {
    case get_process_group:
        return answer(argument, process_group());
    case set_process_group_now:
        return set_process_group(job, argument);
    case get_session:
        return answer(argument, session());
    default: // give_up_controlling
        if (job.process == job.session) leave_session();
        context.set_terminal(nullptr);
        return 0;
    }
}

Result<u64> Terminal::control(FileContext& context, u32 request, u64 argument) {
    switch (request) {
    case get_attributes: {
        mutex_.lock();
        const TerminalAttributes attributes = attributes_;
        mutex_.unlock();
        return answer(argument, attributes);
    }
    case set_attributes_now:
    case set_attributes_drain:
        return set_attributes(argument, false);
    case set_attributes_flush:
        return set_attributes(argument, true);
    case get_window: {
        mutex_.lock();
        const WindowSize window = window_;
        mutex_.unlock();
        return answer(argument, window);
    }
    case set_window_now:
        return set_window(argument);
    case input_waiting: {
        mutex_.lock();
        const int waiting = static_cast<int>(lines_end_ - read_);
        mutex_.unlock();
        return answer(argument, waiting);
    }
    case CHORUS_TIOCGCOLUMN: {
        mutex_.lock();
        const int column = static_cast<int>(column_);
        mutex_.unlock();
        return answer(argument, column);
    }
    case output_waiting:
        return answer(argument, 0);
    case flush_now:
        return flush_queues(argument);
    case control_flow_now: {
        if (argument > 3) return failed(Error::einval);
        const Lock lock{mutex_};
        // TCOOFF, TCOON; the other two would stop the sender, which we do not.
        if (argument < 2) stopped_ = argument == 0;
        writers_.wake_all();
        polled_.wake();
        return 0;
    }
    case send_break:
    case send_break_posix:
        // What was written is sent, which is all that tcdrain() wants; a break nobody would notice.
        return 0;
    case set_controlling:
    case get_process_group:
    case set_process_group_now:
    case get_session:
    case give_up_controlling:
        return control_job(context, request, argument);
    default:
        return failed(Error::enotty);
    }
}

} // namespace chorale::c_os
