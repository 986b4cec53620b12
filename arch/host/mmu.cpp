// The host machine's physical memory and MMU.
#include <machine/mmu.hpp>
#include <machine/supervisor.hpp>

#include "arch/host/cpu.hpp"
#include "arch/host/engine.hpp"
#include "arch/host/memory.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <sys/mman.h>

namespace chorale::machine {

namespace {

using Geometry = PageTableGeometry;
using host::any_asid;
using host::Tlb;
using host::Translation;

constexpr uword alignment = uword{4} << 20;
constexpr u64 asid_mask = page_size - 1;
constexpr u64 keep_bit = u64{1} << 63;

[[nodiscard]] std::byte* reserve_memory() {
    void* const place = mmap(nullptr, memory_size + alignment, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) {
        std::perror("the host machine's memory");
        std::abort();
    }
    const uword skip = round_up(reinterpret_cast<uword>(place), alignment) - reinterpret_cast<uword>(place);
    return static_cast<std::byte*>(place) + skip;
}

std::atomic<unsigned> asids{4096}; // relaxed wherever it is used: a setting

[[nodiscard]] u64 loaded_asid() { return host::this_cpu().root & asid_mask; }

void forget_asid(u64 asid) {
    Tlb& tlb = host::this_cpu().tlb;
    tlb.erase(tlb.lower_bound({asid, 0}), tlb.lower_bound({asid + 1, 0}));
}

constexpr PhysAddr supervisor_table{page_size}, second_supervisor_table{2 * page_size};

[[nodiscard]] bool in_supervisor_range(VirtAddr address) {
    return address.raw() >= supervisor_begin && address.raw() < supervisor_end;
}

[[nodiscard]] Tlb::key_type key_of(VirtAddr address) {
    return {in_supervisor_range(address) ? any_asid : loaded_asid(), address.page_floor().raw()};
}

[[nodiscard]] Translation walk(u64 root, VirtAddr address) {
    PhysAddr table{root & Geometry::address_mask};
    bool write = true;
    for (unsigned level = Geometry::levels() - 1;; --level) {
        const uword shift = page_bits + level * Geometry::bits_per_level;
        u64* const slot = direct<u64>(table) + ((address.raw() >> shift) & (Geometry::entries - 1));
        // acquire: pairs with the release of the walker that linked the table
        const u64 entry = std::atomic_ref{*slot}.load(std::memory_order_acquire);
        write = write && (entry & Geometry::bit_write) != 0;
        if (!Geometry::present(entry)) return {0, level, 0};
        if (Geometry::leaf(entry, level)) {
            return {write ? entry : entry & ~Geometry::bit_write, level,
                    host::frame_age(Geometry::address(entry))};
        }
        table = Geometry::address(entry);
    }
}

// The frame has been given back while this CPU still had a way to it: a flush was forgotten, or came too
// late.
[[noreturn]] void report_stale(VirtAddr address, const Translation& known) {
    std::fprintf(stderr, "host machine: CPU %u uses a stale translation: page %#lx, frame %#lx was freed\n",
                 host::this_cpu().index, static_cast<unsigned long>(address.page_floor().raw()),
                 static_cast<unsigned long>(Geometry::address(known.entry).raw()));
    std::abort();
}

} // namespace

std::byte* memory_base() {
    static std::byte* const base = reserve_memory();
    return base;
}

u64 make_root(PhysAddr table, unsigned asid, bool keep) {
    return table.raw() | (asid_limit() > 1 ? asid : 0) | (keep ? keep_bit : 0);
}

// relaxed: see above
unsigned asid_limit() { return asids.load(std::memory_order_relaxed); }

void set_asid_limit(unsigned limit) { asids.store(limit, std::memory_order_relaxed); }

void load_root(u64 root) {
    host::engine().boundary(host::Boundary::space);
    host::this_cpu().root = root;
    if ((root & keep_bit) == 0) forget_asid(loaded_asid());
}

void invalidate_page(VirtAddr address) {
    host::engine().boundary(host::Boundary::space);
    Tlb& tlb = host::this_cpu().tlb;
    // As on the real machine, any address of a large page drops all of it.
    const Tlb::key_type small = key_of(address);
    const Tlb::key_type first{small.first, round_down(address.raw(), large_page_size)};
    tlb.erase(small);
    for (auto at = tlb.lower_bound(first); at != tlb.end() && at->first.first == first.first;) {
        if (at->first.second >= first.second + large_page_size) break;
        at = at->second.level != 0 ? tlb.erase(at) : std::next(at);
    }
}

void invalidate_asid(unsigned asid) {
    host::engine().boundary(host::Boundary::space);
    forget_asid(asid);
}

void invalidate_all() {
    host::engine().boundary(host::Boundary::space);
    host::this_cpu().tlb.clear();
}

// In the first megabyte, which is nobody's.
PhysAddr supervisor_root() {
    constexpr uword entry = supervisor_begin >> (page_bits + 3 * Geometry::bits_per_level);
    direct<u64>(supervisor_table)[entry % Geometry::entries] = Geometry::make_table(second_supervisor_table);
    return supervisor_table;
}

std::byte* user_byte(VirtAddr address, Protection access) {
    host::Cpu& cpu = host::this_cpu();
    const Tlb::key_type key = key_of(address);
    const bool high = key.first == any_asid;
    const u64 root = high ? supervisor_table.raw() : cpu.root;
    auto known = cpu.tlb.find(key);
    if (known == cpu.tlb.end()) {
        const Translation found = root == 0 ? Translation{} : walk(root, address);
        if (found.entry == 0) return nullptr;
        known = cpu.tlb.emplace(key, found).first;
    }
    const auto [entry, level, age] = known->second;
    const Protection needed = high ? access : access | Protection::user;
    if (!allows(Geometry::protection(entry), needed)) return nullptr;
    if (host::frame_age(Geometry::address(entry)) != age) report_stale(address, known->second);
    const uword span = page_size << (level * Geometry::bits_per_level);
    return direct<std::byte>(Geometry::address(entry) + (address.raw() & (span - 1)));
}

} // namespace chorale::machine
