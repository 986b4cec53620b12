// A second actor made from this one's own image.
#include "child.hpp"

extern "C" char image_start[], image_rodata[], image_data[], image_end[];

namespace chorale::test {
namespace {

// The same addresses and contents as here.
int copy_segment(const KnCap& actor, const char* start, const char* end, VmFlags options) {
    if (start == end) {
        return K_OK;
    }
    const auto size = static_cast<VmSize>(end - start);
    KnRgnDesc region{address_of(start), size, options, 0, nullptr, 0};
    const int error = rgnAllocate(&actor, &region);
    return error < 0 ? error : vmCopy(K_MYACTOR, address_of(start), &actor, address_of(start), size, 0);
}

} // namespace

int Child::create(const char* name, KnActorPrivilege privilege) {
    int error = actorCreate(K_MYACTOR, &capability_, privilege, K_ACTIVE);
    if (error < 0) {
        return error;
    }
    exists_ = true;
    threads_ = 0;
    error = actorName(&capability_, nullptr, name);
    if (error >= 0) {
        error = copy_segment(capability_, image_start, image_rodata, K_EXECUTABLE);
    }
    if (error >= 0) {
        error = copy_segment(capability_, image_rodata, image_data, 0);
    }
    if (error >= 0) {
        error = copy_segment(capability_, image_data, image_end, K_WRITABLE);
    }
    if (error < 0) {
        destroy();
    }
    return error;
}

int Child::duplicate(const Child& original) {
    int error = actorCreate(K_MYACTOR, &capability_, K_USERACTOR, K_ACTIVE);
    if (error < 0) {
        return error;
    }
    exists_ = true;
    threads_ = original.threads_;
    error = rgnDup(&capability_, &original.capability_, K_INHERITCOPY);
    if (error < 0) {
        destroy();
    }
    return error;
}

int Child::start(ThreadBody body, std::uintptr_t argument, unsigned priority, KnCpuId cpu) {
    const VmAddr stack = child_stacks + threads_ * child_stack_step;
    KnRgnDesc region{stack, child_stack_size, K_WRITABLE | K_FILLZERO, 0, nullptr, 0};
    const int error = rgnAllocate(&capability_, &region);
    if (error < 0) {
        return error;
    }
    ++threads_;
    return start_on(stack + child_stack_size, body, argument, priority, cpu);
}

int Child::start_on(VmAddr stack_end, ThreadBody body, std::uintptr_t argument, unsigned priority,
                    KnCpuId cpu) {
    alignas(16) char top[64];
    const std::size_t used = prepare_stack(top + sizeof(top), body, argument);
    int error = vmCopy(K_MYACTOR, address_of(top), &capability_, stack_end - sizeof(top), sizeof(top), 0);
    if (error < 0) {
        return error;
    }
    const KnDefaultStartInfo_f info{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE,
                                    stack_end - used, thread_entry()};
    const KnFifoThParms schedule{K_SCHED_FIFO, priority};
    KnThreadLid thread = 0;
    error = threadCreate(&capability_, &thread, K_INACTIVE,
                         priority == inherit_priority ? nullptr : &schedule, &info);
    if (error >= 0) {
        error = threadBind(&capability_, thread, cpu, nullptr, K_NONEXCLUSIVE);
    }
    if (error >= 0) {
        error = threadActivate(&capability_, thread);
    }
    return error < 0 ? error : thread;
}

int Child::destroy() {
    if (!exists_) {
        return K_OK;
    }
    exists_ = false;
    return actorDelete(&capability_);
}

bool Child::gone(unsigned milliseconds) const {
    return eventually([this] { return actorName(&capability_, nullptr, nullptr) == K_EUNKNOWN; },
                      milliseconds);
}

} // namespace chorale::test
