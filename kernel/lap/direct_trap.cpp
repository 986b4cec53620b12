#include "kernel/lap/direct_trap.hpp"

#include "kernel/supervisor/handler_record.hpp"

namespace chorale {

namespace {
constexpr u64 nobodys_key = ~u64{0}; // 0 stands for no LAP
constinit Lap no_lap{{nobodys_key}, {}, {}, {}, {}, 0, nullptr};
} // namespace

constinit DirectTrap chorale_direct_trap{Relaxed<Lap*>{&no_lap}, Relaxed<u64>{0}};

static_assert(K_TRAP_SYSTEMCALL == TRAP_SYSTEM_CALL && K_ENOTIMP == TRAP_UNHANDLED);
static_assert(offsetof(LapFrame, outer) == LAP_FRAME_OUTER &&
              offsetof(LapFrame, owner_and_kind) == LAP_FRAME_OWNER &&
              offsetof(LapFrame, lap) == LAP_FRAME_LAP &&
              offsetof(LapFrame, return_address) == LAP_FRAME_RETURN && sizeof(LapFrame) == LAP_FRAME_SIZE);

void connect_direct_trap(const KnLapDesc& descriptor) {
    Lap* const lap = find_lap(descriptor).lap;
    chorale_direct_trap.lap.store(lap == nullptr ? &no_lap : lap);
    chorale_direct_trap.key.store(descriptor.ldKey);
}

} // namespace chorale
