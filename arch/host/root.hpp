// The root actor: the only user actor in the host machine's bank. Its one thread runs the scenarios.
#pragma once

#include "arch/host/task.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace chorale::host {

// A cpio archive: root's image, a page for programs, and that of the supervisor actor when it is wanted.
[[nodiscard]] std::vector<std::byte> root_bank(bool supervisor);
// One more file of the bank; before boot.
void put_in_bank(std::string name, std::string_view text);

// What it runs.
[[nodiscard]] Task<void> root(u64);

} // namespace chorale::host
