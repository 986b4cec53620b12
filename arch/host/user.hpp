// What a user program of the host machine can do: nucleus calls with real user pointers, messages in the
// register convention, its own memory, floating point. Everything is awaited: `co_await call(...)`.
#pragma once

#include "arch/host/native.hpp"
#include "arch/host/task.hpp"

#include <chorus.h>
#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/user_access.hpp>

#include <array>
#include <cstring>

namespace chorale::host {

// The numbers of the nucleus calls, by name.
#define CHORALE_NUMBER(number, name, ...) name = number,
enum class Call : u64 {
    message_call = MESSAGE_CALL,
    message_reply_receive = MESSAGE_REPLY_RECEIVE,
    message_send = MESSAGE_SEND,
    message_receive = MESSAGE_RECEIVE,
    CHORUS_LEAF_CALLS(CHORALE_NUMBER) CHORUS_BLOCK_CALLS(CHORALE_NUMBER)
};
#undef CHORALE_NUMBER

[[nodiscard]] inline machine::Frame& own_frame() { return *this_cpu().running->frame; }

// A call with C arguments; its result.
struct NucleusCall : LeaveUserMode {
    u64 number{};
    std::array<u64, 6> arguments{};
    void await_suspend(std::coroutine_handle<> here) const {
        LeaveUserMode::await_suspend(here);
        machine::Frame& frame = own_frame();
        frame.control = number << MESSAGE_NUMBER_SHIFT;
        std::memcpy(frame.arguments, arguments.data(), sizeof frame.arguments);
    }
    long await_resume() const { return static_cast<long>(own_frame().control); }
};

template <class T>
[[nodiscard]] u64 as_register(T value) {
    if constexpr (std::is_same_v<T, VirtAddr>) {
        return value.raw();
    } else {
        return static_cast<u64>(value);
    }
}

template <class... A>
[[nodiscard]] NucleusCall call(Call number, A... arguments) {
    static_assert(sizeof...(A) <= 6);
    return {{{TrapKind::call}}, static_cast<u64>(number), {as_register(arguments)...}};
}
// A number that may be no call's.
[[nodiscard]] inline NucleusCall raw_call(u64 number, const std::array<u64, 6>& arguments) {
    return {{{TrapKind::call}}, number, arguments};
}

// One that is not the nucleus's, which the machine's entry code finds out.
[[nodiscard]] inline NucleusCall foreign_call(u64 number, const std::array<u64, 6>& arguments) {
    return {{{TrapKind::foreign}}, number, arguments};
}

// ---- messages in registers -------------------------------------------------------------------------------

struct Words {
    u64 word[8]{};
};

struct MessageResult {
    long size; // or an error
    u64 port_li;
    u64 sequence;
    Words words;
    [[nodiscard]] bool stored() const { return size > 0 && (size & MESSAGE_STORED) != 0; }
    [[nodiscard]] long bytes() const {
        return size < 0 ? size : size & static_cast<long>(MESSAGE_STORED - 1);
    }
};

struct MessageOperation : LeaveUserMode {
    u64 control{}, name{}, tail{};
    VirtAddr descriptor{};
    Words words{};
    void await_suspend(std::coroutine_handle<> here) const {
        LeaveUserMode::await_suspend(here);
        machine::Frame& frame = own_frame();
        frame.control = control;
        frame.name = name;
        frame.tail = tail;
        frame.descriptor = descriptor.raw();
        frame.load_words(words.word);
    }
    MessageResult await_resume() const {
        const machine::Frame& frame = own_frame();
        MessageResult result{static_cast<long>(frame.control), frame.name, frame.tail, {}};
        frame.store_words(result.words.word);
        return result;
    }
};

[[nodiscard]] inline MessageOperation message_call(const KnUniqueId& port, const Words& words = {},
                                                   u64 size = 64, u64 flags = 0, VirtAddr descriptor = {}) {
    return {{{TrapKind::call}}, MESSAGE_CONTROL(u64{MESSAGE_CALL}, size) | flags,
            port.uiHead,        port.uiTail,
            descriptor,         words};
}
[[nodiscard]] inline MessageOperation message_send(const KnUniqueId& port, const Words& words, u64 size,
                                                   int source = K_DEFAULTPORT) {
    const u64 from = static_cast<u64>(source) << MESSAGE_SOURCE_SHIFT;
    return {{{TrapKind::call}}, MESSAGE_CONTROL(u64{MESSAGE_SEND}, size) | from,
            port.uiHead,        port.uiTail,
            VirtAddr{},         words};
}
[[nodiscard]] inline MessageOperation message_receive(int li, int delay = -1, u64 flags = 0,
                                                      VirtAddr descriptor = {}) {
    return {{{TrapKind::call}},   MESSAGE_CONTROL(u64{MESSAGE_RECEIVE}, u64{0}) | flags,
            static_cast<u64>(li), static_cast<u64>(delay),
            descriptor,           {}};
}
[[nodiscard]] inline MessageOperation message_reply_receive(int li, const Words& words = {}, u64 size = 64,
                                                            u64 flags = 0, VirtAddr descriptor = {}) {
    return {{{TrapKind::call}},   MESSAGE_CONTROL(u64{MESSAGE_REPLY_RECEIVE}, size) | flags,
            static_cast<u64>(li), 0,
            descriptor,           words};
}

// ---- the rest of user mode -------------------------------------------------------------------------------

// Lets interrupts in: a stretch of the program's own work.
[[nodiscard]] inline LeaveUserMode pause() { return {{TrapKind::pause}}; }
[[nodiscard]] inline LeaveUserMode breakpoint() { return {{TrapKind::breakpoint}}; }

// User memory, through the MMU. An access that faults is tried again when the nucleus has brought the page
// in; one that may not be ends the actor, as anywhere.
template <class T>
struct Load {
    VirtAddr at;
    T value{};
    bool await_ready() { return machine::user_read(&value, at, sizeof value); }
    void await_suspend(std::coroutine_handle<> here) {
        const auto again = [](void* what) { return static_cast<Load*>(what)->await_ready(); };
        LeaveUserMode{{TrapKind::fault, at.raw(), Protection::read, again, this, sizeof value}}.await_suspend(
            here);
    }
    [[nodiscard]] T await_resume() const { return value; }
};
template <class T>
[[nodiscard]] Load<T> load(VirtAddr at) {
    return {at};
}

template <class T>
struct Store {
    VirtAddr at;
    T value;
    bool await_ready() const { return machine::user_write(at, &value, sizeof value); }
    void await_suspend(std::coroutine_handle<> here) {
        const auto again = [](void* what) { return static_cast<Store*>(what)->await_ready(); };
        LeaveUserMode{{TrapKind::fault, at.raw(), Protection::write, again, this, sizeof value}}
            .await_suspend(here);
    }
    void await_resume() const {}
};
template <class T>
[[nodiscard]] Store<T> store(VirtAddr at, const T& value) {
    return {at, value};
}

// A variable on the thread's own user stack, for calls that take pointers.
template <class T>
class Local {
  public:
    Local() : thread_{this_cpu().running} {
        thread_->stack_used += size;
        at_ = (thread_->native == nullptr ? thread_->frame->sp : thread_->stack_base) - thread_->stack_used;
    }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { thread_->stack_used -= size; }

    [[nodiscard]] VirtAddr at() const { return VirtAddr{at_}; }
    [[nodiscard]] Load<T> get() const { return load<T>(at()); }
    [[nodiscard]] Store<T> set(const T& value) const { return store(at(), value); }

  private:
    static constexpr uword size = (sizeof(T) + 15) / 16 * 16;
    UserThread* thread_;
    uword at_;
};

// The first use since the thread got the CPU traps; the nucleus loads the registers and it is tried again.
struct UseFpu {
    bool await_ready() const { return this_cpu().fpu_on; }
    void await_suspend(std::coroutine_handle<> here) const {
        LeaveUserMode{{TrapKind::fpu}}.await_suspend(here);
    }
    // Valid until the next await.
    [[nodiscard]] u64* await_resume() const { return this_cpu().fpu; }
};
[[nodiscard]] inline UseFpu use_fpu() { return {}; }

} // namespace chorale::host
