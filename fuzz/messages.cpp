// Fuzzes messages end to end: what was sent arrives, unchanged, once, in order, cut to the room that there
// is; for bodies and annexes of all sizes at all kinds of addresses, through registers, memory and other
// CPUs.
//
//   fuzz_messages --print FILE    runs FILE and writes each message that arrives
#include "fuzz/messages_plan.hpp"
#include "fuzz/messages_run.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace {

using namespace chorale;
using namespace chorale::fuzz;

[[noreturn]] void print(const char* file) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); // all of it is seen, whatever happens
    std::ifstream stream{file, std::ios::binary};
    const std::vector<u8> bytes{std::istreambuf_iterator<char>{stream}, {}};
    const Plan plan = plan_of(bytes);
    constexpr const char* names[] = {"send", "call", "words", "move"};
    for (const SendStep& step : plan.sends) {
        std::printf("sender %u: %s to server %u, %u bytes%s\n", step.sender,
                    names[static_cast<unsigned>(step.how)], step.server, step.body.size,
                    step.body.has_annex ? ", annex" : "");
    }
    run(plan, true);
    std::exit(0);
}

} // namespace

extern "C" {

const char* __asan_default_options();

// As in calls.cpp.
const char* __asan_default_options() {
    return "detect_leaks=0:quarantine_size_mb=16:malloc_context_size=6:detect_stack_use_after_return=0";
}

int LLVMFuzzerInitialize(int* count, char*** arguments) {
    if (*count == 3 && std::strcmp((*arguments)[1], "--print") == 0) print((*arguments)[2]);
    return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(plan_of({data, size}), false);
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    for (std::size_t changes = 1 + chance.below(3); changes != 0; --changes)
        size = mutate_plan(data, size, limit, chance);
    return size;
}
}
