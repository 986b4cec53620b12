#include "c_os/process/file_mapping.hpp"

#include <exec/chExec.h>
#include <mem/chMem.h>

namespace chorale::c_os {

FileMapping::FileMapping(const KnCap& actor, u64 address, u64 size, const FileToMap& file)
    : PageView{{file.first, size >> page_bits}}, actor_{actor}, base_{address - file.first * page_size},
      node_{file.node}, may_write_{file.may_write} {}

FileMapping::FileMapping(const FileMapping& whole, u64 address, u64 end)
    : PageView{{whole.offset_of(address) >> page_bits, (end - address) >> page_bits}}, actor_{whole.actor_},
      base_{whole.base_}, node_{whole.node_}, may_write_{whole.may_write_} {}

void FileMapping::leave_out(u64 from, u64 to, FileMapping* rest) {
    PageRange left = range();
    if (from > begin()) {
        left.count = offset_of(from) / page_size - left.first;
    } else {
        const u64 first = offset_of(to) / page_size;
        left = {first, left.end() - first};
    }
    node_->divide_view(*this, left, rest);
}

// K_EADDR, K_EUNKNOWN: the program has freed the region by itself, or is gone. What is there is nobody's
// business then.
Done FileMapping::show(u64 index, std::byte* page) {
    const int status = in_turn([&] {
        return vmMap(K_SVACTOR, reinterpret_cast<VmAddr>(page), &actor_, address_of(index), page_size, 0);
    });
    if (status == K_ENOMEM) return failed(Error::enomem);
    return {};
}

Done FileMapping::hide(u64 first) {
    const KnRgnDesc region{address_of(first), (range().end() - first) * page_size, K_DISCARD, 0, nullptr, 0};
    const int status = in_turn([&] { return rgnFree(&actor_, &region); });
    if (status == K_OK || status == K_EADDR) return {};
    return failed(status == K_EUNKNOWN ? Error::esrch : Error::enomem);
}

void pause_in_turn() {
    const KnTimeVal some_time{0, 200'000};
    threadDelay(&some_time);
}

} // namespace chorale::c_os
