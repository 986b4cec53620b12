#include "kernel/supervisor/exports.hpp"

#include "kernel/call/names.hpp"
#include "kernel/supervisor/thread_level.hpp"

#include <chorus/calls.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

using namespace std::string_view_literals;

// Functions of the nucleus that run as the caller (kernel/supervisor/thread_level.hpp).
struct Function {
    std::string_view name;
    uword (*address)();
};
#define FUNCTION(name, function)                                                                             \
    Function {                                                                                               \
        #name##sv, [] { return reinterpret_cast<uword>(&thread_level::function); }                           \
    }
constexpr Function functions[] = {
    FUNCTION(svCopyIn, copy_in),
    FUNCTION(svCopyInString, copy_in_string),
    FUNCTION(svCopyOut, copy_out),
    FUNCTION(svCopyInside, copy_inside),
    FUNCTION(svSymbolAddress, symbol_address),
    FUNCTION(imsIntrMask_f, mask_interrupts),
    FUNCTION(imsIntrUnmask_f, unmask_interrupts),
    FUNCTION(imsIntrMaskCount, count_masks),
};
#undef FUNCTION

// Messages in the register convention, for the library: the gate of the fast calls' numbers.
constexpr std::string_view message_gate = "nucleusMessage"sv;

} // namespace

uword exported_symbol(std::string_view name) {
    if (name == message_gate) return machine::call_gate(0);
    if (name == "lapInvoke"sv) return reinterpret_cast<uword>(&machine::chorale_lap_invoke);
    for (const Function& function : functions) {
        if (function.name == name) return function.address();
    }
    for (unsigned number = chorus::first_leaf_call; number < chorus::call_limit; ++number) {
        if (call_name(number) == name) return machine::call_gate(number);
    }
    return 0;
}

} // namespace chorale
