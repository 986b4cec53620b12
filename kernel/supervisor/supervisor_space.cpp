#include "kernel/supervisor/supervisor_space.hpp"

#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

#include <bit>

namespace chorale {

namespace {

constexpr u64 page_quota = 256 * 1024; // 1 GiB

constinit Space space;

} // namespace

void init_supervisor_space() { space.open_shared(page_quota); }

Space& supervisor_space() { return space; }

RegionOwner owner_of(const Actor& actor) { return std::bit_cast<RegionOwner>(&actor); }

Space& space_of(const Thread& self, VirtAddr at) {
    const bool high = at.raw() >= machine::supervisor_begin && at.raw() < machine::supervisor_end;
    return high && in_supervisor_mode(self) ? space : *self.space;
}

} // namespace chorale
