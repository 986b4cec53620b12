// The message stress's clients: one random call after the other, and which results it may have.
#include "stress_clients.hpp"

namespace chorale::test::messages {
namespace {

constexpr std::uint32_t gone = codes(K_EUNKNOWN, K_ENOPORT, K_ECRASH, K_EFAIL);

class Client {
  public:
    explicit Client(const Identity& self)
        : self_{self}, room_{room_of(self.index)}, random_{self.seed()}, number_{self.first_number()},
          tools_{self_, random_} {}

    void step() {
        self_.calls("another");
        const unsigned choice = random_.below(100);
        if (choice < 32) {
            call();
        } else if (choice < 52) {
            send();
        } else if (choice < 57) {
            change_group();
        } else if (choice < 60) {
            tools_.move_wild_port();
        } else if (choice < 65) {
            use_mutexes();
        } else if (choice < 78) {
            tools_.use_space();
        } else if (choice < 80) {
            tools_.use_own_port();
        } else if (choice < 83) {
            tools_.abort_somebody();
        } else if (choice < 86) {
            tools_.look_around();
        } else if (choice < 87) {
            tools_.use_space_of_kids();
        } else if (choice < 94) {
            threadDelay(K_NOBLOCK);
        } else {
            pause();
        }
    }

  private:
    struct Target {
        KnIpcDest destination{};
        std::uint32_t kind{};
        std::uint32_t errors{}; // that a message to there may end with
        bool unlimited{};       // a call to there ends by itself
    };

    bool choose(Target& target, bool one) {
        const unsigned choice = random_.below(10);
        if (choice < 3) {
            target.kind = to_steady;
            target.unlimited = true;
            return board.ports[random_.below(steady_ports)].name.get(target.destination.target);
        }
        target.errors = gone;
        if (choice < 8) {
            const unsigned i = first_tame + random_.below(port_limit - first_tame);
            target.unlimited = i < first_wild;
            return board.ports[i].name.get(target.destination.target);
        }
        return choose_group(target, one);
    }

    bool choose_group(Target& target, bool one) {
        KnCap group{};
        if (!board.groups[random_.below(group_limit)].get(group)) {
            return false;
        }
        const unsigned mode = one ? 1 + random_.below(3) : random_.below(4);
        target.destination.target = group.ui;
        target.kind = mode == K_BROADMODE ? broadcast : 0;
        if (mode >= K_FUNCUMODE) {
            (void)board.ports[random_.below(port_limit)].name.get(target.destination.coTarget);
        }
        if (ipcTarget(&target.destination.target, static_cast<int>(mode)) != K_OK) {
            problem("ipcTarget", static_cast<long>(mode));
        }
        return true;
    }

    KnMsgDesc make_request(const Target& target) {
        head_ = {++number_, random_size(random_), random_size(random_), target.kind, 0, 0};
        fill(room_.out, head_, request_salt);
        KnMsgDesc request{0, head_.size, address_of(room_.out), 0, 0};
        // Of a caller who has died the nucleus may still hold the pages of the body, which the next one uses.
        if (head_.size >= 2 * 4096 || random_.below(8) == 0) {
            fill_annex(annex_, head_.number);
            request.annexAddr = address_of(annex_);
        }
        if (head_.size >= 4096 && random_.below(3) == 0) {
            request.flags = K_MSG_GIVE;
        }
        return request;
    }

    void call() {
        Target target;
        if (!choose(target, true)) {
            return;
        }
        const bool abortable = random_.below(4) == 0;
        const bool has_limit = (!target.unlimited && !abortable) || random_.below(4) == 0;
        // What is steady is never dropped.
        target.kind |= target.kind != to_steady && (has_limit || abortable) ? limited : 0;
        const KnMsgDesc request = make_request(target);
        self_.calls(target.unlimited ? "ipcCall" : "ipcCall of a wild one");
        KnMsgDesc reply{abortable ? K_ABORTABLE : 0U, body_limit, address_of(room_.in), 0, 0};
        const int size = ipcCall(&request, K_DEFAULTPORT, &target.destination, &reply,
                                 has_limit ? 1 + static_cast<int>(random_.below(8)) : -1);
        const std::uint32_t errors = target.errors | codes(K_EFULL, K_ENOMEM) |
                                     (has_limit ? bit_of(K_ETIMEOUT) : 0) |
                                     (abortable ? bit_of(K_EABORT) : 0);
        if (!good("ipcCall", size, errors)) {
            return;
        }
        Head got{};
        if (!intact(room_.in, static_cast<unsigned>(size), reply_salt, got) || got.number != head_.number) {
            problem("a reply is not the one", size);
        }
        board.calls.fetch_add(1);
    }

    // What home threads send to steady ports is counted: nobody kills them in between.
    void send() {
        Target target;
        if (!choose(target, false)) {
            return;
        }
        if (target.kind == to_steady && self_.actor == home) {
            target.kind |= counted;
        }
        const KnMsgDesc message = make_request(target);
        self_.calls("ipcSend");
        const int result = ipcSend(&message, K_DEFAULTPORT, &target.destination);
        const std::uint32_t unknown = target.errors & codes(K_EUNKNOWN);
        if (!good("ipcSend", result, codes(K_EFULL, K_ENOMEM) | unknown)) {
            return;
        }
        board.sends.fetch_add(1);
        if ((target.kind & counted) != 0) {
            board.counted_sent.fetch_add(1);
        }
    }

    void change_group() {
        KnCap group{};
        KnUniqueId port{};
        if (!board.groups[random_.below(group_limit)].get(group) ||
            !board.ports[random_.below(port_limit)].name.get(port)) {
            return;
        }
        if (random_.below(2) == 0) {
            (void)good("grpPortInsert", grpPortInsert(&group, &port), codes(K_EUNKNOWN, K_EFULL, K_ENOMEM));
        } else {
            (void)good("grpPortRemove", grpPortRemove(&group, &port), codes(K_EUNKNOWN, K_EINVAL));
        }
    }

    // Who waits for the mutexes lends his priority to who has them, and to whom that one calls.
    void use_mutexes() {
        const bool both = random_.below(2) == 0;
        MutexEntry& first = board.mutexes[both ? 0 : random_.below(mutex_limit - 1)];
        enter(first, self_);
        if (both) {
            enter(board.mutexes[1], self_);
        }
        if (random_.below(2) == 0) {
            call();
        }
        if (both) {
            leave(board.mutexes[1]);
        }
        leave(first);
    }

    void pause() {
        const KnTimeVal time{0, static_cast<long>(random_.below(2000)) * 1000};
        threadDelay(&time);
    }

    const Identity& self_;
    Room& room_;
    Random random_;
    std::uint64_t number_;
    Head head_{};
    unsigned char annex_[K_CMSGANNEXSIZE];
    Tools tools_;
};

} // namespace

void run_client(std::uintptr_t identity) {
    const Identity self = Identity::of(identity);
    Client client{self};
    while (rest(self)) {
        client.step();
    }
    self.entry().doing.store(Doing::nothing);
}

} // namespace chorale::test::messages
