// The stress test's traffic.
#include "stress_traffic.hpp"

#include "helper.hpp"
#include "machine_tests.hpp"

namespace chorale::test {

Traffic traffic;

namespace {

constexpr int outstanding_limit = 24;

struct Head {
    std::uint32_t sender;
    std::uint32_t sequence;
    std::uint32_t size;
    std::uint32_t reply_size;
    std::uint64_t check;
};

std::uint64_t check_of(const Head& head, std::uint64_t salt) {
    std::uint64_t value = salt ^ (std::uint64_t{head.sender} << 32 | head.sequence);
    value = (value ^ (std::uint64_t{head.size} << 32 | head.reply_size)) * 0x9e3779b97f4a7c15U;
    return value ^ value >> 29;
}

constexpr std::uint64_t request_salt = 0x1111, reply_salt = 0x2222;

// Small ones are checked whole, large ones every 61 bytes and at the end.
unsigned step_of(unsigned size) { return size <= 256 ? 1 : 61; }

unsigned char payload(const Head& head, std::uint64_t salt, unsigned index) {
    return static_cast<unsigned char>(head.sequence * 7 + head.sender * 3 + index * 13 +
                                      static_cast<unsigned>(salt));
}

void fill(unsigned char* body, Head head, std::uint64_t salt) {
    head.check = check_of(head, salt);
    __builtin_memcpy(body, &head, sizeof(head));
    const unsigned size = salt == request_salt ? head.size : head.reply_size;
    for (unsigned i = sizeof(head); i < size; i += step_of(size)) {
        body[i] = payload(head, salt, i);
    }
    if (size > sizeof(head)) {
        body[size - 1] = payload(head, salt, size - 1);
    }
}

bool intact(const unsigned char* body, unsigned size, std::uint64_t salt, Head& head) {
    if (size < sizeof(head)) {
        return false;
    }
    __builtin_memcpy(&head, body, sizeof(head));
    if (head.check != check_of(head, salt) || size != (salt == request_salt ? head.size : head.reply_size)) {
        return false;
    }
    for (unsigned i = sizeof(head); i + 1 < size; i += step_of(size)) {
        if (body[i] != payload(head, salt, i)) {
            return false;
        }
    }
    return size == sizeof(head) || body[size - 1] == payload(head, salt, size - 1);
}

unsigned random_size(Random& random) {
    const unsigned choice = random.below(100);
    const unsigned range = choice < 70   ? 65 - sizeof(Head)
                           : choice < 90 ? 1024
                                         : message_limit - sizeof(Head) + 1;
    return static_cast<unsigned>(sizeof(Head)) + random.below(range);
}

bool expected_error(int error, bool of_child) {
    switch (error) {
    case K_EFULL:
    case K_ETIMEOUT:
    case K_EABORT:
    case K_ENOMEM:
        return true;
    case K_ECRASH:
    case K_EUNKNOWN:
    case K_ENOPORT:
    case K_EFAIL:
        return of_child;
    default:
        return false;
    }
}

class Client {
  public:
    Client(const ClientPlan& plan, Buffers& buffers)
        : plan_{plan}, buffers_{buffers}, random_{plan.seed}, sequence_{plan.first_sequence} {}

    void step() {
        const unsigned choice = random_.below(100);
        if (choice < 50) {
            call_stable();
        } else if (choice < 65) {
            call_child();
        } else if (choice < 73) {
            threadDelay(K_NOBLOCK);
        } else if (choice < 76) {
            pause();
        } else if (plan_.only_calls) {
            nullCall();
        } else if (choice < 86) {
            send_stable();
        } else {
            do_other(choice);
        }
    }

  private:
    Head next_head() { return {plan_.sender, ++sequence_, random_size(random_), random_size(random_), 0}; }

