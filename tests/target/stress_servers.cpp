// The message stress's servers: whatever comes to the enabled ports of their actor, at once, put aside for
// another thread, or read later; and the ends of the rings.
#include "stress_board.hpp"

namespace chorale::test::messages {
namespace {

constexpr int nothing = -1000; // in place of a size: there is no current message

class Server {
  public:
    explicit Server(const Identity& self) : self_{self}, room_{room_of(self.index)}, random_{self.seed()} {}

    void run() {
        for (int size = nothing; !board.stop.load() || saved().load() > 0;) {
            if (size == nothing && saved().load() > 0 && random_.below(2) == 0 && restore()) {
                size = answer();
            } else if (size == nothing) {
                size = receive();
            } else {
                size = deal_with(static_cast<unsigned>(size));
            }
        }
    }

  private:
    std::atomic<int>& saved() { return board.actors[self_.actor].saved; }

    // Without time limit only from all enabled ports, and while no message waits to be restored.
    int receive() {
        const unsigned choice = random_.below(8);
        kept_ = choice < 2;
        incoming_ = {random_.below(4) == 0 ? K_ABORTABLE : 0U, kept_ ? 0 : body_limit,
                     kept_ ? 0 : address_of(room_.in), address_of(annex_), 0};
        port_ = choice == 7 ? random_port() : K_ANYENABLED;
        const bool limited = port_ != K_ANYENABLED || saved().load() > 0 || random_.below(4) == 0;
        return received(ipc_receive(limited ? static_cast<int>(random_.below(6)) : -1));
    }

    int ipc_receive(int delay) {
        delay_ = delay;
        self_.entry().doing.store(Doing::receiving);
        return ipcReceive(&incoming_, &port_, delay);
    }

    int received(int size) {
        through_ = size < 0 ? 0 : told_port();
        self_.entry().doing.store(Doing::working);
        const bool named = port_ != K_ANYENABLED && size < 0;
        const std::uint32_t allowed = codes(K_ENOMEM) | (delay_ >= 0 ? bit_of(K_ETIMEOUT) : 0) |
                                      (incoming_.flags == K_ABORTABLE ? bit_of(K_EABORT) : 0) |
                                      (named ? codes(K_EINVAL, K_ENOPORT) : 0);
        return good("ipcReceive", size, allowed) ? size : nothing;
    }

    // The port that the message has come through, by its number here: at home nobody else gets that so soon.
    std::uint64_t told_port() {
        KnUniqueId port{};
        return self_.actor == home && portUi(&port, port_) == K_OK ? port.uiTail | 1 : 0;
    }

    // One that somebody moves or deletes meanwhile; home's steady ones have never been anywhere else for
    // long.
    int random_port() {
        const PortEntry& entry = board.ports[random_.below(port_limit)];
        const std::uint64_t place = entry.place.load();
        return place >> 32 == self_.actor ? static_cast<int>(place & 0xffffffff) : K_ANYENABLED;
    }

    int deal_with(unsigned size) {
        if (kept_) {
            if (random_.below(3) == 0 && put_aside()) {
                return nothing;
            }
            const KnMsgDesc whole{0, body_limit, address_of(room_.in), 0, 0};
            const int got = ipcGetData(&whole);
            if (got != static_cast<int>(size)) {
                problem("ipcGetData", got);
                return nothing;
            }
        }
        return take(size, true) ? answer() : nothing;
    }

    // But not one with an annex: who restores it has none to compare it with.
    bool put_aside() {
        KnMsgHead info{};
        if (ipcSysInfo(&info) != K_OK || (info.flags[0] & K_MSG_ANNEX) != 0) {
            return false;
        }
        saved().fetch_add(1);
        const int id = ipcSave(K_NONEPORT);
        if (id > 0) {
            return true;
        }
        saved().fetch_sub(1);
        (void)good("ipcSave", id, codes(K_EFULL, K_ENOMEM));
        return false;
    }

    // True: the message is current, and waits for an answer.
    bool restore() {
        const int id = 1 + static_cast<int>(random_.below(K_CMSGSAVEDMAX));
        const int result = ipcRestore(id);
        if (result != K_OK) {
            (void)good("ipcRestore", result, codes(K_EINVAL));
            return false;
        }
        saved().fetch_sub(1);
        board.restored.fetch_add(1);
        const KnMsgDesc whole{0, body_limit, address_of(room_.in), 0, 0};
        const int size = ipcGetData(&whole);
        if (size < 0) {
            problem("ipcGetData of a restored message", size);
            return false;
        }
        incoming_.annexAddr = 0;
        return take(static_cast<unsigned>(size), false);
    }

    // Whether an answer is awaited, and shall be given.
    bool take(unsigned size, bool just_come) {
        KnMsgHead info{};
        if (const int result = ipcSysInfo(&info); result != K_OK) {
            problem("ipcSysInfo", result);
            return false;
        }
        if (size == sizeof(std::uint64_t)) {
            return false; // somebody's own port has a number that one of ours had
        }
        if (!whole(size, just_come && (info.flags[0] & K_MSG_ANNEX) != 0)) {
            return false;
        }
        note_received(head_, just_come ? through_ : 0);
        if (random_.below(8) == 0) {
            MutexEntry& mutex = board.mutexes[mutex_limit - 1];
            enter(mutex, self_);
            leave(mutex);
        }
        return (info.flags[0] & K_MSG_CALL) != 0 && ((head_.kind & limited) == 0 || random_.below(32) != 0);
    }

