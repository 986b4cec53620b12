// C_OS, the actor of the operating system: it makes actors from programs, gives them files, and serves the
// Linux system calls of their C library.
#include "c_os/bank.hpp"
#include "c_os/base/bytes.hpp"
#include "c_os/calls/clock.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/console.hpp"
#include "c_os/file/console.hpp"
#include "c_os/file/device.hpp"
#include "c_os/file/path.hpp"
#include "c_os/file/random.hpp"
#include "c_os/file/root.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/starting.hpp"
#include "c_os/process/tasks.hpp"
#include "c_os/process/terminal_signals.hpp"

#include <chorus.h>
#include <chorus/c_os_calls.h>
#include <supervisor/thread.hpp>
#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

// What comes from supervisor actors, as a KnSystemCall of theirs.
void on_invocation(void* argument, void*) {
    KnSystemCall call{};
    if (svCopyInside(argument, &call, sizeof call) != K_OK) return;
    Task* const task = current_task();
    call.result = task != nullptr ? serve_supervisor_call(*task, call) : -static_cast<long>(Error::enosys);
    static_cast<void>(svCopyInside(&call, argument, sizeof call));
}

[[nodiscard]] int connect_traps() {
    KnLapDesc lap{};
    int status = svLapCreate(K_MYACTOR, on_invocation, nullptr, K_LAP_SAFE, &lap);
    if (status == K_OK) status = svLapBind(&lap, C_OS_LAP, K_LAP_PROTECTED);
    if (status == K_OK) status = svLapCreate(K_MYACTOR, serve_trap, nullptr, K_LAP_SAFE, &lap);
    if (status == K_OK) status = svSysTrapHandlerConnect(K_TRAP_SYSTEMCALL, &lap);
    return status;
}

[[nodiscard]] Done open_console(FileContext& files) {
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        Result<Ref<OpenFile>> console =
            open_file(files, at_current_directory, "/dev/console", open_read_write);
        if (!console) return failed(console.error());
        if (const Done done = files.files.put(descriptor, std::move(*console), false); !done) return done;
    }
    return {};
}

// init=/bin/busybox,ls,-l: arguments are separated by commas.
[[nodiscard]] Done make_strings(StartStrings& strings, std::string_view words) {
    for (;;) {
        const std::size_t comma = words.find(',');
        if (const Done done = strings.add_argument(words.substr(0, comma)); !done) return done;
        if (comma == words.npos) break;
        words.remove_prefix(comma + 1);
    }
    for (const std::string_view variable : {"PATH=/bin", "HOME=/", "TERM=vt100"}) {
        if (const Done done = strings.add_variable(variable); !done) return done;
    }
    return {};
}

// It leads a session of its own, and the system ends with it.
[[nodiscard]] Done start(StartRequest& request, const StartStrings& strings) {
    ProgramFile file;
    Done done = file.find(*request.files, strings.first(), request.space);
    if (done) done = choose_space(request, file);
    if (!done) return done;
    const Result<Ref<Process>> process = create_process(request);
    if (!process) return failed(process.error());
    end_system_with(**process);
    (*process)->files.set_job({(*process)->id, (*process)->id, (*process)->id});
    done = load_program(**process, file, strings);
    if (done) done = start_process(**process, false);
    return done;
}

[[nodiscard]] Done start_first_program(const Ref<Node>& root) {
    char words[K_ENVVALUEMAX];
    unsigned size = sizeof words;
    if (sysGetEnv("init", words, &size) != K_OK) copy_bytes(words, "/bin/C_INIT", sizeof "/bin/C_INIT");
    FileContext files;
    files.begin(root, {});
    if (const Done done = open_console(files); !done) return done;
    StartStrings strings;
    if (const Done done = make_strings(strings, words); !done) return done;
    StartRequest request;
    request.trusted = request.may_supervise = true;
    request.files = &files;
    const Done done = start(request, strings);
    if (!done) say("{}: not started: error {}", strings.first(), static_cast<int>(done.error()));
    return done;
}

[[nodiscard]] TimeStamp time_stamp() {
    const u64 time = date();
    return {static_cast<std::int64_t>(time / nanoseconds_per_second),
            static_cast<u32>(time % nanoseconds_per_second)};
}

[[nodiscard]] RootSettings root_settings() {
    RootSettings settings;
    settings.clock = time_stamp;
    settings.bank = boot_bank();
    settings.secret[0] = random_word();
    settings.secret[1] = random_word();
    return settings;
}

// Names are unpredictable to whoever has not seen them: the nucleus makes them with a key of 128 bits, which
// comes from the firmware's seed and the CPU. Nobody has seen these, and nobody will.
void add_unseen_names() {
    KnUniqueId names[4]{};
    for (KnUniqueId& name : names) {
        if (const int port = portCreate(K_MYACTOR, &name); port >= 0)
            static_cast<void>(portDelete(K_MYACTOR, port));
    }
    add_entropy(names, sizeof names);
}

void serve() {
    make_call_table();
    add_unseen_names();
    if (!start_random()) say("this machine has no source of random numbers: they may be guessed");
    const Result<Ref<Node>> root = make_root(root_settings());
    if (!root) return say("no root file system: error {}", static_cast<int>(root.error()));
    if (!register_memory_devices() || !start_console(&terminal_signals()))
        return say("no memory for devices");
    int status = start_supervisor_thread({.body = [](std::uintptr_t) { read_console_input(); }});
    if (status >= 0) status = create_exception_handler();
    if (status == K_OK) status = start_reaper();
    if (status >= 0) status = connect_traps();
    if (status < 0) return say("cannot connect to the nucleus: error {}", status);
    if (!start_first_program(*root)) end_system(false);
    threadDelay(K_NOTIMEOUT_NOABORT);
}

} // namespace
} // namespace chorale::c_os

extern "C" int main() {
    chorale::c_os::serve();
    return 0;
}
