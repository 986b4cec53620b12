// The groups of cases, one for each file of them.
#pragma once

#include "../check.hpp"

namespace chorale::test {

extern const std::span<const Case> call_cases, thread_cases, actor_cases, memory_cases, region_cases,
    lending_cases, lap_cases, interrupt_cases, timeout_cases, virtual_time_cases, published_cases,
    handler_cases, leak_cases;
extern const std::span<const Case> message_cases, message_handler_cases, gone_owner_cases, end_notice_cases;

// The LAPs for the user half; false: not all could be made.
[[nodiscard]] bool offer_laps();
// The LAPs and the handler for the trap tests.
[[nodiscard]] bool offer_traps();
// The port for the user half that has a message handler.
[[nodiscard]] bool offer_message_handler();

} // namespace chorale::test
