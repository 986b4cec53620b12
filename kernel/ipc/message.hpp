// A message on the slow path: it waits in a queue, travels between CPUs, or is larger than the registers
// hold. The request's Message stays with the server while it is served, tells ipcSysInfo, and carries the
// reply home.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/core/mailbox.hpp"
#include "kernel/mem/relaxed.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale {

class CreditAccount;
struct Port;
struct Segment;
struct Thread;
struct InPort;
struct Message;

struct MessageRequest : Request {
    Message* message{};
};

// While a message handler runs for it (kernel/ipc/message_handler.hpp).
struct Handling {
    void (*ended)(Thread& self, Message& message, int result); // of the invocation
    Message* outer;                                            // that its thread was handling before
    Message* outer_serving;                                    // and what was its current message
    bool outer_serves;
    bool call;    // as Message::call, which is false meanwhile: no ipcReply, no ipcSave
    bool replied; // it carries the reply
    u64 deadline; // of a call
    // A broadcast's copy: the original, and how far it is (kernel/ipc/group_messages.cpp).
    Message* original;
    u64 done, last;
    long outcome;
};

// Only what every message needs is initialised: most of the object is room for bodies.
struct Message : ListNode<InPort> {
    static constexpr unsigned inline_bytes = 64;
    static constexpr unsigned page_limit = K_CMSGSIZEMAX / page_size;

    Message() { request.message = this; }

    MessageRequest request; // its ticket to another CPU
    Port* port;             // where it goes; valid while that port has this life
    u64 port_life;
    KnUniqueId target;    // as addressed: the port's name, or a group's
    KnUniqueId co_target; // with a group
    Thread* client{};     // who waits for the reply; null: nobody
    u64 client_serial;
    u64 transaction;
    long error; // a reply that is an error instead of a body
    u32 size;
    std::atomic<u16> priority;     // of the caller, whose CPU may change it: lent to the server
    std::atomic<Thread*> server{}; // whose current message it is (kernel/sync/lending.hpp)
    Relaxed<u64> server_serial;    // ipcRestore changes whose it is while the caller may look
    u32 exchange;                  // which of the caller's calls this is
    bool call;                     // a reply is, or was, awaited
    bool kept;                     // received without its body, which ipcGetData has still to get
    bool has_annex;
    u32 page_count{};
    u32 given{}; // of them, from the first on: frames that the sender gave up (kernel/ipc/give.hpp)
    u32 stored;  // of a body in pages: how much the receiver has got
    u32 credits; // that it has cost its payer, in the life of that account
    u32 payer_life;
    CreditAccount* payer{}; // while it is under way or queued (kernel/ipc/credits.hpp); null: nobody
    u64 port_li;            // of the port, when it was handed over or taken from the queue
    u64 sequence;
    KnUniqueId source;
    KnProtId source_actor, source_port;
    // A request of the nucleus's own, without a client: whoever ends it calls this, and frees nothing.
    void (*answered)(Message&){};
    Segment* segment{}; // what such a request is about
    u64 offset{};
    Handling handling;
    u64 words[8];               // bodies that fit the registers
    PhysAddr pages[page_limit]; // larger ones; zero: its frame is the receiver's already
    u8 annex[K_CMSGANNEXSIZE];
};

[[nodiscard]] Result<Message*> allocate_message();
void free_message(Message& message);
[[nodiscard]] Status allocate_pages(Message& message); // for `size` bytes
void free_pages(Message& message);
inline void release_pages(Message& message) {
    if (message.page_count != 0) [[unlikely]]
        free_pages(message);
}
[[nodiscard]] inline bool fits_registers(const Message& message) {
    return message.size <= Message::inline_bytes && !message.has_annex;
}
// The receiver has the body in its memory already (kernel/ipc/direct_copy.hpp).
[[nodiscard]] inline bool placed(const Message& message) {
    return message.size > Message::inline_bytes && message.page_count == 0;
}
// Whoever serves it runs with its priority: a client waits, or the nucleus asks for somebody who does.
[[nodiscard]] inline bool lends(const Message& message) {
    return message.client != nullptr || message.answered != nullptr;
}
[[nodiscard]] u64 live_messages();
[[nodiscard]] u64 spare_messages(); // allocated, but at hand for the next exchange

} // namespace chorale
