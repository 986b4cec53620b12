// What fstat tells of a pipe: a node that lies in no directory.
#pragma once

#include "c_os/file/node.hpp"

namespace chorale::c_os {

// Null: no memory. A pipe that a Clock is not set for is of the year 1970.
[[nodiscard]] Ref<Node> make_pipe_node();
void set_pipe_clock(Clock clock);

} // namespace chorale::c_os
