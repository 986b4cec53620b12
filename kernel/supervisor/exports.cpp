#include "kernel/supervisor/exports.hpp"

#include "kernel/call/names.hpp"

#include <chorus/calls.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

using namespace std::string_view_literals;

// Messages in the register convention, for the library: the gate of the fast calls' numbers.
constexpr std::string_view message_gate = "nucleusMessage"sv;

} // namespace

uword exported_symbol(std::string_view name) {
    if (name == message_gate) return machine::call_gate(0);
    for (unsigned number = chorus::first_leaf_call; number < chorus::call_limit; ++number) {
        if (call_name(number) == name) return machine::call_gate(number);
    }
    return 0;
}

} // namespace chorale
