// The gates and the invocation of LAPs, as arch/*/supervisor have them in assembly.
#include <machine/supervisor.hpp>

#include "arch/host/dispatch.hpp"
#include "arch/host/engine.hpp"
#include "arch/host/native.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/lap/invoke.hpp"
#include "kernel/lap/lap.hpp"

#include <chorus/calls.hpp>
#include <chorus/message_registers.h>
#include <machine/cpu.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace chorale::machine {

namespace {

using host::Native, host::Trap, host::TrapKind, host::UserThread;

// ---- gates -----------------------------------------------------------------------------------------------

// At interrupt level it is a plain call of the handler.
[[nodiscard]] long enter_gate(unsigned number, const std::array<u64, 6>& arguments) {
    UserThread* const running = host::this_cpu().running;
    if (running == nullptr) return host::call_at_interrupt_level(number, arguments.data());
    Frame& frame = *running->frame;
    frame.control = u64{number} << MESSAGE_NUMBER_SHIFT;
    std::copy(arguments.begin(), arguments.end(), frame.arguments);
    running->trap = {TrapKind::call};
    running->native->leave(*running);
    return static_cast<long>(frame.control);
}

// Whatever the call's parameters are.
template <unsigned number>
[[clang::no_sanitize("function")]] long gate(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
    return enter_gate(number, {a, b, c, d, e, f});
}

template <std::size_t... number>
[[nodiscard]] constexpr auto make_gates(std::index_sequence<number...>) {
    return std::array<long (*)(u64, u64, u64, u64, u64, u64), sizeof...(number)>{&gate<number>...};
}
constexpr auto gates = make_gates(std::make_index_sequence<chorus::call_limit>());

// ---- LAPs ------------------------------------------------------------------------------------------------

// Places in code that only their addresses are wanted of.
enum Place : unsigned { handler_end, failed_end, detour_home, no_home, own_return, places };
constexpr char place[places]{};
[[nodiscard]] uword address_of(Place which) { return reinterpret_cast<uword>(&place[which]); }

// Anybody may come in here, and do anything.
void let_others() {
    UserThread& self = *host::this_cpu().running;
    self.trap = {TrapKind::pause};
    self.native->leave(self);
}

// An invocation on the native stack.
struct Invocation {
    Native::Exit exit; // first: where a failed one goes on
    LapFrame frame;
};

[[nodiscard]] Thread& current() { return *static_cast<Thread*>(current_thread()); }

void link(LapFrame& frame, const LapTarget& target, u32 kinds) {
    frame = {current().invocations.frames.load(), reinterpret_cast<uword>(target.owner) | kinds, target.lap,
             address_of(own_return)};
    current().invocations.frames.store(&frame);
}

// Where the frame says.
void go_back(const LapFrame& frame) {
    if (frame.return_address == lap_way_home()) chorale_come_home();
    if (frame.return_address == lap_abandoned()) Native::fetch_nothing(frame.return_address);
}

// With an error when a safe LAP has been deleted meanwhile.
[[nodiscard]] int come_back(const LapFrame& frame, int result) {
    if (result == K_OK && frame.safe() && frame.lap->dead.load() != 0) result = K_EABORT;
    current().invocations.frames.store(frame.outer);
    go_back(frame);
    return result;
}

[[nodiscard]] int invoke_plain(const LapTarget& target, u64 argument) {
    LapFrame frame;
    link(frame, target, 0);
    Native::run_code(target.handler, argument, target.cookie, 0);
    current().invocations.frames.store(frame.outer);
    go_back(frame);
    return K_OK;
}

[[nodiscard]] int invoke_guarded(const KnLapDesc& descriptor, const LapTarget& target, u32 kinds,
                                 u64 argument) {
    Invocation invocation;
    const UserThread& self = *host::this_cpu().running;
    self.native->note_exit(invocation.exit, self);
    link(invocation.frame, target, kinds); // A of the protocol
    if (setjmp(invocation.exit.place) != 0) {
        // The nucleus has taken the frame off the list.
        go_back(invocation.frame);
        return K_EFAIL;
    }
    let_others();
    if (target.lap->key.load() != descriptor.ldKey) return come_back(invocation.frame, K_EINVAL); // B
    Native::run_code(target.handler, argument, target.cookie, 0);
    let_others();
    return come_back(invocation.frame, K_OK);
}

} // namespace

uword call_gate(unsigned number) { return reinterpret_cast<uword>(gates.at(number)); }

VirtAddr handler_return_address() { return VirtAddr{address_of(handler_end)}; }
VirtAddr lap_failed() { return VirtAddr{address_of(failed_end)}; }
uword lap_way_home() { return address_of(detour_home); }
uword lap_abandoned() { return address_of(no_home); }
const uword lap_kept_size = offsetof(Invocation, frame);

extern "C" {

int chorale_lap_invoke(const void* given, void* argument) {
    const KnLapDesc& descriptor = *static_cast<const KnLapDesc*>(given);
    const LapTarget target = find_lap(descriptor);
    const auto word = reinterpret_cast<u64>(argument);
    if (target.lap == nullptr) return K_EINVAL;
    if (target.options == 0) return invoke_plain(target, word);
    if ((target.options & LAP_RAW) == 0) return invoke_guarded(descriptor, target, target.options, word);
    Native::run_code(target.handler, word, target.cookie, 0);
    return K_OK;
}

int chorale_lap_invoke_guarded(u64 number, u64 key, void* argument) {
    const KnLapDesc descriptor{number, key};
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr) return K_EINVAL;
    return invoke_guarded(descriptor, target, target.options | LAP_GUARDED, reinterpret_cast<u64>(argument));
}
}

} // namespace chorale::machine
