// Scenarios that together make every call, in the states that matter. Each bears any failure of any call and
// leaves nothing behind; what it finds wrong it tells by complain() (attempt.hpp). For the root thread.
#pragma once

#include "arch/host/task.hpp"

#include <span>

namespace chorale::test {

// scenarios_messages.cpp
[[nodiscard]] host::Task<void> bodies_of_all_sizes(u64);
[[nodiscard]] host::Task<void> register_exchanges(u64);
[[nodiscard]] host::Task<void> priorities_lent(u64);
// scenarios_bodies.cpp
[[nodiscard]] host::Task<void> bodies_given(u64);
// scenarios_replies.cpp
[[nodiscard]] host::Task<void> replies_of_all_kinds(u64);
[[nodiscard]] host::Task<void> clients_that_go(u64);
[[nodiscard]] host::Task<void> servers_of_two_ports(u64);
// scenarios_ports.cpp
[[nodiscard]] host::Task<void> any_enabled_port(u64);
[[nodiscard]] host::Task<void> floods(u64);
[[nodiscard]] host::Task<void> ports_that_go(u64);
// scenarios_groups.cpp
[[nodiscard]] host::Task<void> groups_of_ports(u64);
[[nodiscard]] host::Task<void> names_declared(u64);
// scenarios_threads.cpp
[[nodiscard]] host::Task<void> ends_of_threads(u64);
[[nodiscard]] host::Task<void> ends_of_actors(u64);
[[nodiscard]] host::Task<void> aborts(u64);
[[nodiscard]] host::Task<void> migrations(u64);
[[nodiscard]] host::Task<void> times(u64);
// scenarios_control.cpp
[[nodiscard]] host::Task<void> held_threads(u64);
[[nodiscard]] host::Task<void> looks_at_threads(u64);
// scenarios_timers.cpp
[[nodiscard]] host::Task<void> timers_of_all_kinds(u64);
[[nodiscard]] host::Task<void> dates(u64);
// scenarios_trace.cpp
[[nodiscard]] host::Task<void> traces(u64);
[[nodiscard]] host::Task<void> pages_lent(u64);
[[nodiscard]] host::Task<void> while_traced(host::Task<void> (*play)(u64)); // another scenario
// scenarios_console.cpp
[[nodiscard]] host::Task<void> console_readers(u64);
[[nodiscard]] host::Task<void> things_left_for_others(u64);
// scenarios_current.cpp
[[nodiscard]] host::Task<void> bodies_kept(u64);
[[nodiscard]] host::Task<void> messages_saved(u64);
[[nodiscard]] host::Task<void> aborts_passed_on(u64);
// scenarios_port_migration.cpp
[[nodiscard]] host::Task<void> ports_that_move(u64);
[[nodiscard]] host::Task<void> ports_that_move_nowhere(u64);
// scenarios_message_handlers.cpp
[[nodiscard]] host::Task<void> messages_handled(u64);
[[nodiscard]] host::Task<void> handlers_that_come_and_go(u64);
[[nodiscard]] host::Task<void> handlers_under_way(u64);
[[nodiscard]] host::Task<void> handlers_that_end_their_thread(u64);
[[nodiscard]] host::Task<void> handlers_of_groups(u64);
// a test of its own (message_handlers_test.cpp)
[[nodiscard]] host::Task<void> handlers_that_change_amid_calls(u64);
// scenarios_memory.cpp
[[nodiscard]] host::Task<void> regions(u64);
[[nodiscard]] host::Task<void> copies(u64);
[[nodiscard]] host::Task<void> floating_point(u64);
[[nodiscard]] host::Task<void> faulting_programs(u64);
// scenarios_sharing.cpp
[[nodiscard]] host::Task<void> pages_on_demand(u64);
[[nodiscard]] host::Task<void> shared_pages(u64);
// scenarios_segments.cpp
[[nodiscard]] host::Task<void> segments_served(u64);
[[nodiscard]] host::Task<void> segments_served_badly(u64);
[[nodiscard]] host::Task<void> mappers_that_go(u64);
// scenarios_calls.cpp
[[nodiscard]] host::Task<void> names_and_numbers(u64);
[[nodiscard]] host::Task<void> environment_of_all(u64);
[[nodiscard]] host::Task<void> wrong_arguments(u64);
// scenarios_rights.cpp
[[nodiscard]] host::Task<void> rights_and_ranges(u64);
// scenarios_laps.cpp
[[nodiscard]] host::Task<void> names_and_laps(u64);
[[nodiscard]] host::Task<void> names_that_come_later(u64);
[[nodiscard]] host::Task<void> laps_with_threads_inside(u64);
[[nodiscard]] host::Task<void> owners_with_threads_inside(u64);
// scenarios_visits.cpp
[[nodiscard]] host::Task<void> visitors_of_all_kinds(u64);
[[nodiscard]] host::Task<void> visitors_without_a_home(u64);
[[nodiscard]] host::Task<void> laps_in_laps(u64);
[[nodiscard]] host::Task<void> laps_that_fault(u64);
[[nodiscard]] host::Task<void> ends_from_inside(u64);
// scenarios_ends.cpp
[[nodiscard]] host::Task<void> ends_that_are_told(u64);
// scenarios_gone_owners.cpp
[[nodiscard]] host::Task<void> owners_that_go_beneath_threads(u64);
[[nodiscard]] host::Task<void> owners_that_go_beneath_plain_laps(u64);
[[nodiscard]] host::Task<void> handlers_whose_owners_go_beneath(u64);
// scenarios_handlers.cpp
[[nodiscard]] host::Task<void> exceptions_handled(u64);
[[nodiscard]] host::Task<void> handlers_that_fault(u64);
[[nodiscard]] host::Task<void> exceptions_in_supervisor_mode(u64);
[[nodiscard]] host::Task<void> aborts_and_stops_told(u64);
[[nodiscard]] host::Task<void> traps_of_the_site(u64);
[[nodiscard]] host::Task<void> handlers_inherited(u64);
// scenarios_thread_level.cpp
[[nodiscard]] host::Task<void> thread_level_functions(u64);
// scenarios_supervisor.cpp
[[nodiscard]] host::Task<void> supervisor_memory(u64);
[[nodiscard]] host::Task<void> supervisor_actors(u64);
// scenarios_interrupts.cpp
[[nodiscard]] host::Task<void> device_lines_shared(u64);
[[nodiscard]] host::Task<void> calls_at_interrupt_level(u64);
[[nodiscard]] host::Task<void> handlers_that_go(u64);
[[nodiscard]] host::Task<void> handlers_that_come_too_late(u64);
// scenarios_timeouts.cpp
[[nodiscard]] host::Task<void> timeouts_of_one_cpu(u64);
[[nodiscard]] host::Task<void> timeouts_of_several_cpus(u64);
// scenarios_virtual_time.cpp; the last three are tests of their own (virtual_time_test.cpp)
[[nodiscard]] host::Task<void> virtual_timeouts_of_threads(u64);
[[nodiscard]] host::Task<void> virtual_timeouts_abroad(u64);
[[nodiscard]] host::Task<void> virtual_timeouts_of_others(u64);
[[nodiscard]] host::Task<void> virtual_timeouts_of_actors(u64);
[[nodiscard]] host::Task<void> virtual_timeouts_of_doomed_actors(u64);
// scenarios_private_data.cpp
[[nodiscard]] host::Task<void> values_with_destructors(u64);
// scenarios_sync.cpp
[[nodiscard]] host::Task<void> objects_of_all_kinds(u64);
[[nodiscard]] host::Task<void> waits_that_time_out(u64);
[[nodiscard]] host::Task<void> waits_that_are_aborted(u64);
[[nodiscard]] host::Task<void> waiters_that_end(u64);
[[nodiscard]] host::Task<void> objects_that_go(u64);
[[nodiscard]] host::Task<void> owners_of_all_kinds(u64);
[[nodiscard]] host::Task<void> scribbled_objects(u64);
// scenarios_message_spaces.cpp
[[nodiscard]] host::Task<void> messages_passed_round(u64);
[[nodiscard]] host::Task<void> messages_named_wrongly(u64);
[[nodiscard]] host::Task<void> message_waits_that_end(u64);
[[nodiscard]] host::Task<void> owners_of_messages_that_go(u64);
[[nodiscard]] host::Task<void> makers_of_message_spaces(u64);

struct Scenario {
    const char* name;
    host::Task<void> (*play)(u64);
};
[[nodiscard]] std::span<const Scenario> scenarios();

} // namespace chorale::test
