// The user memory of a process as Linux programs see it: brk, mmap and their like, made of the nucleus's
// regions. What lies where is known to the nucleus only; here are the break and the window for new mappings.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/base/sync.hpp"
#include "c_os/process/file_mapping.hpp"
#include "kernel/base/types.hpp"

#include <chorus/types.h>

#include <optional>

namespace chorale::c_os {

// mmap(2), mprotect(2); the same on all machines.
inline constexpr u64 prot_read = 1, prot_write = 2, prot_exec = 4;
inline constexpr u64 map_shared = 1, map_private = 2, map_shared_validate = 3, map_type = 0xf,
                     map_fixed = 0x10, map_anonymous = 0x20, map_populate = 0x8000,
                     map_fixed_no_replace = 0x100000;

class AddressSpace {
  public:
    // Of a new actor without memory; `random` moves what can be moved.
    void prepare(const KnCap& actor, u64 random);
    void set_break(u64 address); // where the program's data end
    [[nodiscard]] u64 stack_top() const { return stack_top_; }
    // Where a program that can be anywhere goes.
    [[nodiscard]] u64 image_base() const { return image_base_; }

    // At a given address, which must be free. Errors: enomem, eexist, einval.
    [[nodiscard]] Done allocate(u64 address, u64 size, u64 protection);

    // brk(2): where the break is then.
    [[nodiscard]] u64 change_break(u64 address);
    // mmap(2) of memory that is nobody else's and zero at first.
    [[nodiscard]] Result<u64> map(u64 hint, u64 size, u64 protection, u64 flags);
    // A shared mapping of a file, with all its pages. Errors: as map(), enodev (the file has no pages of its
    // own), enospc, edquot.
    [[nodiscard]] Result<u64> map_file(u64 hint, u64 size, u64 protection, u64 flags, const FileToMap& file);
    [[nodiscard]] Done unmap(u64 address, u64 size);
    [[nodiscard]] Done protect(u64 address, u64 size, u64 protection);
    // mremap(2) with MREMAP_MAYMOVE: grown in place, or moved by a copy.
    [[nodiscard]] Result<u64> remap(u64 address, u64 old_size, u64 new_size, bool may_move);
    // madvise(2) MADV_DONTNEED: zero again; of shared mappings nothing is lost. Errors: enomem (a part of it
    // is not mapped), einval.
    [[nodiscard]] Done discard(u64 address, u64 size);

    [[nodiscard]] bool covered(u64 address, u64 size);
    // Where in which file an address of a shared mapping lies; only to be compared.
    struct FilePlace {
        const Node* node;
        u64 offset;
    };
    [[nodiscard]] std::optional<FilePlace> file_place(u64 address);
    // Of a shared mapping, where the file has no page.
    [[nodiscard]] bool behind_file(u64 address);
    // The actor is gone.
    void end();

  private:
    // What a new region is for.
    struct Use {
        u64 protection{}, flags{};
        bool of_file{};
    };
    [[nodiscard]] Result<u64> reserve(u64 hint, u64 size, const Use& use);
    [[nodiscard]] Done make_region(u64 address, u64 size, const Use& use);
    [[nodiscard]] Result<u64> map_anywhere(u64 size, const Use& use);
    // Under the lock.
    [[nodiscard]] FileMapping* mapping_in(u64 from, u64 to); // the lowest
    [[nodiscard]] Done free_range(u64 address, u64 size);
    void cut_mappings(u64 from, u64 to, FileMapping* rest);
    void remove_mapping(FileMapping& mapping);
    [[nodiscard]] Result<u64> show_file(u64 place, u64 size, const FileToMap& file);
    [[nodiscard]] Result<u64> move_mapping(const FileMapping& mapping, u64 address, u64 old_size,
                                           u64 new_size);

    KnCap actor_{};
    Mutex mutex_; // the break, the mappings, and changes in several steps
    List<FileMapping, InAddressSpace> mappings_;
    u64 break_begin_{}, break_{};
    u64 window_begin_{}, window_end_{};
    u64 stack_top_{}, image_base_{};
};

} // namespace chorale::c_os
