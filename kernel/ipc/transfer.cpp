#include "kernel/ipc/transfer.hpp"

#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/give.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mapper/paging.hpp"

#include <chorus/message_registers.h>
#include <machine/cpu.hpp>
#include <machine/mmu.hpp>
#include <machine/user_access.hpp>

namespace chorale {

namespace {

[[nodiscard]] std::byte* body_at(const Message& message, u32 offset) {
    return machine::direct<std::byte>(message.pages[offset / page_size]) + offset % page_size;
}

// A body in pages goes piece by piece: `again` when there is something better to do than the next one.
enum class Stored { all, again, fault };

// `copy(body, page, count)`, from message.stored to `size`.
template <class Copy>
[[nodiscard]] Stored each_piece(Message& message, VirtAddr body, u32 size, const Copy& copy) {
    const u32 piece = copy_piece(body.raw());
    PerCpu& cpu = this_cpu();
    for (u32 at = message.stored; at < size;) {
        if (message.pages[at / page_size] == PhysAddr{}) [[unlikely]] {
            at += page_size; // it is where it belongs
            continue;
        }
        // Not beyond the page, though the program may have moved its body between two pieces.
        const u32 room = page_size - at % page_size;
        const u32 most = piece < room ? piece : room;
        const u32 count = size - at < most ? size - at : most;
        if (!copy(body + at, body_at(message, at), count)) return Stored::fault;
        message.stored = at += count;
        machine::interrupt_window();
        if (cpu.pending != 0 && at < size) return Stored::again;
    }
    return Stored::all;
}

// The body, cut to the room there.
[[nodiscard]] Stored store_body(Message& message, VirtAddr body, u32 room) {
    const u32 size = message.size < room ? message.size : room;
    if (message.page_count == 0)
        return machine::copy_out(body, message.words, size) ? Stored::all : Stored::fault;
    if (message.given != 0) [[unlikely]]
        hand_over_given(message, body, size);
    return each_piece(message, body, size, [](VirtAddr to, const std::byte* page, u32 count) {
        return machine::copy_out(to, page, count);
    });
}

// Puts the message into the memory that `descriptor` describes.
[[nodiscard]] Stored store(Message& message, const KnMsgDesc& descriptor) {
    if (message.has_annex && descriptor.annexAddr != 0 &&
        !machine::copy_out(VirtAddr{descriptor.annexAddr}, message.annex, K_CMSGANNEXSIZE)) {
        return Stored::fault;
    }
    message.kept = descriptor.bodyAddr == 0 && !placed(message);
    if (message.kept || placed(message)) return Stored::all;
    return store_body(message, VirtAddr{descriptor.bodyAddr}, descriptor.bodySize);
}

// The head, and a body that needs no pages.
[[nodiscard]] Status begin_composing(Message& message, const KnMsgDesc& descriptor) {
    if (const Status status = compose_head(message, descriptor); status != Status::ok) return status;
    if (message.size <= Message::inline_bytes) {
        __builtin_memset(message.words, 0, sizeof message.words);
        const VirtAddr body{descriptor.bodyAddr};
        return machine::copy_in(message.words, body, message.size) ? Status::ok : Status::fault;
    }
    machine::interrupt_window();
    if (this_cpu().pending != 0) return Status::busy;
    const Status status = allocate_pages(message);
    machine::interrupt_window();
    return status == Status::ok && this_cpu().pending != 0 ? Status::busy : status;
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
// so. `no_result`: it has to be called again.
[[nodiscard]] long hand_over(Thread& self, Message& message, VirtAddr descriptor_address, long stored) {
    if (descriptor_address.raw() == 0) return load_cut(self, message);
    const Result<KnMsgDesc> descriptor = read_descriptor(descriptor_address);
    if (!descriptor.ok()) return K_EFAULT;
    switch (store(message, descriptor.value())) {
    case Stored::all:
        // Its pages are of no more use, and a sender may wait to have frames for itself again.
        if (!message.kept) release_pages(message);
        return static_cast<long>(message.size) | stored;
    case Stored::again:
        return no_result;
    case Stored::fault:
        break;
    }
    return K_EFAULT;
}

} // namespace

Result<KnMsgDesc> read_descriptor(VirtAddr address) {
    KnMsgDesc descriptor;
    if (!machine::copy_in(&descriptor, address, sizeof descriptor)) return Status::fault;
    return descriptor;
}

Status compose_head(Message& message, const KnMsgDesc& descriptor) {
    if (descriptor.bodySize > K_CMSGSIZEMAX) return Status::too_much;
    release_pages(message); // of what the message carried before
    message.given = 0;
    message.size = descriptor.bodySize;
    message.has_annex = descriptor.annexAddr != 0;
    if (!message.has_annex) return Status::ok;
    const bool copied = machine::copy_in(message.annex, VirtAddr{descriptor.annexAddr}, K_CMSGANNEXSIZE);
    return copied ? Status::ok : Status::fault;
}

Status compose(Message& message, const KnMsgDesc& descriptor, bool goes_on) {
    // What goes on may have been put off before it had pages.
    if (!goes_on || message.page_count == 0) {
        const Status status = begin_composing(message, descriptor);
        if (status != Status::ok || message.page_count == 0) return status;
        if (gives(descriptor) && take_given(message, VirtAddr{descriptor.bodyAddr})) return status;
    }
    const Stored copied = each_piece(
        message, VirtAddr{descriptor.bodyAddr}, message.size,
        [](VirtAddr from, std::byte* page, u32 count) { return machine::copy_in(page, from, count); });
    if (copied == Stored::again) return Status::busy;
    message.stored = 0; // by the receiver
    return copied == Stored::all ? Status::ok : Status::fault;
}

Status take_kept(Message& message, VirtAddr body, u32 room, bool goes_on) {
    if (!goes_on) message.stored = 0;
    switch (store_body(message, body, room)) {
    case Stored::all:
        message.kept = false;
        release_pages(message);
        return Status::ok;
    case Stored::again:
        return Status::busy;
    case Stored::fault:
        break;
    }
    return Status::fault;
}

[[gnu::always_inline]] void receive_words(Thread& self, Message& message) {
    self.frame.load_words(message.words);
    self.frame.set_message_result(static_cast<long>(message.size), message.port_li, message.sequence);
    serve(self, message);
}

void receive_placed(Thread& self, Message& message) {
    const long result = static_cast<long>(message.size) | static_cast<long>(MESSAGE_STORED);
    self.frame.set_message_result(result, message.port_li, message.sequence);
    serve(self, message);
}

void finish_receive(Thread& self) {
    Message& message = *self.incoming;
    const VirtAddr descriptor{self.frame.message_descriptor()};
    const long result = hand_over(self, message, descriptor, static_cast<long>(MESSAGE_STORED));
    if (result == no_result) {
        // The caller's priority counts from here on, and what becomes of it, as in hand().
        if (lends(message)) lend_to(self, message);
        self.continuation = finish_receive;
        return;
    }
    if (result == K_EFAULT && await_missed(self, finish_receive)) return;
    self.incoming = nullptr;
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

// How a reply in memory is told: a call by registers has to know it from one in registers.
[[nodiscard]] static long stored_flag(const Thread& client) {
    return client.frame.call_number() == MESSAGE_CALL ? static_cast<long>(MESSAGE_STORED) : 0;
}

VirtAddr reply_descriptor(const Thread& client) {
    const bool by_registers = client.frame.call_number() == MESSAGE_CALL;
    return VirtAddr{by_registers ? client.frame.message_descriptor() : client.frame.argument(3)};
}

void take_placed_reply(Thread& client, Message& reply) {
    ++client.transaction;
    client.frame.set_message_result(static_cast<long>(reply.size) | stored_flag(client), 0, 0);
    free_message(reply);
}

void finish_call(Thread& self) {
    Message& message = *self.incoming;
    const long result = message.error != K_OK
                            ? message.error
                            : hand_over(self, message, reply_descriptor(self), stored_flag(self));
    if (result == no_result) {
        self.continuation = finish_call;
        return;
    }
    if (result == K_EFAULT && message.error == K_OK && await_missed(self, finish_call)) return;
    self.incoming = nullptr;
    self.frame.set_message_result(result, 0, 0);
    free_message(message);
}

} // namespace chorale
