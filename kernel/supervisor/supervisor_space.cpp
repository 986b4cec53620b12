#include "kernel/supervisor/supervisor_space.hpp"

namespace chorale {

namespace {

constexpr u64 page_quota = 256 * 1024; // 1 GiB

constinit Space space;

} // namespace

void init_supervisor_space() { space.open_shared(page_quota); }

Space& supervisor_space() { return space; }

} // namespace chorale
