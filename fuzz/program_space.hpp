// The memory of the one actor that the target `programs` starts, as the nucleus would give it: regions with
// rights, which never overlap. Breaks of the nucleus's own rules end the run.
#pragma once

#include "kernel/base/types.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace chorale::fuzz {

struct ProgramRights {
    bool writable, executable;
};

class ProgramSpace {
  public:
    struct Free {
        void operator()(std::byte* bytes) const { std::free(bytes); }
    };
    struct Region {
        u64 begin, end;
        std::vector<ProgramRights> rights;        // of each page; of user memory the first is everybody's
        std::unique_ptr<std::byte[], Free> bytes; // of supervisor memory, which is written directly
    };
    static constexpr u64 user_begin = 0x1000, user_end = 0x0000'7fff'ffff'f000;
    static constexpr u64 supervisor_limit = 8 << 20; // bytes of a region; more is no memory

    explicit ProgramSpace(bool supervisor) : supervisor_{supervisor} {}

    // As rgnAllocate, rgnSetProtect and vmCopy to the actor; false: it cannot be.
    [[nodiscard]] bool allocate(u64& address, u64 size, ProgramRights rights, bool anywhere);
    [[nodiscard]] bool protect(u64 address, u64 size, ProgramRights rights);
    [[nodiscard]] bool copy_in(u64 to, std::span<const std::byte> bytes);
    void free_all();

    // Null: nothing is there.
    [[nodiscard]] const Region* at(u64 address) const;
    [[nodiscard]] ProgramRights rights_at(u64 address) const; // there is a region
    [[nodiscard]] std::byte byte_at(u64 address) const;       // likewise; zero where nothing was written
    [[nodiscard]] const std::map<u64, Region>& regions() const { return regions_; }
    [[nodiscard]] bool supervisor() const { return supervisor_; }
    unsigned calls{}; // so far

  private:
    static constexpr u64 page = 4096;
    bool supervisor_;
    std::map<u64, Region> regions_;
    std::map<u64, std::array<std::byte, page>> written_; // user memory, by page
};

// The actor that there is, or null; program_nucleus.cpp makes and ends it.
[[nodiscard]] ProgramSpace* program_space();

} // namespace chorale::fuzz
