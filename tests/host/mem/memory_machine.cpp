// The parts of the nucleus that the memory tests replace: the CPU blocks and panic().
#include "memory_machine.hpp"

#include "arch/host/cpu.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/entry.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace chorale {

namespace {

std::array<CpuCache, 8> caches;
thread_local CpuCache* mine = nullptr;
Space* space_in_use = nullptr;
std::function<void()> meanwhile;

} // namespace

void panic(std::string_view reason, u64) { throw test::Panic{std::string{reason}}; }

CpuCache* this_cpu_cache() { return mine; }

CpuCache* cpu_cache_at(CpuIndex index) { return index < caches.size() ? &caches[index] : nullptr; }

// One CPU has pages that are copied when they are written.
void flush_at_once(const TlbFlush& flush) {
    flush.apply(host::this_cpu().root);
    if (const auto what = std::exchange(meanwhile, {})) what();
}

Status on_page_fault(VirtAddr address, Protection access, FaultBy) {
    return space_in_use == nullptr ? Status::fault : space_in_use->resolve(address, access);
}

namespace test {

void use_space(Space* space) { space_in_use = space; }
void at_next_flush(std::function<void()> what) { meanwhile = std::move(what); }

void start_memory() {
    static const bool once = [] {
        const boot::MemoryRange ranges[] = {{memory_begin, hole_begin}, {hole_end, memory_end}};
        initialise_frames(ranges);
        return true;
    }();
    static_cast<void>(once);
}

OnCpu::OnCpu(CpuIndex index) { mine = &caches.at(index); }

OnCpu::~OnCpu() { mine = nullptr; }

void drain_caches() {
    std::vector<PhysAddr> frames;
    for (CpuIndex index = 0; index < caches.size(); ++index) {
        const OnCpu cpu{index};
        while (!caches[index].frames.empty()) frames.push_back(allocate_frame().value());
    }
    for (const PhysAddr frame : frames) free_frame(frame);
}

u64 free_frame_count() { return frame_statistics().free; }

} // namespace test

} // namespace chorale
