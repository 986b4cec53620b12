// The tree at the start of the system: a RAM file system with the usual folders, /dev, and the boot bank
// below /image/sys_bank, whose programs have links in /bin.
#pragma once

#include "c_os/file/node.hpp"
#include "formats/bytes.hpp"

namespace chorale::c_os {

struct RootSettings {
    Clock clock{};
    formats::Bytes bank; // stays where it is
    u64 pages{16384};    // of memory for files of the root
    u64 nodes{65536};
    u64 pages_of_user{}; // of each user but root; 0: no limit of their own
    u64 nodes_of_user{};
    u64 secret[2]{}; // unpredictable: names in a folder cannot be chosen to be found slowly
};

// The root directory. Errors: enomem; einval, the bank is no archive (of entries that are bad the log tells).
[[nodiscard]] Result<Ref<Node>> make_root(const RootSettings& settings);
// Takes it away; nobody uses anything of it any more.
void end_root();

} // namespace chorale::c_os
