#include "arch/host/native.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/interrupt/level.hpp"
#include "kernel/supervisor/system_stack.hpp"

#include <cstdio>

#include <machine/supervisor.hpp>

#include <cstdlib>
#include <mutex>
#include <sys/mman.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_start_switch_fiber(void**, const void*, std::size_t) {}
static void __sanitizer_finish_switch_fiber(void*, const void**, std::size_t*) {}
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#endif

// Of the linker.
extern "C" {
extern const char __executable_start, etext;
}

namespace chorale::host {

namespace {

constexpr std::size_t stack_size = 256 << 10;

// Stacks that nobody runs on any more.
struct Unused {
    std::mutex mutex;
    std::vector<std::byte*> stacks;
};
[[nodiscard]] Unused& unused() {
    static auto* const unused = new Unused; // threads go as late as the process does
    return *unused;
}

[[nodiscard]] std::byte* take_stack() {
    {
        const std::lock_guard lock{unused().mutex};
        if (!unused().stacks.empty()) {
            std::byte* const stack = unused().stacks.back();
            unused().stacks.pop_back();
            return stack;
        }
    }
    void* const stack =
        mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        std::perror("the stack of a thread in supervisor mode");
        std::abort();
    }
    return static_cast<std::byte*>(stack);
}

[[nodiscard]] UserThread& running() { return *this_cpu().running; }

// As the nucleus calls it: whatever its parameters are.
[[clang::no_sanitize("function")]] u64 call_function(u64 address, u64 first, u64 second, u64 third) {
    return reinterpret_cast<u64 (*)(u64, u64, u64)>(address)(first, second, third);
}

// The process's own code. What else a handler's address may be is no code at all.
[[nodiscard]] bool is_function(u64 address) {
    return address >= reinterpret_cast<u64>(&__executable_start) && address < reinterpret_cast<u64>(&etext);
}

} // namespace

Native::Native() : stack_{take_stack()} {}

// Frames of functions may still be there; they have nothing to release.
Native::~Native() {
    while (!programs_.empty()) programs_.pop_back();
    ASAN_UNPOISON_MEMORY_REGION(stack_, stack_size);
    const std::lock_guard lock{unused().mutex};
    unused().stacks.push_back(stack_);
}

void Native::enter() {
    Cpu& cpu = this_cpu();
    void* fake = nullptr;
    if (!begun_) {
        getcontext(&context_);
        context_.uc_stack.ss_sp = stack_;
        context_.uc_stack.ss_size = stack_size;
        makecontext(&context_, &Native::begin, 0);
    }
    const Stack before = std::exchange(cpu.stack, {stack_, stack_size});
    __sanitizer_start_switch_fiber(&fake, stack_, stack_size);
    swapcontext(&back_, &context_);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
    cpu.stack = before;
}

void Native::leave(UserThread& user) {
    user.frame->sp = user.stack_base - user.stack_used;
    __sanitizer_start_switch_fiber(&fake_stack_, back_stack_, back_size_);
    swapcontext(&context_, &back_);
    __sanitizer_finish_switch_fiber(fake_stack_, &back_stack_, &back_size_);
    if (user.frame->pc == machine::lap_abandoned()) fetch_nothing(user.frame->pc);
    if (user.frame->pc == machine::lap_failed().raw()) fail(user);
}

// The end of the thread, or of a handler: nobody comes back here.
void Native::begin() {
    UserThread& user = running();
    Native& self = *user.native;
    self.begun_ = true;
    __sanitizer_finish_switch_fiber(nullptr, &self.back_stack_, &self.back_size_);
    const machine::Frame& frame = *user.frame;
    const u64 result = run_code(frame.pc, frame.arguments[0], frame.arguments[1], frame.arguments[2]);
    user.trap = {TrapKind::exit, result};
    self.leave(user);
    std::abort();
}

u64 Native::run_code(u64 address, u64 first, u64 second, u64 third) {
    if (const Program* const program = program_at(address)) {
        UserThread& user = running();
        user.native->run_program(user, *program, first);
        return 0;
    }
    if (is_function(address)) return call_function(address, first, second, third);
    fetch_nothing(address);
    return 0; // a handler of the exception has gone past it
}

void Native::fetch_nothing(u64 address) {
    UserThread& user = running();
    user.trap = {TrapKind::fault, address, Protection::execute, [](void*) { return false; }, nullptr, 1};
    user.native->leave(user);
}

void Native::run_program(UserThread& user, const Program& program, u64 argument) {
    const std::coroutine_handle<> interrupted = user.next;
    const std::size_t index = programs_.size();
    programs_.push_back(program(argument));
    user.next = programs_[index].handle();
    for (;;) {
        user.trap = {TrapKind::exit};
        user.next.resume();
        if (programs_[index].done()) break;
        leave(user);
    }
    programs_.pop_back();
    user.next = interrupted;
}

void Native::note_exit(Exit& exit, const UserThread& user) const {
    exit.programs = programs_.size();
    exit.stack_used = user.stack_used;
    exit.pc = user.frame->pc;
}

// The frame's stack pointer says which invocation has failed.
void Native::fail(UserThread& user) {
    Exit& exit = *reinterpret_cast<Exit*>(user.frame->sp);
    while (programs_.size() > exit.programs) programs_.pop_back();
    user.stack_used = exit.stack_used;
    user.frame->pc = exit.pc;
    user.trap = {TrapKind::none};
    longjmp(exit.place, 1);
}

bool Native::holds(VirtAddr start, std::size_t bytes) const {
    const auto begin = reinterpret_cast<uword>(stack_);
    return start.raw() >= begin && start.raw() - begin <= stack_size &&
           bytes <= begin + stack_size - start.raw();
}

uword free_system_stack() {
    const SystemStack& stack = *chorale::this_cpu().current->supervisor.stack;
    const UserThread& user = running();
    const uword bottom = (stack.top - stack.size()).raw(), used_to = user.stack_base - user.stack_used;
    return used_to > bottom ? used_to - bottom : 0;
}

// Those of interrupt handlers are on the CPU's own stack, above this.
bool holds_variables(VirtAddr start, std::size_t bytes) {
    const Thread* const self = chorale::this_cpu().current;
    if (self == nullptr) return false;
    if (at_interrupt_level(*self)) {
        constexpr uword reach = 64 << 10;
        const auto here = reinterpret_cast<uword>(__builtin_frame_address(0));
        return start.raw() >= here && start.raw() - here <= reach && bytes <= here + reach - start.raw();
    }
    const UserThread* const user = self->frame.user;
    return user != nullptr && user->native != nullptr && user->native->holds(start, bytes);
}

} // namespace chorale::host
