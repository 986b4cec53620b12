// Large bodies that nobody waits for yet, each sent to a port of the bench's own and then received from it:
//   ipc.queued.b16384.kept, ipc.queued.b65536.kept        the sender leaves its memory alone afterwards
//   ipc.queued.b16384.written, ipc.queued.b65536.written  it fills the memory, page by page, for each message
#include "measures.hpp"

#include <chorus.h>

namespace chorale::bench {

namespace {

constexpr unsigned page = 4096, largest = K_CMSGSIZEMAX;
alignas(page) unsigned char sent[largest], received[largest];
KnIpcDest own_port;
int own_li;

long send_and_receive(unsigned size) {
    const KnMsgDesc message{0, size, reinterpret_cast<VmAddr>(sent), 0, 0};
    if (const int error = ipcSend(&message, K_DEFAULTPORT, &own_port); error < 0) {
        return error;
    }
    KnMsgDesc room{0, size, reinterpret_cast<VmAddr>(received), 0, 0};
    int li = own_li;
    return ipcReceive(&room, &li, 0);
}

void mark(unsigned size, unsigned round) {
    for (unsigned at = 0; at < size; at += page) {
        *reinterpret_cast<volatile unsigned*>(&sent[at]) = round + at;
    }
}

[[nodiscard]] bool came(unsigned size, unsigned round) {
    bool all = true;
    for (unsigned at = 0; at < size; at += page) {
        all = all && *reinterpret_cast<volatile unsigned*>(&received[at]) == round + at;
    }
    return all;
}

void measure(const Context& context, const char* name, unsigned size, bool written) {
    if (!context.wants("memory", name)) {
        return;
    }
    mark(size, 0);
    measure_rounds(
        context, name, context.rounds_or(1000),
        [=](unsigned i) {
            if (written) {
                mark(size, i);
            }
            return send_and_receive(size);
        },
        [=](unsigned i, long result) {
            return result == static_cast<long>(size) && came(size, written ? i : 0);
        });
}

} // namespace

void measure_queued(const Context& context) {
    if (own_li == 0) {
        own_li = portCreate(K_MYACTOR, &own_port.target);
    }
    measure(context, "ipc.queued.b16384.kept", largest / 4, false);
    measure(context, "ipc.queued.b65536.kept", largest, false);
    measure(context, "ipc.queued.b16384.written", largest / 4, true);
    measure(context, "ipc.queued.b65536.written", largest, true);
}

} // namespace chorale::bench
