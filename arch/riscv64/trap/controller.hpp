// What external.cpp asks of an interrupt controller, whichever it is.
#pragma once

#include "kernel/boot/device_tree.hpp"

#include <optional>

namespace chorale::machine {

struct Controller {
    const char* name;
    u32 phandle;
    unsigned lines; // 1 to lines - 1 are there; 0: the machine has no such controller

    bool (*start_cpu)(CpuIndex cpu); // on that CPU; false: its hart is not served
    // The next line that has come to this CPU, acknowledged, and masked when it is a level line; 0: none that
    // anybody attached to.
    unsigned (*claim)();
    bool (*attach)(unsigned line, CpuIndex target); // leaves the line masked
    void (*mask)(unsigned line);
    void (*unmask)(unsigned line);
};

// The hart whose local interrupt controller has this phandle.
[[nodiscard]] const boot::device_tree::Cpu* find_hart(u32 local_controller);

// Which position a controller has for each hart.
class HartPositions {
  public:
    [[nodiscard]] bool add(u64 hart, u32 position);
    [[nodiscard]] std::optional<u32> find(CpuIndex cpu) const;
    [[nodiscard]] bool empty() const { return count_ == 0; }

  private:
    struct Entry {
        u64 hart;
        u32 position;
    };
    Entry entries_[max_cpus]{};
    unsigned count_{};
};

} // namespace chorale::machine
