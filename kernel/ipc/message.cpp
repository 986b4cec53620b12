#include "kernel/ipc/message.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"

namespace chorale {

namespace {
constinit Cache<Message> messages{"messages"};

[[gnu::noinline]] Result<Message*> make_message() { return messages.make(); }

[[gnu::noinline]] void free_slowly(Message& message) {
    release_pages(message);
    Message* const spare = this_cpu().spare_message.load();
    if (spare == nullptr) {
        this_cpu().spare_message.store(&message);
    } else {
        require(spare != &message, "message freed twice");
        messages.destroy(&message);
    }
}

} // namespace

// An exchange across CPUs takes one message and gives it back: the last one freed stays at hand.
Result<Message*> allocate_message() {
    PerCpu& cpu = this_cpu();
    Message* const message = cpu.spare_message.load();
    if (message == nullptr) return make_message();
    cpu.spare_message.store(nullptr);
    message->client = nullptr;
    message->answered = nullptr;
    return message;
}

void free_message(Message& message) {
    PerCpu& cpu = this_cpu();
    if (message.page_count != 0 || cpu.spare_message.load() != nullptr) {
        free_slowly(message);
    } else {
        cpu.spare_message.store(&message);
    }
}

Status allocate_pages(Message& message) {
    message.stored = 0;
    const auto needed = static_cast<u32>(round_up(message.size, page_size) / page_size);
    while (message.page_count < needed) {
        const Result<PhysAddr> page = allocate_frame();
        if (!page.ok()) {
            free_pages(message);
            return page.status();
        }
        message.pages[message.page_count++] = page.value();
    }
    return Status::ok;
}

void free_pages(Message& message) {
    message.given = 0;
    while (message.page_count != 0) {
        const PhysAddr frame = message.pages[--message.page_count];
        if (frame != PhysAddr{}) release_frame(frame);
    }
}

u64 spare_messages() {
    u64 spare = 0;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu)
        spare += cpu_at(cpu).spare_message.load() != nullptr ? 1 : 0;
    return spare;
}

u64 live_messages() { return messages.statistics().live - spare_messages(); }

} // namespace chorale
