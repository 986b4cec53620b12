// What the arguments of fuzzed calls are made of: names and addresses that mean something, or nearly; hostile
// ones; structures of both in user memory. Which, says a choice of 32 bits from the input.
#pragma once

#include "arch/host/session.hpp"
#include "fuzz/calls_script.hpp"

#include <string>
#include <string_view>

namespace chorale::fuzz {

// Of physical memory, from svPhysAlloc.
struct Chunk {
    u64 address, size;
    bool mapped;
    friend bool operator==(const Chunk&, const Chunk&) = default;
};

// What calls have returned, and the driver has made: to be used again.
struct Pools {
    std::vector<KnCap> actors;
    std::vector<KnUniqueId> ports;
    std::vector<int> locals;  // ids of ports and threads
    std::vector<u64> entries; // where programs begin
    std::vector<u64> regions;
    // In supervisor mode (calls_supervisor.hpp); empty in a script that does not come there.
    std::vector<KnLapDesc> laps;
    std::vector<u64> programs;  // where they begin in supervisor mode
    std::vector<u64> functions; // that can be handlers everywhere
    std::vector<u64> pages;     // that are nobody's
    std::vector<u64> interrupts;
    std::vector<Chunk> chunks;
    bool physical{}; // there have been any
};

// Memory of each thread for its arguments: in the actor's free data, no two threads' alike.
inline constexpr uword scratch_room = 2048;
inline constexpr uword argument_room = 320;
[[nodiscard]] constexpr VirtAddr scratch(unsigned list, unsigned argument) {
    return host::free_data + list * scratch_room + argument * argument_room;
}
static_assert(argument_limit * argument_room <= scratch_room);
static_assert(list_limit * scratch_room <= host::free_data_size);

// The bytes of a choice, and as many more numbers as are wanted.
class Choice {
  public:
    explicit Choice(u32 bits) : bits_{bits}, more_{bits} {}
    [[nodiscard]] u8 place() const { return static_cast<u8>(bits_); }
    [[nodiscard]] u8 first() const { return static_cast<u8>(bits_ >> 8); }
    [[nodiscard]] u8 second() const { return static_cast<u8>(bits_ >> 16); }
    [[nodiscard]] u8 third() const { return static_cast<u8>(bits_ >> 24); }
    [[nodiscard]] u64 more();

  private:
    u32 bits_;
    u64 more_;
};

class Values {
  public:
    // `system_stack`: a Scratch there, in supervisor mode.
    Values(const Pools& pools, unsigned list, VirtAddr system_stack = {})
        : pools_{&pools}, list_{list}, system_stack_{system_stack} {}

    // The register for the argument; what it points at is in the running thread's memory then, as far as
    // that can be written. `told`, if any, says what there is.
    [[nodiscard]] u64 make(const chorus::ArgumentInfo& info, unsigned index, u32 choice, std::string* told);

  private:
    [[nodiscard]] u64 value(const chorus::ArgumentInfo& info, Choice& choice) const;
    [[nodiscard]] bool supervisor_value(const chorus::ArgumentInfo& info, Choice& choice, u64& made) const;
    [[nodiscard]] u64 place(u8 kind, unsigned index, uword size) const;
    [[nodiscard]] u64 hostile(u8 kind, uword size) const;
    [[nodiscard]] bool supervisor() const { return system_stack_.raw() != 0; }
    [[nodiscard]] u64 supervisor_place(u8 kind, unsigned index, uword size) const;
    [[nodiscard]] u64 hostile_to_supervisor(u8 kind, uword size) const;
    [[nodiscard]] u64 code(u8 kind) const;
    void fill(std::string_view type, std::span<u8> bytes, Choice& choice) const;
    [[nodiscard]] bool fill_name(std::string_view type, std::span<u8> bytes, Choice& choice) const;
    [[nodiscard]] bool fill_known(std::string_view type, std::span<u8> bytes, Choice& choice) const;

    [[nodiscard]] KnMsgDesc message(Choice& choice) const;
    [[nodiscard]] KnRgnDesc region(Choice& choice) const;
    [[nodiscard]] KnDefaultStartInfo_f start(Choice& choice) const;
    [[nodiscard]] KnCap actor(Choice& choice) const;
    [[nodiscard]] KnUniqueId port(Choice& choice) const;
    [[nodiscard]] KnLapDesc lap(Choice& choice) const;
    [[nodiscard]] KnPhMemChunk chunk(Choice& choice) const;
    [[nodiscard]] u64 region_address(u8 kind) const;

    const Pools* pools_;
    unsigned list_;
    VirtAddr system_stack_;
};

} // namespace chorale::fuzz
