// Synchronisation: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SYNC_LEAF_CALLS(CALL)

#define CHORUS_SYNC_BLOCK_CALLS(CALL)
// clang-format on