    bool whole(unsigned size, bool annex) {
        const bool good = intact(room_.in, size, request_salt, head_);
        std::uint64_t number = good ? head_.number : 0;
        if (annex && !annex_intact(annex_, number)) {
            problem("an annex is not as it was sent", static_cast<long>(number));
            return false;
        }
        if (good && number == head_.number) {
            return true;
        }
        if (!annex || !is_doomed(Identity::thread_of(number), Identity::incarnation_of(number))) {
            problem("a request is not as it was sent", static_cast<long>(size));
        }
        return false;
    }

    // The size of the next message, if it waits for one.
    int answer() {
        fill(room_.out, head_, reply_salt);
        const KnMsgDesc reply{0, head_.reply_size, address_of(room_.out), 0, 0};
        if (saved().load() > 0 || random_.below(4) == 0) {
            (void)good("ipcReply", ipcReply(&reply), codes(K_ENOMEM));
            return nothing;
        }
        kept_ = false;
        incoming_ = {0, body_limit, address_of(room_.in), address_of(annex_), 0};
        port_ = K_ANYENABLED;
        delay_ = -1;
        self_.entry().doing.store(Doing::receiving);
        return received(ipcReplyReceive(&reply, &incoming_, &port_, -1));
    }

    const Identity& self_;
    Room& room_;
    Random random_;
    KnMsgDesc incoming_{};
    unsigned char annex_[K_CMSGANNEXSIZE];
    Head head_{};
    std::uint64_t through_{}; // 0: not known
    int port_{}, delay_{};
    bool kept_{};
};

// ---- rings -------------------------------------------------------------------------------------------

constexpr KnTimeVal brief{0, 3'000'000};

unsigned long ring_word(std::uint64_t number) {
    return number << 16 | ((number * 0x9e3779b97f4a7c15U) >> 48);
}
bool is_ring_word(unsigned long word) { return ring_word(word >> 16) == word; }

const KnTimeVal* some_time(Random& random) { return random.below(3) == 0 ? K_NOTIMEOUT : &brief; }

constexpr std::uint32_t ring_errors = codes(K_ETIMEOUT, K_EABORT);

} // namespace

void run_server(std::uintptr_t identity) {
    const Identity self = Identity::of(identity);
    Server{self}.run();
    self.entry().doing.store(Doing::nothing);
}

// Sends back what comes. After the one before has died, it may get words of his again.
void run_ring_of_kid(std::uintptr_t identity) {
    const Identity self = Identity::of(identity);
    RingPair& pair = board.rings[self.actor];
    Random random{self.seed()};
    KnMsgConsumer in;
    KnMsgProducer out;
    unsigned long word = 0, last = 0;
    msgRingConsumer(&in, &pair.out, ring_words);
    msgRingProducer(&out, &pair.back, ring_words);
    while (rest(self)) {
        if (msgRingGet(&in, &word) == 0) {
            (void)good("msgRingAwait", msgRingAwait(&in, some_time(random)), ring_errors);
            continue;
        }
        if (!is_ring_word(word) || (last != 0 && word >> 16 != (last >> 16) + 1)) {
            problem("a ring's word", static_cast<long>(word));
        }
        last = word;
        while (msgRingPut(&out, word) == 0 && rest(self)) {
            (void)good("msgRingAwaitRoom", msgRingAwaitRoom(&out, some_time(random)), ring_errors);
        }
        msgRingWake(&out);
    }
    self.entry().doing.store(Doing::nothing);
}

void run_rings_of_home(std::uintptr_t identity) {
    const Identity self = Identity::of(identity);
    Random random{self.seed()};
    KnMsgProducer out[kid_limit];
    KnMsgConsumer in[kid_limit];
    for (unsigned i = 0; i < kid_limit; ++i) {
        msgRingProducer(&out[i], &board.rings[i].out, ring_words);
        msgRingConsumer(&in[i], &board.rings[i].back, ring_words);
    }
    while (rest(self)) {
        const unsigned i = random.below(kid_limit);
        RingPair& pair = board.rings[i];
        for (unsigned burst = random.below(16); burst > 0; --burst) {
            if (msgRingPut(&out[i], ring_word(pair.sent.load() + 1)) == 0) {
                break;
            }
            pair.sent.fetch_add(1);
        }
        msgRingWake(&out[i]);
        unsigned long word = 0;
        while (msgRingGet(&in[i], &word) != 0) {
            if (!is_ring_word(word) || word >> 16 > pair.sent.load() + 1) {
                problem("a ring's word that came back", static_cast<long>(word));
            }
            board.ring_words_seen.fetch_add(1);
        }
        const int result = random.below(4) == 0 ? msgRingAwaitRoom(&out[i], &brief)
                                                : msgRingAwait(&in[i], some_time(random));
        (void)good("the home end of a ring", result, ring_errors);
    }
    self.entry().doing.store(Doing::nothing);
}

} // namespace chorale::test::messages
