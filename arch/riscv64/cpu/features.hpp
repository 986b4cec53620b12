// What the harts can do, from the device tree's ISA strings: what all that are used have.
#pragma once

#include "kernel/boot/device_tree.hpp"

#include <string_view>

namespace chorale::machine {

struct Features {
    bool floating_point; // F and D
    bool sstc;           // the supervisor sets its own timer
    bool sv48;
};
extern Features features;

// Whether `isa` ("rv64imafdc_zicsr_sstc") names the extension: a letter, or a longer name.
[[nodiscard]] bool has_extension(std::string_view isa, std::string_view extension);

// A hart that lacks what the nucleus needs is named on the console.
void detect_features(const boot::device_tree::Machine& machine, u64 boot_hart);

// Control registers of this hart: traps, interrupts, floating point, what user mode may read.
void enable_features();

} // namespace chorale::machine
