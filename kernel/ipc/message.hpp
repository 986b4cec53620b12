// A message on the slow path: it waits in a queue, travels between CPUs, or is larger than the registers hold.
#pragma once

#include "kernel/base/list.hpp"
#include "kernel/core/mailbox.hpp"

#include <chorus.h>

namespace chorale {

struct Port;
struct Thread;
struct InPort;
struct Message;

struct MessageRequest : Request {
    Message* message{};
};

struct Message : ListNode<InPort> {
    static constexpr unsigned inline_bytes = 64;
    static constexpr unsigned page_limit = K_CMSGSIZEMAX / page_size;

    MessageRequest request;  // its ticket to another CPU
    Port* port{};         // where it goes (a request); valid while port->ui == head.target
    Thread* client{};     // who waits for the reply (a request), or whom it is for (a reply)
    u64 client_serial{};
    u64 transaction{};
    long error{};         // a reply that is an error instead of a body
    KnMsgHead head{};
    u32 size{};
    u32 priority{};       // of the caller: donated to the server
    u32 page_count{};
    int port_li{};        // of the port, when it was handed over
    u64 sequence{};
    bool has_annex{};
    u64 words[8]{};                 // bodies that fit the registers
    PhysAddr pages[page_limit]{};   // larger ones
    u8 annex[K_CMSGANNEXSIZE]{};
};

[[nodiscard]] Result<Message*> allocate_message();
void free_message(Message& message);
[[nodiscard]] Status allocate_pages(Message& message);  // for `size` bytes
void release_pages(Message& message);
[[nodiscard]] u64 live_messages();

}  // namespace chorale
