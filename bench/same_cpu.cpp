// One CPU: the null call, and messages between two address spaces and between two threads of one.
#include "measures.hpp"
#include "services.hpp"

#include <actor/environment.hpp>
#include <actor/thread.hpp>
#include <chorus.h>
#include <chorus/message.hpp>
#include <chorus/port.hpp>

namespace chorale::bench {
namespace {

constexpr std::size_t stack_size = 8192;

alignas(4096) unsigned char sent_body[largest_body];
alignas(4096) unsigned char received_body[largest_body];
alignas(16) char server_stack[stack_size];

// Count words there and back; the server returns what it got.
template <unsigned Count>
void measure_words(const Context& context, const char* name, const KnUniqueId& port) {
    chorus::Words words{};
    measure_rounds(
        context, name, context.rounds_or(usual_rounds),
        [&](unsigned i) {
            words.w[0] = i;
            words.w[Count > 0 ? Count - 1 : 0] = i;
            return chorus::call<Count>(port, words);
        },
        [&](unsigned i, long result) {
            return result == Count * 8 && (Count == 0 || (words.w[0] == i && words.w[Count - 1] == i));
        });
}

template <unsigned Count>
void measure_two_spaces(const Context& context, const char* name, const char* kind) {
    KnUniqueId port;
    if (context.wants("same", name) && find_service(context, name, kind, 0, port)) {
        measure_words<Count>(context, name, port);
    }
}

// The same as measure_words<4> with a type instead of words: as many instructions.
struct Four {
    std::uint64_t first, second, third, last;
    using Reply = Four;
};

void measure_typed(const Context& context) {
    const char* name = "ipc.rt.same_cpu.two_spaces.typed4";
    KnUniqueId service;
    if (!context.wants("same", name) || !find_service(context, name, "w4", 0, service)) {
        return;
    }
    const chorus::Port port{service};
    Four message{};
    measure_rounds(
        context, name, context.rounds_or(usual_rounds),
        [&](unsigned i) {
            message.first = message.last = i;
            const auto answer = chorus::call(port, message);
            message = *answer;
            return answer.size();
        },
        [&](unsigned i, long result) {
            return result == sizeof(Four) && message.first == i && message.last == i;
        });
}

// A body through the plain C calls.
void measure_body(const Context& context, const char* name, unsigned size, unsigned rounds) {
    KnIpcDest destination{};
    if (!context.wants("same", name) || !find_service(context, name, "body", 0, destination.target)) {
        return;
    }
    for (unsigned i = 0; i < size; ++i) {
        sent_body[i] = static_cast<unsigned char>(i * 7 + (i >> 8));
    }
    const KnMsgDesc request{0, size, reinterpret_cast<VmAddr>(sent_body), 0, 0};
    KnMsgDesc reply{0, size, reinterpret_cast<VmAddr>(received_body), 0, 0};
    const int first = ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1);
    if (first != static_cast<int>(size) || __builtin_memcmp(sent_body, received_body, size) != 0) {
        report_failure(context, name, "body does not come back", first);
        return;
    }
    measure_rounds(
        context, name, rounds,
        [&](unsigned) { return long{ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1)}; },
        [&](unsigned i, long result) {
            const unsigned probe = size - 1 - i % size; // each round looks at another byte
            return result == static_cast<long>(size) && received_body[probe] == sent_body[probe];
        });
}

// What a body costs that is copied once, and nothing else.
void measure_memcpy(const Context& context) {
    const char* name = "memcpy.b65536";
    if (!context.wants("same", name)) {
        return;
    }
    measure_rounds(
        context, name, context.rounds_or(1000),
        [&](unsigned i) {
            sent_body[largest_body - 1 - i % largest_body] = static_cast<unsigned char>(i);
            __builtin_memcpy(received_body, sent_body, largest_body);
            return long{0};
        },
        [&](unsigned i, long) {
            return received_body[largest_body - 1 - i % largest_body] == static_cast<unsigned char>(i);
        });
}

void echo_here(std::uintptr_t port) {
    chorus::Words words{};
    auto got = chorus::receive(static_cast<int>(port), words);
    while (got.size >= 0) {
        got = chorus::reply_receive<4>(static_cast<int>(port), words);
    }
}

void measure_one_space(const Context& context) {
    const char* name = "ipc.rt.same_cpu.one_space.w4";
    if (!context.wants("same", name)) {
        return;
    }
    KnUniqueId port;
    const int portli = portCreate(K_MYACTOR, &port);
    if (portli < 0) {
        report_failure(context, name, "portCreate", portli);
        return;
    }
    const auto argument = static_cast<std::uintptr_t>(portli);
    const int thread = start_thread({echo_here, argument, server_stack, stack_size, inherit_priority, 0});
    if (thread < 0) {
        report_failure(context, name, "server thread", thread);
        return;
    }
    measure_words<4>(context, name, port);
    threadDelete(K_MYACTOR, thread);
    portDelete(K_MYACTOR, portli);
}

// The receiver has the higher priority: each message is received before the next is sent.
void measure_send(const Context& context) {
    const char* name = "ipc.send.same_cpu.two_spaces.w4";
    KnIpcDest destination{};
    if (!context.wants("same", name) || !find_service(context, name, "sink", 0, destination.target)) {
        return;
    }
    const KnMsgDesc message{0, 32, reinterpret_cast<VmAddr>(sent_body), 0, 0};
    Recorder& recorder = context.recorder;
    for (unsigned i = 0; i < warm_up_rounds; ++i) {
        ipcSend(&message, K_DEFAULTPORT, &destination);
    }
    recorder.begin(name);
    boundary<Boundary::batch_begin>();
    const unsigned rounds = context.rounds_or(usual_rounds);
    for (unsigned i = 0; i < rounds; ++i) {
        const std::uint64_t start = machine::counter();
        const int error = ipcSend(&message, K_DEFAULTPORT, &destination);
        recorder.add(machine::counter() - start);
        if (error < 0) {
            recorder.fail("ipcSend", error);
            break;
        }
    }
    boundary<Boundary::batch_end>();
    recorder.finish();
}

} // namespace

void measure_same_cpu(const Context& context) {
    if (context.wants("same", "null_call")) {
        measure_rounds(
            context, "null_call", context.rounds_or(usual_rounds), [](unsigned) { return long{nullCall()}; },
            [](unsigned, long result) { return result == K_OK; });
    }
    measure_threads(context);
    measure_two_spaces<0>(context, "ipc.rt.same_cpu.two_spaces.w0", "w0");
    measure_two_spaces<4>(context, "ipc.rt.same_cpu.two_spaces.w4", "w4");
    measure_typed(context);
    measure_two_spaces<8>(context, "ipc.rt.same_cpu.two_spaces.w8", "w8");
    measure_body(context, "ipc.rt.same_cpu.two_spaces.b64", 64, context.rounds_or(usual_rounds));
    measure_body(context, "ipc.rt.same_cpu.two_spaces.b1024", 1024, context.rounds_or(usual_rounds));
    measure_body(context, "ipc.rt.same_cpu.two_spaces.b4096", 4096, context.rounds_or(usual_rounds));
    measure_body(context, "ipc.rt.same_cpu.two_spaces.b65536", largest_body, context.rounds_or(1000));
    measure_memcpy(context);
    measure_one_space(context);
    measure_send(context);
}

} // namespace chorale::bench
