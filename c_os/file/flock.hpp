// flock(): advisory locks of whole files. A lock belongs to an open file, so to all descriptors that share
// it.
#pragma once

#include "c_os/file/open_file.hpp"

namespace chorale::c_os {

enum class FlockKind : u8 { shared, exclusive };

// Changes the kind of a lock that it has already, as Linux does: by letting it go first. Errors: eagain,
// eintr, enomem.
[[nodiscard]] Done take_flock(OpenFile& file, FlockKind kind, bool blocks);
void release_flock(OpenFile& file);
// At a file's end.
void forget_flock(OpenFile& file);

} // namespace chorale::c_os
