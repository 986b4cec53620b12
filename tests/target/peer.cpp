// The other end of the message tests.
#include "peer.hpp"

#include <actor/print.hpp>

namespace chorale::test {
namespace {

constexpr const char* kind_names[] = {"test.echo", "test.size", "test.info"};

// In a child each kind is one thread's; the buffers are used by that thread only.
alignas(4096) unsigned char bodies[3][body_limit];

void change(unsigned char* bytes, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        bytes[i] = echo_byte(bytes[i]);
    }
}

struct Buffers {
    unsigned char* body;
    unsigned char annex[K_CMSGANNEXSIZE];
};

// The size of the reply; sets annexAddr of `reply` when there is an annex to send.
unsigned prepare(PeerKind kind, Buffers& buffers, unsigned size, KnMsgDesc& reply) {
    KnMsgHead head{};
    ipcSysInfo(&head);
    reply.annexAddr = 0;
    switch (kind) {
    case PeerKind::echo:
        change(buffers.body, size);
        if ((head.flags[0] & K_MSG_ANNEX) != 0) {
            change(buffers.annex, K_CMSGANNEXSIZE);
            reply.annexAddr = address_of(buffers.annex);
        }
        return size;
    case PeerKind::size: {
        unsigned wanted = 0;
        __builtin_memcpy(&wanted, buffers.body, sizeof(wanted));
        for (unsigned i = 0; i < wanted && i < body_limit; ++i) {
            buffers.body[i] = pattern_byte(i);
        }
        return wanted;
    }
    case PeerKind::info:
        __builtin_memcpy(buffers.body, &head, sizeof(head));
        return sizeof(head);
    }
    return 0;
}

} // namespace

void serve_as_peer(std::uintptr_t argument) {
    const auto kind = static_cast<PeerKind>(argument);
    Buffers buffers{bodies[argument], {}};
    KnUniqueId name;
    int port = portCreate(K_MYACTOR, &name);
    (void)publish_port(kind_names[argument], name);
    KnMsgDesc message{0, body_limit, address_of(buffers.body), address_of(buffers.annex), 0};
    KnMsgDesc reply{0, 0, address_of(buffers.body), 0, 0};
    int size = ipcReceive(&message, &port, -1);
    while (size >= 0) {
        reply.bodySize = prepare(kind, buffers, static_cast<unsigned>(size), reply);
        size = ipcReplyReceive(&reply, &message, &port, -1);
    }
    print("peer %s stops with error %d\n", kind_names[argument], size);
}

int Peers::start(KnCpuId cpu, unsigned priority) {
    for (const char* name : kind_names) {
        char variable[K_ENVNAMEMAX];
        format_text(variable, sizeof(variable), "port.%s", name);
        sysUnsetEnv(variable);
    }
    if (const int error = child_.create("peers"); error < 0) {
        return error;
    }
    for (unsigned kind = 0; kind < kinds; ++kind) {
        if (const int thread = child_.start(serve_as_peer, kind, priority, cpu); thread < 0) {
            return thread;
        }
        if (const int error = find_port(kind_names[kind], destinations_[kind].target, patience); error < 0) {
            return error;
        }
    }
    sleep_milliseconds(1); // published a moment before the wait
    return K_OK;
}

} // namespace chorale::test
