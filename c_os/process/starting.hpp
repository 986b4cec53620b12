// How processes come to be: created, given a program, started. Three steps for acreate, aload and astart; one
// after the other for afexecve. A step that fails leaves the process as it was.
#pragma once

#include "c_os/process/process.hpp"
#include "c_os/process/program_file.hpp"
#include "c_os/process/start_data.hpp"

namespace chorale::c_os {

// AcParam (am/afexec.h), read from its caller. Empty paths: as the parent has it.
struct StartRequest {
    int parent{}; // 0: C_OS itself
    bool trusted{};
    ProgramSpace space{ProgramSpace::any};
    bool may_supervise{};             // the parent may start supervisor actors
    bool supervisor{};                // what came of `space`
    bool stopped{};                   // it waits for a debugger
    FileContext* files{};             // the parent's
    const Credentials* credentials{}; // null: the parent's
    // Paths from the parent's directories; empty: as the parent has it.
    std::string_view standard[3]{}; // input, output, error
    std::string_view current{}, root{};
};

// An actor without memory and threads. Errors: enomem, eagain (too many), those of the redirections.
[[nodiscard]] Result<Ref<Process>> create_process(const StartRequest& request);
// Its program and its arguments. Errors: enoexec, enomem, e2big, ebusy (it has one).
[[nodiscard]] Done load_program(Process& process, const ProgramFile& file, const StartStrings& strings);
// Which space the actor is to be in. Errors: eperm.
[[nodiscard]] Done choose_space(StartRequest& request, const ProgramFile& file);
// Its first thread. Errors: enomem, eagain.
[[nodiscard]] Done start_process(Process& process, bool stopped);
// astart(): starts one that has a program, or lets one go on that waits for a debugger. Errors: einval (no
// program), ebusy (it runs), esrch (it has ended).
[[nodiscard]] Done start_or_continue(Process& process);
// One that was not started goes.
void discard_process(Process& process);

// All three. The caller holds the process. Errors: esrch (it was ended meanwhile).
[[nodiscard]] Result<Ref<Process>> start_program(const StartRequest& request, std::string_view path,
                                                 const StartStrings& strings);

} // namespace chorale::c_os