    int call(const KnIpcDest& destination, const Head& head) {
        fill(buffers_.request, head, request_salt);
        const unsigned flags = random_.below(4) == 0 ? K_ABORTABLE : 0;
        const int delay = random_.below(16) == 0 ? static_cast<int>(random_.below(4)) + 1 : -1;
        const KnMsgDesc request{0, head.size, address_of(buffers_.request), 0, 0};
        KnMsgDesc reply{flags, message_limit, address_of(buffers_.reply), 0, 0};
        return ipcCall(&request, K_DEFAULTPORT, &destination, &reply, delay);
    }

    bool reply_is_right(int size, const Head& head) {
        Head got{};
        return intact(buffers_.reply, static_cast<unsigned>(size), reply_salt, got) &&
               got.sender == head.sender && got.sequence == head.sequence;
    }

    void call_stable() {
        const Head head = next_head();
        const int result = call(traffic.stable[random_.below(traffic.servers)].get(), head);
        if (result < 0) {
            if (!expected_error(result, false)) {
                traffic.counters.unexpected_result(result);
            }
            return;
        }
        if (!reply_is_right(result, head)) {
            traffic.counters.corrupted.fetch_add(1);
        }
        traffic.counters.calls.fetch_add(1);
    }

    void call_child() {
        const Head head = next_head();
        const int result = call(traffic.child_ports[random_.below(child_limit * child_servers)].get(), head);
        if (result < 0) {
            if (!expected_error(result, true)) {
                traffic.counters.unexpected_result(result);
            }
            return;
        }
        if (!reply_is_right(result, head)) {
            traffic.counters.corrupted.fetch_add(1);
        }
        traffic.counters.child_calls.fetch_add(1);
    }

    void send_stable() {
        const unsigned server = random_.below(traffic.servers);
        if (traffic.outstanding[server].fetch_add(1) >= outstanding_limit) {
            traffic.outstanding[server].fetch_sub(1);
            return;
        }
        const Head head = next_head();
        fill(buffers_.request, head, request_salt);
        const KnMsgDesc message{0, head.size, address_of(buffers_.request), 0, 0};
        const KnIpcDest destination = traffic.stable[server].get();
        const int result = ipcSend(&message, K_DEFAULTPORT, &destination);
        if (result >= 0) {
            traffic.counters.sends.fetch_add(1);
            return;
        }
        traffic.outstanding[server].fetch_sub(1);
        if (!expected_error(result, false)) {
            traffic.counters.unexpected_result(result);
        }
    }

    void pause() {
        const KnTimeVal time{0, static_cast<long>(random_.below(2000)) * 1000};
        threadDelay(&time);
    }

    void do_other(unsigned choice) {
        traffic.counters.other_calls.fetch_add(1);
        if (choice < 89) {
            use_port();
        } else if (choice < 91) {
            use_region();
        } else if (choice < 94) {
            make_mistakes();
        } else if (choice < 96) {
            threadBind(K_MYACTOR, K_MYSELF, random_.below(traffic.cpus), nullptr, K_NONEXCLUSIVE);
        } else if (choice < 98) {
            // Of a client that may just have ended: then an error.
            threadAbort(K_MYACTOR, traffic.client_threads[random_.below(traffic.clients)].load());
        } else if (choice < 99) {
            use_environment();
        } else {
            use_actor();
        }
    }

    void use_port() {
        KnUniqueId name{};
        const int li = portCreate(K_MYACTOR, &name);
        if (li < 0) {
            return;
        }
        const std::uint64_t word = li == 0 ? 0U : 1U;
        const KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
        const KnIpcDest destination{name, {}};
        for (unsigned i = random_.below(4); i > 0; --i) {
            ipcSend(&message, K_DEFAULTPORT, &destination);
        }
        std::uint64_t got = 0;
        KnMsgDesc incoming{0, sizeof(got), address_of(&got), 0, 0};
        int port = li;
        const int result = ipcReceive(&incoming, &port, 0);
        if (result >= 0 && (result != 8 || got != word || port != li)) {
            traffic.counters.corrupted.fetch_add(1);
        }
        if (const int error = portDelete(K_MYACTOR, li); error < 0) {
            traffic.counters.unexpected_result(error);
        }
    }

