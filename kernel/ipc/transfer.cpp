#include "kernel/ipc/transfer.hpp"

#include "kernel/core/schedule.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/port.hpp"

#include <chorus/message_registers.h>
#include <machine/cpu.hpp>
#include <machine/mmu.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

// Calls `piece(page bytes, offset, count)` for the whole body of a message in pages.
template <class Piece>
[[nodiscard]] bool each_page(Message& message, u32 size, const Piece& piece) {
    for (u32 offset = 0; offset < size; offset += page_size) {
        const u32 left = size - offset;
        const u32 count = left < page_size ? left : static_cast<u32>(page_size);
        if (!piece(machine::direct<std::byte>(message.pages[offset / page_size]), offset, count))
            return false;
        machine::interrupt_window();
    }
    return true;
}

// Puts the message into the memory that `descriptor` describes, cut to the room there.
[[nodiscard]] bool store(Message& message, const KnMsgDesc& descriptor) {
    const u32 size = message.size < descriptor.bodySize ? message.size : descriptor.bodySize;
    const VirtAddr body{descriptor.bodyAddr};
    if (message.has_annex && descriptor.annexAddr != 0 &&
        !machine::copy_out(VirtAddr{descriptor.annexAddr}, message.annex, K_CMSGANNEXSIZE)) {
        return false;
    }
    if (descriptor.bodyAddr == 0) return true;
    if (message.page_count == 0) return machine::copy_out(body, message.words, size);
    return each_page(message, size, [&](const std::byte* page, u32 offset, u32 count) {
        return machine::copy_out(body + offset, page, count);
    });
}

// Without a descriptor there is no room but the registers: a longer body is cut.
[[nodiscard]] long load_cut(Thread& self, const Message& message) {
    u64 words[8];
    const void* const body =
        message.page_count == 0 ? message.words : machine::direct<void>(message.pages[0]);
    __builtin_memcpy(words, body, sizeof words);
    self.frame.load_words(words);
    return message.size < Message::inline_bytes ? static_cast<long>(message.size)
                                                : long{Message::inline_bytes};
}

// What registers cannot carry goes to memory: big bodies and annexes. `stored`: flag of the result that says
// so.
[[nodiscard]] long hand_over(Thread& self, Message& message, VirtAddr descriptor_address, long stored) {
    if (descriptor_address.raw() == 0) return load_cut(self, message);
    const Result<KnMsgDesc> descriptor = read_descriptor(descriptor_address);
    if (!descriptor.ok() || !store(message, descriptor.value())) return K_EFAULT;
    return static_cast<long>(message.size) | stored;
}

} // namespace

Result<KnMsgDesc> read_descriptor(VirtAddr address) {
    KnMsgDesc descriptor;
    if (!machine::copy_in(&descriptor, address, sizeof descriptor)) return Status::fault;
    return descriptor;
}

Status compose(Message& message, const KnMsgDesc& descriptor) {
    if (descriptor.bodySize > K_CMSGSIZEMAX) return Status::too_much;
    release_pages(message); // of what the message carried before
    message.size = descriptor.bodySize;
    message.has_annex = descriptor.annexAddr != 0;
    const VirtAddr body{descriptor.bodyAddr};
    if (message.has_annex &&
        !machine::copy_in(message.annex, VirtAddr{descriptor.annexAddr}, K_CMSGANNEXSIZE)) {
        return Status::fault;
    }
    if (message.size <= Message::inline_bytes) {
        __builtin_memset(message.words, 0, sizeof message.words);
        return machine::copy_in(message.words, body, message.size) ? Status::ok : Status::fault;
    }
    if (const Status status = allocate_pages(message); status != Status::ok) return status;
    const bool copied = each_page(message, message.size, [&](std::byte* page, u32 offset, u32 count) {
        return machine::copy_in(page, body + offset, count);
    });
    return copied ? Status::ok : Status::fault;
}

void receive_words(Thread& self, Message& message) {
    self.frame.load_words(message.words);
    self.frame.set_message_result(static_cast<long>(message.size), message.port_li, message.sequence);
    serve(self, message);
}

void finish_receive(Thread& self) {
    Message& message = *self.incoming;
    self.incoming = nullptr;
    const VirtAddr descriptor{self.frame.message_descriptor()};
    const long result = hand_over(self, message, descriptor, static_cast<long>(MESSAGE_STORED));
    self.frame.set_message_result(result, message.port_li, message.sequence);
    serve(self, message);
}

bool reply_by_words(const Thread& client, const Message& reply) {
    return client.frame.call_number() == MESSAGE_CALL && reply.error == K_OK && fits_registers(reply);
}

[[gnu::always_inline]] void take_reply_words(Thread& client, Message& reply) {
    ++client.transaction;
    client.frame.load_words(reply.words);
    client.frame.set_message_result(static_cast<long>(reply.size), 0, 0);
    free_message(reply);
}

void finish_call(Thread& self) {
    Message& message = *self.incoming;
    self.incoming = nullptr;
    const bool by_registers = self.frame.call_number() == MESSAGE_CALL;
    const VirtAddr descriptor{by_registers ? self.frame.message_descriptor() : self.frame.argument(3)};
    const long stored = by_registers ? static_cast<long>(MESSAGE_STORED) : 0;
    const long result = message.error != K_OK ? message.error : hand_over(self, message, descriptor, stored);
    self.frame.set_message_result(result, 0, 0);
    free_message(message);
}

} // namespace chorale
