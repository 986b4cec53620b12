#include "tests/machine/watch.hpp"

#include "arch/host/cpu.hpp"

#include <cstring>

namespace chorale::test {

namespace {

Watch* listening;
constexpr unsigned longest_alone = 2'000; // steps of one CPU

} // namespace

// Between two runs every CPU is halted.
Watch::Watch(host::Lockstep& engine, host::Chooser& chooser, unsigned every)
    : engine_{engine}, chooser_{chooser}, every_{every} {
    listening = this;
    engine_.listen(note);
    engine_.use(*this);
}

Watch::~Watch() {
    engine_.use(host::plain_chooser());
    engine_.listen(nullptr);
    listening = nullptr;
}

// A CPU that halts is outside until it is heard of again.
void Watch::note(const host::Event& event) {
    if (std::strcmp(event.what, "halt") == 0) listening->inside_.reset(event.cpu);
}

bool Watch::preempts(host::Boundary where) {
    const bool outside = where == host::Boundary::enter || where == host::Boundary::user;
    inside_.set(host::this_cpu().index, !outside);
    if (outside && every_ != 0 && inside_.none() && ++steps_ >= every_) {
        steps_ = 0;
        look();
    }
    if (chooser_.preempts(where)) return true;
    // One that looks again and again for what another CPU has still to do gives way in the end.
    alone_ = last_ == host::this_cpu().index ? alone_ + 1 : 0;
    last_ = host::this_cpu().index;
    return alone_ % longest_alone == longest_alone - 1;
}

void Watch::look() {
    ++looks_;
    if (findings_.empty()) findings_ = check_invariants(looks_ % 8 == 0 ? Depth::whole : Depth::call);
}

} // namespace chorale::test
