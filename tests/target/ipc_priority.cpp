// Suite ipc_priority: a call lends its priority to the server, through chains, and the reply takes it back.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr unsigned client_priority = 90, between = 95, server_priority = 120, second_server_priority = 130;

std::atomic<unsigned> trace_length;
unsigned trace[16];

void note(std::uintptr_t value) {
    const unsigned at = trace_length.fetch_add(1);
    if (at < 16) {
        trace[at] = static_cast<unsigned>(value);
    }
}

bool trace_is(std::initializer_list<unsigned> expected) {
    unsigned i = 0;
    if (trace_length != expected.size()) {
        return false;
    }
    for (const unsigned value : expected) {
        if (trace[i++] != value) {
            return false;
        }
    }
    return true;
}

KnIpcDest first_target, second_target;
int first_li, second_li;
unsigned call_size;

int call(const KnIpcDest& destination) {
    unsigned char body[128] = {};
    const KnMsgDesc request{0, call_size, address_of(body), 0, 0};
    KnMsgDesc reply{0, sizeof(body), address_of(body), 0, 0};
    return ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1);
}

template <class Work>
void serve(int li, Work work) {
    unsigned char body[128];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int port = li;
    int size = ipcReceive(&message, &port, -1);
    while (size >= 0) {
        work();
        KnMsgDesc reply{0, static_cast<unsigned>(size), address_of(body), 0, 0};
        size = ipcReplyReceive(&reply, &message, &port, -1);
    }
}

KnThreadLid sleeper;

// Makes the thread between ready: with the client's priority the server goes on before it.
void server(std::uintptr_t) {
    serve(first_li, [] {
        note(1);
        threadAbort(K_MYACTOR, sleeper);
        note(2);
    });
}

void second_server(std::uintptr_t) {
    serve(second_li, [] {
        note(3);
        threadAbort(K_MYACTOR, sleeper);
        note(4);
    });
}

void chain_server(std::uintptr_t) {
    serve(first_li, [] {
        note(1);
        call(second_target);
        note(5);
    });
}

void between_body(std::uintptr_t) {
    threadDelay(K_NOTIMEOUT);
    note(50);
}

void client(std::uintptr_t) {
    note(0);
    call(first_target);
    note(9);
}

bool open_ports() {
    trace_length = 0;
    first_li = portCreate(K_MYACTOR, &first_target.target);
    second_li = portCreate(K_MYACTOR, &second_target.target);
    return first_li > 0 && second_li > 0;
}

void close_ports() {
    portDelete(K_MYACTOR, first_li);
    portDelete(K_MYACTOR, second_li);
}

void lent(Report& report) {
    for (const unsigned size : {8U, 64U, 100U}) {
        call_size = size;
        REQUIRE(open_ports());
        {
            Helper serving, middle, calling;
            REQUIRE(serving.start(server, 0, server_priority) > 0);
            REQUIRE((sleeper = middle.start(between_body, 0, between)) > 0);
            sleep_milliseconds(2); // the server has the CPU and waits for requests
            REQUIRE(calling.start(client, 0, client_priority) > 0);
            CHECK(calling.join());
            CHECK(middle.join());
            CHECK(trace_is({0, 1, 2, 9, 50}));
        }
        close_ports();
    }
}

void lent_through_chain(Report& report) {
    for (const unsigned size : {8U, 100U}) {
        call_size = size;
        REQUIRE(open_ports());
        {
            Helper first, second, middle, calling;
            REQUIRE(first.start(chain_server, 0, server_priority) > 0);
            REQUIRE(second.start(second_server, 0, second_server_priority) > 0);
            REQUIRE((sleeper = middle.start(between_body, 0, between)) > 0);
            sleep_milliseconds(2);
            REQUIRE(calling.start(client, 0, client_priority) > 0);
            CHECK(calling.join());
            CHECK(middle.join());
            CHECK(trace_is({0, 1, 3, 4, 5, 9, 50}));
        }
        close_ports();
    }
}

// After the reply the server is what it was: a thread between has the CPU first.
void replying_server(std::uintptr_t) {
    unsigned char body[128];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int port = first_li;
    ipcReceive(&message, &port, -1);
    threadAbort(K_MYACTOR, sleeper);
    note(1);
    message.bodySize = 8;
    ipcReply(&message);
    note(2);
}

void given_back(Report& report) {
    for (const unsigned size : {8U, 100U}) {
        call_size = size;
        REQUIRE(open_ports());
        {
            Helper serving, middle, calling;
            REQUIRE(serving.start(replying_server, 0, server_priority) > 0);
            REQUIRE((sleeper = middle.start(between_body, 0, between)) > 0);
            sleep_milliseconds(2);
            REQUIRE(calling.start(client, 0, client_priority) > 0);
            CHECK(serving.join());
            CHECK(calling.join());
            CHECK(middle.join());
            CHECK(trace_is({0, 1, 9, 50, 2}));
        }
        close_ports();
    }
}

// A caller of lower priority than the server's does not pull it down.
void not_lowered(Report& report) {
    call_size = 8;
    REQUIRE(open_ports());
    {
        Helper serving, middle, calling;
        REQUIRE(serving.start(server, 0, client_priority) > 0);
        REQUIRE((sleeper = middle.start(between_body, 0, between)) > 0);
        REQUIRE(calling.start(client, 0, server_priority) > 0);
        CHECK(calling.join());
        CHECK(middle.join());
        CHECK(trace_is({0, 1, 2, 50, 9}));
    }
    close_ports();
}

constexpr Case cases[] = {
    {"lent", lent},
    {"lent_through_chain", lent_through_chain},
    {"given_back", given_back},
    {"not_lowered", not_lowered},
};

} // namespace

const Suite ipc_priority_suite{"ipc_priority", cases};

} // namespace chorale::test
