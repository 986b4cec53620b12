// The C++20 memory model as axioms on finished executions, independent of the library: which executions of a
// small program are consistent. ([atomics.order], [intro.races]; the notation is that of RC11, Lahav et al.,
// "Repairing sequential consistency in C/C++11", 2017.)
#pragma once

#include "arch/host/weak/weak.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace chorale::weak::test {

struct Step {
    Access access;
    Order order = Order::relaxed;
    unsigned location = 0; // those of plain accesses (read, write) are others than those of atomic ones
    unsigned expected = 0; // by a compare-exchange
    Order failure = Order::relaxed; // of a compare-exchange
};

// For each CPU its steps. What a store or exchange writes is its number, from 1 up; 0 is what is there
// before.
using Program = std::vector<std::vector<Step>>;

// An execution: for each step, by number, the number of the store that it sees (0 also if it sees none), and
// for each location that is stored to these stores in modification order.
struct Execution {
    std::vector<unsigned> sees;
    std::map<unsigned, std::vector<unsigned>> order;
    bool racy = false; // two plain accesses conflict, and neither happened before the other
    friend auto operator<=>(const Execution&, const Execution&) = default;
};

// All executions that are consistent and whose modification orders, and the order of sequentially consistent
// operations, can be that of execution. Without the latter condition there are load buffering and 2+2W.
[[nodiscard]] std::set<Execution> consistent_executions(const Program& program);

} // namespace chorale::weak::test
