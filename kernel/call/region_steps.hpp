// What the calls on regions share: their arguments, and the operations that run step by step in Thread::work.
#pragma once

#include "kernel/call/territory.hpp"
#include "kernel/core/thread.hpp"

namespace chorale {

inline constexpr VmFlags access_options = K_WRITABLE | K_EXECUTABLE | K_NOACCESS;
inline constexpr VmFlags inherit_options = K_INHERITSHARE | K_INHERITCOPY;
inline constexpr VmFlags paging_options = K_NODEMAND | K_NOSWAPOUT;

inline constexpr VmFlags placing_options = K_ANYWHERE | K_RESTRICTIVE;
inline constexpr VmFlags region_options =
    access_options | inherit_options | paging_options | placing_options | K_FILLZERO | K_RESERVED | K_VMMAP;

[[nodiscard]] Protection protection_of(VmFlags options);

// Two accesses at once (writable and executable; none and some), or inherited in both ways: nobody may ask
// for that.
[[nodiscard]] bool contradictory(VmFlags options);

// The pages that startAddr and size mean. Errors: round, size; address: outside the space.
[[nodiscard]] Result<VirtRange> range_of(const KnRgnDesc& region, const Space& space);

// Options of a new region that make no sense there.
[[nodiscard]] bool wrong_options(VmFlags options, const Space& space);

// Where a new region shall be, and what is kept of its description.
[[nodiscard]] Result<Placement> placement_of(const KnRgnDesc& region, const Territory& territory);
[[nodiscard]] RegionAttributes attributes_of(const KnRgnDesc& region);

// The range in work.range goes out of work.target_actor: hide, flush everywhere, reap. The call's result is
// work.outcome.
void take_out(Thread& self);

// A part of the range is locked (vmLock): `again` runs in a while, unless the wait is aborted.
void pause(Thread& self, void (*again)(Thread&));

// The pages of `range` in work.target_actor are made to be there, `access` allowed; then `done` runs, with
// work.outcome set.
void bring_in(Thread& self, VirtRange range, Protection access, void (*done)(Thread&));

// The end of a call that has made `region`: tells of it at `at` and brings its pages in if they are to be
// there `at_once`. A region that cannot be told of, or filled, goes again. Returns the call's result.
[[nodiscard]] long hand_out(Thread& self, const Territory& there, const KnRgnDesc& region,
                            UserInOut<KnRgnDesc> at, bool at_once);

} // namespace chorale
