#include "bench/host/structures.hpp"

#include "arch/host/cpu.hpp"
#include "bench/host/meter.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/names.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/space.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

namespace chorale {

namespace {

std::array<PerCpu*, bench::cpus> blocks;

} // namespace

PerCpu& cpu_at(CpuIndex index) { return *blocks[index]; }
unsigned cpu_count() { return bench::cpus; }

// There are no other CPUs' TLBs.
void flush_at_once(const TlbFlush& flush) { flush.apply(host::this_cpu().root); }

void panic(std::string_view reason, u64 value) {
    std::fprintf(stderr, "panic: %.*s (%llu)\n", static_cast<int>(reason.size()), reason.data(),
                 static_cast<unsigned long long>(value));
    std::abort();
}

namespace bench {

namespace {

void play(CpuIndex index) { machine::set_cpu_block(static_cast<PerCpuHot*>(blocks[index]), index); }

} // namespace

void start_structures() {
    for (CpuIndex index = 0; index < cpus; ++index) {
        blocks[index] = ::new (::operator new(PerCpu::bytes(cpus), std::align_val_t{cache_line})) PerCpu;
        blocks[index]->index = index;
        blocks[index]->slot = index * sizeof(PortSlot);
        blocks[index]->inbox.init(index, cpus);
        blocks[index]->inbox.poll(); // nobody halts, so nobody needs a doorbell
    }
    play(0);
    constexpr u64 begin = u64{1} << 20, end = u64{512} << 20;
    const boot::MemoryRange memory[] = {{begin, end}};
    initialise_frames(memory);
    start_cpu_caches();
    init_ports(cpus);
    init_names(machine::random_seed(), machine::random_seed());
}

struct Partner::Thread {
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void(const Leave&)> work;
    bool working{};
    Leave leave{};

    Thread() {
        // It is never ended: the process is, while it sleeps.
        std::thread{[this] { live(); }}.detach();
    }
    void live() {
        stay_on(places().second);
        play(1);
        for (;;) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [this] { return work != nullptr; });
            working = true;
            changed.notify_all();
            lock.unlock();
            work(leave);
            lock.lock();
            work = nullptr;
            working = false;
            leave = false;
            changed.notify_all();
        }
    }
};

Partner::Thread& Partner::thread() {
    static Thread& only = *new Thread;
    return only;
}

Partner::Partner(std::function<void(const Leave&)> work) {
    Thread& other = thread();
    std::unique_lock lock{other.mutex};
    other.work = std::move(work);
    other.changed.notify_all();
    other.changed.wait(lock, [&] { return other.working; });
}

Partner::~Partner() {
    Thread& other = thread();
    std::unique_lock lock{other.mutex};
    other.leave = true;
    other.changed.wait(lock, [&] { return other.work == nullptr; });
}

void add_benchmarks() {
    start_structures();
    add_mailboxes();
    add_queues();
    add_run_queues();
    add_timers();
    add_names();
    add_peer_hash();
    add_spaces();
    add_page_tables();
    add_memory();
    add_messages();
}

} // namespace bench

} // namespace chorale
