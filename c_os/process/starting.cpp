#include "c_os/process/starting.hpp"

#include "c_os/file/random.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/supervisor_program.hpp"
#include "c_os/process/tasks.hpp"

#include <chorus/statistics.h>
#include <mem/chMem.h>
#include <sched/chRr.h>

namespace chorale::c_os {

namespace {

constexpr unsigned default_priority = 150; // below boot actors and drivers

// K_EUNKNOWN: whoever knows its name has deleted the actor meanwhile.
[[nodiscard]] Error error_of(int status) {
    return status == K_EFULL ? Error::eagain : status == K_EUNKNOWN ? Error::esrch : Error::enomem;
}

[[nodiscard]] std::string_view last_part(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

// A user actor's start data are on its stack, a supervisor actor's where it asks for them (agetalparam).
[[nodiscard]] Done place(Process& process, const ProgramFile& file, const StartStrings& strings) {
    if (process.supervisor) {
        const Result<u64> entry = place_supervisor_program(process, file.bytes(), file.path());
        if (!entry) return failed(entry.error());
        const Result<u64> parameters = make_parameters(process, strings);
        if (!parameters) return failed(parameters.error());
        process.packed_parameters = *parameters;
        process.entry = *entry;
        return {};
    }
    const Result<Program> program = place_program(process, file.bytes(), file.path());
    if (!program) return failed(program.error());
    process.space.set_break(program->end);
    const Result<u64> stack = make_stack(process, *program, strings, file.path());
    if (!stack) return failed(stack.error());
    process.stack = *stack;
    process.entry = program->entry;
    return {};
}

void free_memory(const Process& process) {
    const KnRgnDesc all{0, 0, K_FREEALL, 0, nullptr, 0};
    rgnFree(&process.capability, &all);
}

// False: whoever knows its name has ended it while it was made.
[[nodiscard]] bool lives(const Process& process) {
    KnActorStatistics statistics{};
    return actorStatistics(&process.capability, &statistics) == K_OK;
}

// ---- what it has of files ---------------------------------------------------------------------------

[[nodiscard]] Done redirect(Process& process, const StartRequest& request) {
    constexpr u32 create_mode = 0666;
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        const std::string_view path = request.standard[descriptor];
        if (path.empty()) continue;
        const u32 flags = descriptor == 0 ? open_read_only : open_write_only | open_create | open_truncate;
        Result<Ref<OpenFile>> file =
            open_file(*request.files, at_current_directory, path, flags, create_mode);
        if (!file) return failed(file.error());
        if (const Done done = process.files.files.put(descriptor, std::move(*file), false); !done)
            return done;
    }
    return {};
}

[[nodiscard]] Result<Ref<Node>> directory(const StartRequest& request, std::string_view path) {
    if (path.empty()) return Ref<Node>{};
    return resolve(*request.files, at_current_directory, path, resolve_directory);
}

[[nodiscard]] Done inherit_files(Process& process, const StartRequest& request) {
    const Result<Ref<Node>> root = directory(request, request.root);
    if (!root) return failed(root.error());
    const Result<Ref<Node>> current = directory(request, request.current);
    if (!current) return failed(current.error());
    Inheritance inheritance;
    inheritance.root = *root;
    inheritance.current = *current ? *current : *root;
    inheritance.credentials = request.credentials;
    if (const Done done = process.files.begin_as_child(*request.files, inheritance); !done) return done;
    process.files.close_marked();
    process.files.set_job({process.id, process.id, request.files->job().session});
    return redirect(process, request);
}

} // namespace

Result<Ref<Process>> create_process(const StartRequest& request) {
    Ref<Process> process = processes().create(request.parent);
    if (!process) return failed(Error::eagain);
    process->trusted = request.trusted || request.supervisor;
    process->supervisor = request.supervisor;
    Done done = inherit_files(*process, request);
    if (done) {
        const KnActorPrivilege privilege = request.supervisor ? K_SUPACTOR
                                           : request.trusted  ? K_SYSTEMACTOR
                                                              : K_USERACTOR;
        KnCap actor{};
        int status = actorCreate(K_MYACTOR, &actor, privilege, K_ACTIVE);
        if (status == K_OK) {
            processes().set_capability(*process, actor);
            status = connect_exceptions(*process);
            if (status == K_OK) status = watch_end(*process);
            if (status != K_OK) actorDelete(&process->capability);
        }
        if (status != K_OK) done = failed(error_of(status));
    }
    if (!done) {
        const Lock lock{processes().mutex};
        processes().remove(*process);
        return failed(done.error());
    }
    process->space.prepare(process->capability, random_word());
    return process;
}

Done load_program(Process& process, const ProgramFile& file, const StartStrings& strings) {
    const Lock lock{process.loading};
    if (process.entry != 0) return failed(Error::ebusy);
    if (process.supervisor != file.relocatable()) return failed(Error::enoexec);
    if (const Done done = place(process, file, strings); !done) {
        free_memory(process);
        return done;
    }
    process.set_name(last_part(strings.first().empty() ? file.path() : strings.first()));
    actorName(&process.capability, nullptr, process.name);
    return {};
}

Done start_process(Process& process, bool stopped) {
    const KnRrThParms schedule{K_SCHED_RR, default_priority};
    const unsigned mode = process.supervisor ? K_SUPTHREAD : K_USERTHREAD;
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, mode, K_DEFAULT_STACK_SIZE, process.stack,
                                     static_cast<KnPc>(process.entry)};
    KnThreadLid thread = 0;
    int status = threadCreate(&process.capability, &thread, K_INACTIVE, &schedule, &start);
    if (status != K_OK) return failed(error_of(status));
    Task* const task = add_task(process, thread, process.id);
    if (task != nullptr) {
        attach_task(*task);
        if (stopped) status = threadStop(&process.capability, thread);
        {
            const Lock lock{processes().mutex};
            if (process.state == ProcessState::created) process.state = ProcessState::running;
            process.stopped = stopped;
        }
        if (status == K_OK) status = threadActivate(&process.capability, thread);
    }
    if (task != nullptr && status == K_OK) return {};
    threadDelete(&process.capability, thread);
    return failed(Error::enomem);
}

