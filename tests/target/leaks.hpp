// Cases of the suite leaks that are about memory (leaks_of_memory.cpp).
#pragma once

#include "check.hpp"

namespace chorale::test {

void leaks_of_regions(Report& report);
void leaks_of_shared_memory(Report& report);
void leaks_of_locks(Report& report);
void leaks_of_segments(Report& report);
void leaks_of_caches(Report& report);
void leaks_of_whole_actors(Report& report);

} // namespace chorale::test
