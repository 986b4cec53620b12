// The other side of ipcbench, in an address space of its own: threads that send back what they get.
//
// Each server thread is bound to one CPU and has a port whose name it publishes when it is ready to receive.
#include "services.hpp"

#include <actor/environment.hpp>
#include <actor/print.hpp>
#include <actor/thread.hpp>
#include <chorus.h>
#include <chorus/message.hpp>

#include <array>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;

alignas(4096) char body_buffer[largest_body];

// A new port of this actor, published; its local id, or an error.
int open_service(const char* kind, unsigned cpu) {
    KnUniqueId port;
    const int portli = portCreate(K_MYACTOR, &port);
    if (portli < 0) {
        return portli;
    }
    const int error = publish_port(service_name(kind, cpu).text, port);
    return error < 0 ? error : portli;
}

// With the port go the client's calls: it learns that nobody will answer.
void give_up(const char* kind, int port, long error) {
    portDelete(K_MYACTOR, port);
    print("ipcserver: %s stops with error %ld\n", kind, error);
    sysSetEnv(server_failure, kind);
}

// Sends back Count words.
template <unsigned Count>
void echo_words(std::uintptr_t cpu) {
    char kind[] = "w0";
    kind[1] = '0' + Count;
    const int port = open_service(kind, static_cast<unsigned>(cpu));
    chorus::Words words{};
    auto got = chorus::receive(port, words);
    while (got.size >= 0) {
        got = chorus::reply_receive<Count>(port, words);
    }
    give_up(kind, port, got.size);
}

// Sends back the body, through the plain C calls.
void echo_bodies(std::uintptr_t cpu) {
    int port = open_service("body", static_cast<unsigned>(cpu));
    KnMsgDesc message{0, largest_body, reinterpret_cast<VmAddr>(body_buffer), 0, 0};
    KnMsgDesc reply = message;
    int size = ipcReceive(&message, &port, -1);
    while (size >= 0) {
        reply.bodySize = static_cast<unsigned>(size);
        size = ipcReplyReceive(&reply, &message, &port, -1);
    }
    give_up("body", port, size);
}

// Receives only.
void sink(std::uintptr_t cpu) {
    const int port = open_service("sink", static_cast<unsigned>(cpu));
    chorus::Words words{};
    long size = 0;
    while (size >= 0) {
        size = chorus::receive(port, words).size;
    }
    give_up("sink", port, size);
}

// Stacks come from one region: as many as there are CPUs, not as there could be.
char* allocate_stacks(unsigned count) {
    KnRgnDesc region{0, count * stack_size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
    const int error = rgnAllocate(K_MYACTOR, &region);
    return error < 0 ? nullptr : reinterpret_cast<char*>(region.startAddr);
}

int serve() {
    const unsigned cpus = running_cpus();
    const std::array<ThreadBody, 2> on_each_cpu{echo_words<4>, sink};
    const std::array<ThreadBody, 3> on_first_cpu{echo_words<0>, echo_words<8>, echo_bodies};
    const auto count = static_cast<unsigned>(cpus * on_each_cpu.size() + on_first_cpu.size());
    char* stacks = allocate_stacks(count);
    if (stacks == nullptr) {
        return K_ENOMEM;
    }
    ThreadPlan plan{nullptr, 0, stacks, stack_size, inherit_priority, 0};
    const auto start = [&plan](ThreadBody body, unsigned cpu) {
        plan.body = body;
        plan.argument = cpu;
        plan.cpu = cpu;
        const int thread = start_thread(plan);
        plan.stack = static_cast<char*>(plan.stack) + stack_size;
        return thread;
    };
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        for (const ThreadBody body : on_each_cpu) {
            if (const int error = start(body, cpu); error < 0) {
                return error;
            }
        }
    }
    for (const ThreadBody body : on_first_cpu) {
        if (const int error = start(body, 0); error < 0) {
            return error;
        }
    }
    return K_OK;
}

// Returns when ipcbench runs; else it could not be loaded, and that is the end.
void wait_for_client() {
    constexpr unsigned client_patience = 2000; // milliseconds
    char value[K_ENVVALUEMAX];
    for (unsigned waited = 0; waited < client_patience; ++waited) {
        if (*environment_text(client_started, value, "") != '\0') {
            return;
        }
        sleep_milliseconds(1);
    }
    print("ipcserver: no client\n@done FAIL\n");
    const KnRebootDesc verdict{K_REBOOT_FAILURE};
    sysReboot(&verdict);
}

} // namespace
} // namespace chorale::bench

extern "C" int main() {
    if (const int error = chorale::bench::serve(); error < 0) {
        chorale::print("ipcserver: cannot start its threads: error %d\n", error);
        sysSetEnv(chorale::bench::server_failure, "threads");
    }
    chorale::bench::wait_for_client();
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}
