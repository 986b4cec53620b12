// Supervisor mode. What runs there is not awaited: it is C++ on a stack of its own, and the way into the
// nucleus is a switch to the CPU's stack. So the functions of the nucleus that run at thread level do so here
// too, and LAPs are called as functions. Programs (task.hpp) may be run there like any other code: each time
// one awaits something, whoever runs it goes into the nucleus in its place.
#pragma once

#include "arch/host/task.hpp"

#include <array>
#include <csetjmp>
#include <ucontext.h>
#include <vector>

namespace chorale::host {

class Native {
  public:
    Native();
    Native(const Native&) = delete;
    Native& operator=(const Native&) = delete;
    ~Native();

    // On the CPU's stack: this CPU's running thread goes on until it traps, or has come to its end.
    void enter();
    // On this one: into the nucleus, with the trap that is noted. Returns when the nucleus lets `user` go on.
    void leave(UserThread& user);

    // Code of a supervisor actor: a program's address, or that of a function.
    static u64 run_code(u64 address, u64 first, u64 second, u64 third);
    // Where there is none.
    static void fetch_nothing(u64 address);

    // What an invocation that may fail leaves to come back to: leave() goes on there when the nucleus says
    // so.
    struct Exit {
        jmp_buf place;
        std::size_t programs;
        uword stack_used;
        u64 pc;
    };
    void note_exit(Exit& exit, const UserThread& user) const;

    [[nodiscard]] bool holds(VirtAddr start, std::size_t bytes) const;

  private:
    static void begin();
    void run_program(UserThread& user, const Program& program, u64 argument);
    [[noreturn]] void fail(UserThread& user);

    ucontext_t context_{}, back_{};
    std::byte* stack_{};
    void* fake_stack_{}; // the address sanitizer's
    const void* back_stack_{};
    std::size_t back_size_{};
    bool begun_{};
    std::vector<Task<void>> programs_; // that run on it, outermost first
};

// Bytes of the running thread's system stack, in supervisor mode, below its variables (Local, user.hpp). A
// big variable must fit: beyond the guard page other threads' stacks begin.
[[nodiscard]] uword free_system_stack();

// Whether the variables of the code in supervisor mode that has made the call lie there.
[[nodiscard]] bool holds_variables(VirtAddr start, std::size_t bytes);

} // namespace chorale::host