    void use_region() {
        const VmSize size = (random_.below(8) + 1) * 4096;
        KnRgnDesc region{0, size, K_WRITABLE | K_FILLZERO | K_ANYWHERE, 0, nullptr, 0};
        if (rgnAllocate(K_MYACTOR, &region) < 0) {
            return;
        }
        for (VmSize offset = 0; offset < size; offset += 4096) {
            auto& word = *reinterpret_cast<volatile std::uint64_t*>(region.startAddr + offset);
            if (word != 0) {
                traffic.counters.corrupted.fetch_add(1);
            }
            word = offset + 1;
        }
        region.size = size;
        region.options = 0;
        if (const int error = rgnFree(K_MYACTOR, &region); error < 0) {
            traffic.counters.unexpected_result(error);
        }
    }

    void make_mistakes() {
        RawCall bad{random_.below(128)};
        switch (bad.number) {
        case 0:
        case 1:
        case 65:
        case 69:
        case 71:
        case 75:
        case 76:
        case 78:
            bad.number = 126;
            break;
        default:
            break;
        }
        for (std::uint64_t& argument : bad.argument) {
            argument = 0xffff800000000000U + random_.next() % 0x10000;
        }
        bad.number = call_of(bad.number);
        raw_call(bad);
    }

    void use_environment() {
        char value[32];
        unsigned size = sizeof(value);
        sysSetEnv("test.stress", "some value");
        sysGetEnv("test.stress", value, &size);
        sysUnsetEnv("test.stress");
    }

    void use_actor() {
        KnCap actor{};
        if (actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE) < 0) {
            return;
        }
        if (const int error = actorDelete(&actor); error < 0) {
            traffic.counters.unexpected_result(error);
        }
    }

    const ClientPlan& plan_;
    Buffers& buffers_;
    Random random_;
    std::uint32_t sequence_;
};

// Notes the reception in a stable server.
void note_delivery(const Head& head, bool was_sent, int stable) {
    const std::uint32_t before =
        traffic.delivered[head.sender][head.sequence % Traffic::window].exchange(head.sequence);
    if (before == head.sequence) {
        traffic.counters.doubled.fetch_add(1);
    }
    if (was_sent) {
        traffic.counters.received_sends.fetch_add(1);
        traffic.outstanding[stable].fetch_sub(1);
    }
}

} // namespace

void run_client(const ClientPlan& plan, Buffers& buffers) {
    Client client{plan, buffers};
    while (!traffic.stop.load()) {
        client.step();
    }
}

void run_server(int portli, int stable, Buffers& buffers) {
    int port = portli;
    KnMsgDesc message{0, message_limit, address_of(buffers.request), 0, 0};
    int size = ipcReceive(&message, &port, -1);
    for (;;) {
        if (size < 0) {
            if (size != K_EABORT) {
                return;
            }
            size = ipcReceive(&message, &port, -1);
            continue;
        }
        Head head{};
        KnMsgHead info{};
        ipcSysInfo(&info);
        const bool was_sent = (info.flags[0] & K_MSG_CALL) == 0;
        if (!intact(buffers.request, static_cast<unsigned>(size), request_salt, head) ||
            head.sender >= sender_limit) {
            traffic.counters.corrupted.fetch_add(1);
            head = {0, 0, 0, sizeof(Head), 0};
        } else if (stable >= 0) {
            note_delivery(head, was_sent, stable);
        }
        if (was_sent) {
            size = ipcReceive(&message, &port, -1);
            continue;
        }
        fill(buffers.reply, head, reply_salt);
        const KnMsgDesc reply{0, head.reply_size, address_of(buffers.reply), 0, 0};
        size = ipcReplyReceive(&reply, &message, &port, -1);
    }
}

} // namespace chorale::test
