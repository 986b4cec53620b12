#include "tests/host/core/cpus.hpp"

#include "kernel/ipc/port.hpp"

#include <machine/ipi.hpp>

#include <array>
#include <memory>

namespace chorale {

namespace {

std::array<std::unique_ptr<PerCpu>, max_cpus> blocks;
unsigned running;

} // namespace

PerCpu& cpu_at(CpuIndex index) { return *blocks.at(index); }
unsigned cpu_count() { return running; }

namespace test {

void make_cpus(unsigned count) {
    for (std::unique_ptr<PerCpu>& block : blocks) block.reset();
    running = count;
    for (CpuIndex index = 0; index < count; ++index) {
        blocks[index] = std::make_unique<PerCpu>();
        blocks[index]->index = index;
        blocks[index]->slot = index * sizeof(PortSlot);
        blocks[index]->inbox.init(index);
        machine::silence(index);
    }
    become_cpu(0);
}

void become_cpu(CpuIndex index) { machine::set_cpu_block(static_cast<PerCpuHot*>(&cpu_at(index)), index); }

} // namespace test

} // namespace chorale
