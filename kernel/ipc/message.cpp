#include "kernel/ipc/message.hpp"

#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"

namespace chorale {

namespace {
constinit Cache<Message> messages{"messages"};
}

Result<Message*> allocate_message() { return messages.make(); }

void free_message(Message& message) {
    release_pages(message);
    messages.destroy(&message);
}

Status allocate_pages(Message& message) {
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
    while (message.page_count != 0) free_frame(message.pages[--message.page_count]);
}

u64 live_messages() { return messages.statistics().live; }

}  // namespace chorale
