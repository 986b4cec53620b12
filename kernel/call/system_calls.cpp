#include "kernel/call/handlers.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/console_input.hpp"
#include "kernel/core/environment.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/mapper/paging.hpp"

#include <machine/cpu.hpp>
#include <machine/halt.hpp>
#include <machine/user_access.hpp>

namespace chorale::calls {

namespace {

struct Name {
    char text[K_ENVNAMEMAX];
    std::size_t length;
    [[nodiscard]] std::string_view view() const { return {text, length}; }
};

// A name that is too long is `too_long` to its caller.
[[nodiscard]] Status read_name(UserText from, Name& name, Status too_long) {
    const Result<std::size_t> length = from.read(name.text, sizeof name.text);
    if (!length.ok()) return length.status() == Status::fault ? Status::fault : too_long;
    name.length = length.value();
    return name.length == 0 ? Status::invalid : Status::ok;
}

} // namespace

long nullCall() { return K_OK; }

// ---- environment -------------------------------------------------------------------------------

long sysGetEnv(Thread&, UserText name_at, UserBytesOut value_at, UserInOut<unsigned int> size_at) {
    Name name;
    if (const Status status = read_name(name_at, name, Status::invalid); status != Status::ok) {
        return static_cast<long>(status);
    }
    const Result<unsigned int> room = size_at.read();
    if (!room.ok()) return K_EFAULT;
    char value[K_ENVVALUEMAX];
    const Result<unsigned> size = environment::get(name.view(), value);
    if (!size.ok()) return static_cast<long>(size.status());
    if (size_at.write(size.value()) != Status::ok) return K_EFAULT;
    if (size.value() > room.value()) return K_ENOMEM;
    return machine::copy_out(value_at.address, value, size.value()) ? K_OK : K_EFAULT;
}

long sysSetEnv(Thread&, UserText name_at, UserText value_at) {
    Name name;
    if (const Status status = read_name(name_at, name, Status::no_memory); status != Status::ok) {
        return static_cast<long>(status);
    }
    char value[K_ENVVALUEMAX];
    const Result<std::size_t> length = value_at.read(value, sizeof value);
    if (!length.ok()) return static_cast<long>(length.status());
    return static_cast<long>(environment::set(name.view(), {value, length.value()}));
}

long sysUnsetEnv(Thread&, UserText name_at) {
    Name name;
    const Status status = read_name(name_at, name, Status::invalid);
    return static_cast<long>(status == Status::ok ? environment::unset(name.view()) : status);
}

// ---- console, the end --------------------------------------------------------------

namespace {

void write_step(Thread& self);

// Until the text has been sent, a slice each time that the thread has the CPU.
void send_step(Thread& self) {
    const LongWork& work = self.work;
    if (!console_send(work.console_end)) {
        self.continuation = send_step;
    } else if (work.done < work.size) {
        self.continuation = write_step;
    }
}

constexpr std::size_t one_piece = 512; // as chIo.h promises

// A piece at a time, so that short texts of several threads do not mix and long ones hold nobody up.
void write_step(Thread& self) {
    LongWork& work = self.work;
    char piece[one_piece];
    const u64 left = work.size - work.done;
    const std::size_t size = left < sizeof piece ? left : sizeof piece;
    if (!machine::copy_in(piece, work.source + work.done, size)) {
        if (!await_missed(self, write_step)) self.frame.set_result(K_EFAULT);
        return;
    }
    work.console_end = console_append({piece, size});
    if (work.console_end != 0) work.done += size; // else no room yet: once more, after a slice
    self.frame.set_result(static_cast<long>(work.done));
    self.continuation = send_step;
}

} // namespace

long sysWrite(Thread& self, UserBytesIn text, unsigned int count) {
    self.work.source = text.address;
    self.work.size = count;
    self.work.done = 0;
    write_step(self);
    return no_result;
}

long sysRead(Thread& self, UserBytesOut text, unsigned int count) {
    if (count == 0) return 0;
    const char nothing = '\0';
    if (!machine::copy_out(text.address, &nothing, 1)) return K_EFAULT;
    queue_for_console(self, text.address, count);
    read_console(self);
    return no_result;
}

long sysPoll(Thread&, UserBytesOut text) {
    const char nothing = '\0';
    if (!machine::copy_out(text.address, &nothing, 1)) return K_EFAULT; // before a character is lost
    const int typed = poll_console();
    if (typed < 0) return 0;
    const auto character = static_cast<char>(typed);
    console_write({&character, 1});
    return machine::copy_out(text.address, &character, 1) ? 1 : long{K_EFAULT};
}

long sysReboot(Thread&, UserInOpt<KnRebootDesc> description) {
    KnRebootDesc how{K_REBOOT_COLD};
    if (description.given()) {
        const Result<KnRebootDesc> read = description.read();
        if (!read.ok()) return K_EFAULT;
        how = read.value();
    }
    if (how.mode <= K_REBOOT_FAILURE) console_flush();
    switch (how.mode) {
    case K_REBOOT_COLD:
        machine::restart();
    case K_REBOOT_SUCCESS:
        machine::power_off(machine::verdict_ok);
    case K_REBOOT_FAILURE:
        machine::power_off(machine::verdict_failure);
    default:
        return K_EINVAL;
    }
}

} // namespace chorale::calls
