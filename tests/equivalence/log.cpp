#include "tests/equivalence/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace chorale::equivalence {

bool operator==(const Entry& one, const Entry& other) {
    return one.thread == other.thread && one.op == other.op && one.result == other.result &&
           one.first == other.first && one.second == other.second && one.digest == other.digest &&
           std::string_view{one.what} == other.what;
}

std::string text(const Entry& entry) {
    return fmt::format("thread {} op {}: {} = {} ({:#x}, {:#x}), digest {:016x}", entry.thread, entry.op,
                       entry.what, entry.result, entry.first, entry.second, entry.digest);
}

void Digest::add(const void* bytes, std::size_t size) {
    const auto* const at = static_cast<const u8*>(bytes);
    for (std::size_t i = 0; i < size; ++i) value_ = (value_ ^ at[i]) * 0x100'0000'01b3;
}

u64 Log::number_of(const KnUniqueId& name) {
    if (uiValid(&name) == 0) return 0;
    const auto same = [&](const KnUniqueId& known) { return uiEqual(&known, &name) != 0; };
    const auto found = std::ranges::find_if(names_, same);
    const auto number = static_cast<u64>(found - names_.begin()) + 1;
    if (found == names_.end()) names_.push_back(name);
    return number;
}

} // namespace chorale::equivalence
