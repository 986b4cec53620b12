// Supervisor actors: LAPs, handlers, interrupts, physical memory: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SUPERVISOR_LEAF_CALLS(CALL)

#define CHORUS_SUPERVISOR_BLOCK_CALLS(CALL)
// clang-format on
