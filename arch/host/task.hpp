// What user threads of the host machine run: coroutines. A Task may await another one, like a function that
// it calls; the innermost awaits a Trap, which is the only way out of user mode (user.hpp).
#pragma once

#include "arch/host/cpu.hpp"
#include "kernel/mem/protection.hpp"

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace chorale::host {

// Why user mode ended.
enum class TrapKind : u8 {
    none,
    call,       // a nucleus call; the registers are in the frame
    fault,      // user memory that is not there
    fpu,        // floating-point registers that are not loaded
    pause,      // nothing: interrupts are let in
    breakpoint, // its instruction
    no_program, // code may be executed where it is, but no program begins there
    foreign,    // a system call that is not the nucleus's, where its entry code has noticed
    exit,       // the thread's program, or the handler, has come to its end; `address`: with this result
};

struct Trap {
    TrapKind kind{};
    u64 address{}; // of a fault: where the access begins
    Protection access{};
    bool (*again)(void* what){}; // the access that faulted; true: it has succeeded
    void* what{};
    std::size_t size = 1; // of the access
};

template <class T>
class [[nodiscard]] Task;

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> caller{}; // who awaits this task; none: the thread itself
    struct Final {
        [[nodiscard]] bool await_ready() noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            const auto back = self.promise().caller;
            return back ? back : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object();
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() {}
};

} // namespace detail

template <class T = void>
class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task() = default;
    explicit Task(Handle handle) : handle_{handle} {}
    Task(Task&& other) noexcept : handle_{std::exchange(other.handle_, {})} {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    [[nodiscard]] bool await_ready() const { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) {
        handle_.promise().caller = caller;
        return handle_;
    }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
    }

    // For the thread that runs it.
    [[nodiscard]] std::coroutine_handle<> handle() const { return handle_; }
    [[nodiscard]] bool done() const { return handle_.done(); }

  private:
    Handle handle_{};
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
    return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> detail::Promise<void>::get_return_object() {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

class Native; // arch/host/native.hpp

// The user side of one nucleus thread; in supervisor mode there is one for each handler that runs on it.
struct UserThread {
    UserThread();
    ~UserThread();

    std::coroutine_handle<> next{}; // where it goes on
    machine::Frame* frame{};
    Trap trap{};
    u64 fault_pc{};                 // where the trap was a fault: a handler may have moved on from there
    uword stack_base{};             // of the frame's stack pointer at first
    uword stack_used{};             // bytes below that (Local, user.hpp)
    Task<void> program;             // in user mode
    std::unique_ptr<Native> native; // in supervisor mode
    UserThread* outer{};            // what the handler has interrupted
};

// Ends the coroutine's turn: user mode is left with `trap`.
struct LeaveUserMode {
    Trap trap;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> here) const {
        UserThread& thread = *this_cpu().running;
        thread.next = here;
        thread.trap = trap;
    }
    void await_resume() const {}
};

// ---- the programs --------------------------------------------------------------------------------------

// A program has an address, so that nucleus threads can start there: page-sized space is enough for all of
// them, in a region that is mapped executable at `code_base` in each actor.
using Program = std::function<Task<void>(u64 argument)>;

inline constexpr VirtAddr code_base{0x40'0000};
inline constexpr unsigned program_limit = 256;
inline constexpr uword program_spacing = page_size / program_limit;

VirtAddr add_program(Program program);
// Forgets all programs but the first `kept`, and the threads that do not live any more.
void forget_programs(unsigned kept);
[[nodiscard]] unsigned program_count();

// In the supervisor space, where a page of each supervisor actor stands for the same programs.
[[nodiscard]] const Program* program_at(u64 address);

// Makes the user side of the thread that runs with `frame`; nullptr: there is no program at its pc.
[[nodiscard]] UserThread* begin_thread(machine::Frame& frame);
// The handler that ran with `frame` has come to its end.
void end_handler(machine::Frame& frame);
// All of them, when the machine ends.
void forget_threads();

} // namespace chorale::host
