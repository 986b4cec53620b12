// The root actor: the only one in the host machine's bank. Its one thread runs the scenarios.
#pragma once

#include "arch/host/task.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace chorale::host {

// A cpio archive with one ELF file: a page for programs, and data.
[[nodiscard]] std::vector<std::byte> root_bank();
// One more file of the bank; before boot.
void put_in_bank(std::string name, std::string_view text);

// What it runs.
[[nodiscard]] Task<void> root(u64);

} // namespace chorale::host
