// The programs of the host machine and the user threads that run them.
#include "arch/host/task.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace chorale::host {

namespace {

struct Programs {
    std::mutex mutex;
    std::vector<Program> all;
    std::unordered_map<UserThread*, std::unique_ptr<UserThread>> threads;
};

[[nodiscard]] Programs& programs() {
    static Programs programs;
    return programs;
}

} // namespace

VirtAddr add_program(Program program) {
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    if (known.all.size() == program_limit) {
        std::fprintf(stderr, "host machine: more than %u programs\n", program_limit);
        std::abort();
    }
    known.all.push_back(std::move(program));
    return code_base + (known.all.size() - 1) * program_spacing;
}

unsigned program_count() {
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    return static_cast<unsigned>(known.all.size());
}

void forget_programs(unsigned kept) {
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    known.all.resize(kept);
}

UserThread* begin_thread(machine::Frame& frame) {
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    const uword offset = frame.pc - code_base.raw();
    const uword index = offset / program_spacing;
    if (frame.pc < code_base.raw() || offset % program_spacing != 0 || index >= known.all.size())
        return nullptr;
    auto made = std::make_unique<UserThread>();
    made->program = known.all[index](frame.arguments[0]);
    made->next = made->program.handle();
    made->frame = &frame;
    UserThread* const thread = made.get();
    known.threads.emplace(thread, std::move(made));
    return thread;
}

// A coroutine may end others when it is destroyed: not under the lock.
void forget(UserThread* thread) {
    if (thread == nullptr) return;
    std::unique_ptr<UserThread> last;
    {
        Programs& known = programs();
        const std::lock_guard lock{known.mutex};
        const auto found = known.threads.find(thread);
        if (found == known.threads.end()) return;
        last = std::move(found->second);
        known.threads.erase(found);
    }
}

void forget_threads() {
    std::unordered_map<UserThread*, std::unique_ptr<UserThread>> last;
    {
        Programs& known = programs();
        const std::lock_guard lock{known.mutex};
        last.swap(known.threads);
    }
}

} // namespace chorale::host
