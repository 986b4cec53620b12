#include "tests/host/core/cpus.hpp"

#include "kernel/ipc/port.hpp"

#include <machine/ipi.hpp>

#include <array>
#include <memory>
#include <new>

namespace chorale {

namespace {

struct Delete {
    void operator()(PerCpu* block) const {
        block->~PerCpu();
        ::operator delete(block, std::align_val_t{cache_line});
    }
};
std::array<std::unique_ptr<PerCpu, Delete>, max_cpus> blocks;
unsigned running;

} // namespace

PerCpu& cpu_at(CpuIndex index) { return *blocks.at(index); }
unsigned cpu_count() { return running; }

namespace test {

void make_cpus(unsigned count) {
    for (auto& block : blocks) block.reset();
    running = count;
    for (CpuIndex index = 0; index < count; ++index) {
        blocks[index].reset(::new (::operator new(PerCpu::bytes(count), std::align_val_t{cache_line}))
                                PerCpu);
        blocks[index]->index = index;
        blocks[index]->slot = index * sizeof(PortSlot);
        blocks[index]->inbox.init(index, count);
        machine::silence(index);
    }
    become_cpu(0);
}

void become_cpu(CpuIndex index) { machine::set_cpu_block(static_cast<PerCpuHot*>(&cpu_at(index)), index); }

} // namespace test

} // namespace chorale
