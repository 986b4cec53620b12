// All scenarios that are played in every way, faults included, by name.
#include "tests/machine/scenarios.hpp"

namespace chorale::test {

namespace {

#define SCENARIO(name) {#name, name}
constexpr Scenario all[] = {
    SCENARIO(bodies_of_all_sizes),
    SCENARIO(register_exchanges),
    SCENARIO(priorities_lent),
    SCENARIO(replies_of_all_kinds),
    SCENARIO(clients_that_go),
    SCENARIO(servers_of_two_ports),
    SCENARIO(any_enabled_port),
    SCENARIO(floods),
    SCENARIO(ports_that_go),
    SCENARIO(ends_of_threads),
    SCENARIO(ends_of_actors),
    SCENARIO(aborts),
    SCENARIO(migrations),
    SCENARIO(times),
    SCENARIO(held_threads),
    SCENARIO(looks_at_threads),
    SCENARIO(timers_of_all_kinds),
    SCENARIO(dates),
    SCENARIO(console_readers),
    SCENARIO(things_left_for_others),
    SCENARIO(regions),
    SCENARIO(copies),
    SCENARIO(floating_point),
    SCENARIO(faulting_programs),
    SCENARIO(pages_on_demand),
    SCENARIO(shared_pages),
    SCENARIO(segments_served),
    SCENARIO(segments_served_badly),
    SCENARIO(mappers_that_go),
    SCENARIO(names_and_numbers),
    SCENARIO(environment_of_all),
    SCENARIO(wrong_arguments),
    SCENARIO(rights_and_ranges),
    SCENARIO(names_and_laps),
    SCENARIO(names_that_come_later),
    SCENARIO(laps_with_threads_inside),
    SCENARIO(owners_with_threads_inside),
    SCENARIO(visitors_of_all_kinds),
    SCENARIO(visitors_without_a_home),
    SCENARIO(laps_in_laps),
    SCENARIO(laps_that_fault),
    SCENARIO(ends_from_inside),
    SCENARIO(exceptions_handled),
    SCENARIO(handlers_that_fault),
    SCENARIO(exceptions_in_supervisor_mode),
    SCENARIO(aborts_and_stops_told),
    SCENARIO(traps_of_the_site),
    SCENARIO(handlers_inherited),
    SCENARIO(thread_level_functions),
    SCENARIO(supervisor_memory),
    SCENARIO(supervisor_actors),
    SCENARIO(device_lines_shared),
    SCENARIO(calls_at_interrupt_level),
    SCENARIO(handlers_that_go),
    SCENARIO(handlers_that_come_too_late),
    SCENARIO(timeouts_of_one_cpu),
    SCENARIO(timeouts_of_several_cpus),
    SCENARIO(virtual_timeouts_of_threads),
    SCENARIO(virtual_timeouts_abroad),
    SCENARIO(values_with_destructors),
    SCENARIO(objects_of_all_kinds),
    SCENARIO(waits_that_time_out),
    SCENARIO(waits_that_are_aborted),
    SCENARIO(waiters_that_end),
    SCENARIO(objects_that_go),
    SCENARIO(owners_of_all_kinds),
    SCENARIO(scribbled_objects),
};
#undef SCENARIO

} // namespace

std::span<const Scenario> scenarios() { return all; }

} // namespace chorale::test
