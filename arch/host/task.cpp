// The programs of the host machine and the user threads that run them.
#include "arch/host/task.hpp"

#include "arch/host/native.hpp"

#include <machine/supervisor.hpp>

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

UserThread::UserThread() = default;
UserThread::~UserThread() = default;

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

const Program* program_at(u64 address) {
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    const uword offset = address % page_size;
    const bool there = address >= machine::supervisor_begin && offset % program_spacing == 0 &&
                       offset / program_spacing < known.all.size();
    return there ? &known.all[offset / program_spacing] : nullptr;
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

namespace {

[[nodiscard]] UserThread* keep(Programs& known, std::unique_ptr<UserThread> made, machine::Frame& frame) {
    made->frame = &frame;
    made->stack_base = frame.sp;
    UserThread* const thread = made.get();
    known.threads.emplace(thread, std::move(made));
    return thread;
}

// A function of the nucleus's or a program, on a stack of its own.
[[nodiscard]] UserThread* begin_native(Programs& known, machine::Frame& frame) {
    auto made = std::make_unique<UserThread>();
    made->native = std::make_unique<Native>();
    made->outer = frame.outer;
    return keep(known, std::move(made), frame);
}

} // namespace

UserThread* begin_thread(machine::Frame& frame) {
    if (frame.pc >= machine::supervisor_begin && program_at(frame.pc) == nullptr) return nullptr;
    Programs& known = programs();
    const std::lock_guard lock{known.mutex};
    if (frame.supervisor()) return begin_native(known, frame);
    const uword offset = frame.pc - code_base.raw();
    const uword index = offset / program_spacing;
    if (frame.pc < code_base.raw() || offset % program_spacing != 0 || index >= known.all.size())
        return nullptr;
    auto made = std::make_unique<UserThread>();
    made->program = known.all[index](frame.arguments[0]);
    made->next = made->program.handle();
    return keep(known, std::move(made), frame);
}

void end_handler(machine::Frame& frame) {
    UserThread* const ended = std::exchange(frame.user, nullptr);
    ended->outer = nullptr;
    forget(ended);
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
    forget(last->outer);
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
