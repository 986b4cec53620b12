// What a flattened device tree says of a machine. The tree is read with libfdt; every property is distrusted:
// what does not fit is left out and reported, what cannot be trusted at all ends the boot with one clear
// line.
#pragma once

#include "formats/bytes.hpp"
#include "formats/callback.hpp"
#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"

#include <array>
#include <span>
#include <string_view>

namespace chorale::boot::device_tree {

using namespace formats;

// At most `Capacity` of them; more are counted, not kept.
template <class T, std::size_t Capacity>
class Bounded {
  public:
    [[nodiscard]] bool add(const T& value) {
        if (count_ == Capacity) {
            ++dropped_;
            return false;
        }
        items_[count_++] = value;
        return true;
    }
    [[nodiscard]] std::span<const T> all() const { return {items_.data(), count_}; }
    [[nodiscard]] std::size_t dropped() const { return dropped_; }

  private:
    std::array<T, Capacity> items_{};
    std::size_t count_{}, dropped_{};
};

struct Range {
    u64 begin, length;
};

enum class Mmu : u8 { none, sv39, sv48, sv57 };

struct Cpu {
    u64 hart;
    Mmu mmu;              // none: the hart has no supervisor mode with paging, it is not for us
    bool enabled;         // status is absent, "okay" or "ok"
    u32 controller;       // phandle of its local interrupt controller; 0: none
    std::string_view isa; // "riscv,isa", inside the tree
};

enum class Uart : u8 { none, ns16550, sifive };

struct Console {
    Uart kind;
    Range registers;
    u8 register_shift, register_width; // ns16550: log2 of the distance, bytes of one access
    u32 interrupt, interrupt_parent;   // 0: none
};

// An external-interrupt context of a controller: which hart it serves, and for which privilege.
struct Context {
    u32 index;      // position in interrupts-extended: the PLIC's context, the IMSIC's file
    u32 controller; // phandle of the hart's local controller
    u32 cause;      // 9: supervisor external, 11: machine external
};

struct Plic {
    Range registers;
    u32 phandle, sources;
    Bounded<Context, 2 * max_cpus> contexts;
};

struct Aplic {
    Range registers;
    u32 phandle, sources;
    u32 msi_parent;                      // phandle of its IMSIC; 0: it signals the harts directly
    bool supervisor;                     // its IMSIC or contexts are the supervisor's
    Bounded<Context, max_cpus> contexts; // direct mode only
};

// Each hart has an interrupt file: a page, and as many for its guests as 2^guest_index_bits leaves room for.
struct Imsic {
    Range registers;         // the first of `groups`
    u32 phandle, identities; // interrupt identities, the largest
    u8 guest_index_bits, hart_index_bits, group_index_bits, group_index_shift; // how an address is made
    bool supervisor;
    Bounded<Range, 8> groups;            // where the files are, one after the other
    Bounded<Context, max_cpus> contexts; // in the order of the interrupt files

    // Where the file of the context with that index is in memory; 0: nowhere.
    [[nodiscard]] u64 file(u32 index) const;
};
inline constexpr u64 imsic_page = 4096;

struct Machine {
    std::string_view model, command_line, stdout_path; // inside the tree
    Bounded<FirmwareRange, 64> memory;
    // Memory that must not be given out: /reserved-memory and the reservation block.
    Bounded<Range, 64> reserved;
    Range bank;             // linux,initrd-start and -end; length 0: none
    u32 timebase_frequency; // 0: not told
    Console console;
    Bounded<Cpu, 2 * max_cpus> cpus;
    Bounded<Plic, 4> plics;
    Bounded<Aplic, 8> aplics;
    Bounded<Imsic, 4> imsics;
    Range test_device; // sifive,test0: QEMU's way out; length 0: none
    Range calendar;    // google,goldfish-rtc: the battery clock; length 0: none
    Bytes random_seed; // rng-seed
};

// Called with one line for each thing that was left out.
using Report = Callback<void(std::string_view problem)>;

inline constexpr std::size_t size_limit = 2 << 20; // of a tree, as in Linux

// Reads the tree that begins at `tree`, a multiple of 8 (it may reach beyond its end: the header says how
// long it is), into a `machine` that is as made. False: there is no device tree, it is damaged, it names no
// memory or no harts, or reserves memory in a way that is not understood; `problem` says what is wrong with
// it. What a device lacks leaves out the device. Texts in `machine` stay inside `tree`.
[[nodiscard]] bool read(Bytes tree, Machine& machine, Report report, std::string_view& problem);

// How many bytes the header claims; 0: this is no device tree.
[[nodiscard]] std::size_t claimed_size(Bytes start);

} // namespace chorale::boot::device_tree
