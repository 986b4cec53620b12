// Who calls: what decides about the access to files.
#pragma once

#include "c_os/base/error.hpp"
#include "kernel/base/types.hpp"

namespace chorale::c_os {

struct Attributes;

struct Credentials {
    static constexpr std::size_t group_limit = 32;

    // The effective ones, which count for files; real and saved ones are for access() and the identity calls.
    u32 uid{}, gid{};
    u32 real_uid{}, real_gid{};
    u32 saved_uid{}, saved_gid{};
    u32 group_count{}; // <= group_limit
    u32 groups[group_limit]{};

    [[nodiscard]] bool root() const { return uid == 0; }
    [[nodiscard]] bool in_group(u32 group) const;
    // As access() asks: with the real ones.
    [[nodiscard]] Credentials with_real_ids() const;
};

// What is to be done with a node, as R_OK, W_OK, X_OK; of a directory, execute is to search.
enum Access : unsigned { access_execute = 1, access_write = 2, access_read = 4 };

// POSIX's rule: the owner's bits count for the owner, else the group's for its members, else the others'.
// Root may do all, but execute only what somebody may execute. Errors: eacces.
[[nodiscard]] Done permitted(const Attributes& attributes, const Credentials& caller, unsigned access);

// Whether the caller may remove a name from a directory: in a sticky one only the owner of the node or of the
// directory does. The right to write to the directory is another matter. Errors: eperm.
[[nodiscard]] Done removal_permitted(const Attributes& directory, const Attributes& node,
                                     const Credentials& caller);

} // namespace chorale::c_os