Done start_or_continue(Process& process) {
    const Lock loading{process.loading};
    ProcessState state;
    bool waits;
    {
        const Lock lock{processes().mutex};
        state = process.state;
        waits = process.stopped;
        process.stopped = false;
    }
    if (state == ProcessState::ended) return failed(Error::esrch);
    if (state == ProcessState::created)
        return process.entry == 0 ? Done{failed(Error::einval)} : start_process(process, false);
    if (!waits) return failed(Error::ebusy);
    // K_EUNKNOWN: it has been started, and has come to its end before the call.
    const int status = actorStart(&process.capability);
    return status == K_OK || status == K_EUNKNOWN ? Done{} : failed(Error::ebusy);
}

// The file says it where the request leaves it open. What runs beside the nucleus is for trusted actors, and
// in a secured system for root's.
Done choose_space(StartRequest& request, const ProgramFile& file) {
    if (request.space == ProgramSpace::any)
        request.space = file.relocatable() ? ProgramSpace::supervisor : ProgramSpace::user;
    request.supervisor = request.space == ProgramSpace::supervisor;
    if (!request.supervisor) return {};
    if (!request.may_supervise) return failed(Error::eperm);
    return {};
}

// Nobody is to hear of its end.
void discard_process(Process& process) {
    {
        const Lock lock{processes().mutex};
        const bool had_parent = std::exchange(process.parent, 0) != 0;
        // Somebody else has ended it meanwhile: it was kept for its parent.
        if (had_parent && process.state == ProcessState::ended) {
            processes().remove(process);
            return;
        }
    }
    end_process(Ref<Process>{process}, {});
}

Result<Ref<Process>> start_program(const StartRequest& request, std::string_view path,
                                   const StartStrings& strings) {
    ProgramFile file;
    if (const Done done = file.find(*request.files, path, request.space); !done) return failed(done.error());
    StartRequest wanted = request;
    if (const Done done = choose_space(wanted, file); !done) return failed(done.error());
    Result<Ref<Process>> process = create_process(wanted);
    if (!process) return process;
    Done done = load_program(**process, file, strings);
    if (done) done = start_process(**process, request.stopped);
    if (done) return process;
    const Error error = lives(**process) ? done.error() : Error::esrch;
    discard_process(**process);
    return failed(error);
}

} // namespace chorale::c_os
