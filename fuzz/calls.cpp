// Fuzzes the nucleus's calls: scripts (calls_script.hpp) on the host machine, with preemption wherever the
// machine is entered.
//
//   fuzz_calls --print [BEFORE...] FILE    runs FILE and writes each call that it makes, with its result;
//                                          before it the others, in the same machine and without a word
#include "fuzz/calls_run.hpp"
#include "fuzz/calls_script.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>

namespace {

using namespace chorale;
using namespace chorale::fuzz;

[[nodiscard]] Script script_of(const std::uint8_t* data, std::size_t size) { return decode({data, size}); }

[[nodiscard]] std::size_t give_back(const Script& script, std::uint8_t* data, std::size_t limit) {
    const std::vector<u8> bytes = encode(script);
    const std::size_t size = std::min(bytes.size(), limit);
    std::copy_n(bytes.begin(), size, data);
    return size;
}

[[nodiscard]] Script script_in(const char* file) {
    std::ifstream stream{file, std::ios::binary};
    const std::vector<u8> bytes{std::istreambuf_iterator<char>{stream}, {}};
    return script_of(bytes.data(), bytes.size());
}

[[noreturn]] void print(std::span<char* const> files) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); // all of it is seen, whatever happens
    for (const char* const file : files.first(files.size() - 1)) run(script_in(file), false);
    const Script script = script_in(files.back());
    for (std::size_t i = 0; i < script.threads.size(); ++i) {
        const ThreadSetup& thread = script.threads[i];
        std::printf("list %zu: actor %u, cpu %u, priority %u\n", i, thread.actor, thread.cpu,
                    92 + thread.priority % 16u);
    }
    std::printf("end %u, pace %u, seed %u, %zu bytes of schedule\n", script.end, script.pace, script.seed,
                script.schedule.size());
    run(script, true);
    std::exit(0);
}

} // namespace

extern "C" {

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                      const std::uint8_t* second, std::size_t second_size, std::uint8_t* out,
                                      std::size_t limit, unsigned seed);
const char* __asan_default_options();

// Coroutines of threads that were killed are kept until their memory is wanted. A short quarantine is enough:
// the nucleus has memory of its own. And none for dead stack frames: each of the many jumps would look at
// all.
const char* __asan_default_options() {
    return "detect_leaks=0:quarantine_size_mb=16:malloc_context_size=6:detect_stack_use_after_return=0";
}

int LLVMFuzzerInitialize(int* count, char*** arguments) {
    if (*count >= 3 && std::strcmp((*arguments)[1], "--print") == 0)
        print({*arguments + 2, static_cast<std::size_t>(*count) - 2});
    return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(script_of(data, size), false);
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    Chance chance{seed};
    if (chance.one_in(24)) return LLVMFuzzerMutate(data, size, limit);
    Script script = script_of(data, size);
    for (std::size_t changes = 1 + chance.below(4); changes != 0; --changes) mutate(script, chance);
    return give_back(script, data, limit);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                      const std::uint8_t* second, std::size_t second_size, std::uint8_t* out,
                                      std::size_t limit, unsigned seed) {
    Chance chance{seed};
    return give_back(cross(script_of(first, first_size), script_of(second, second_size), chance), out, limit);
}
}
