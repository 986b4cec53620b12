// The message stress's board: bodies that tell whether they are whole, and what was seen of them.
#include "stress_board.hpp"

namespace chorale::test::messages {
namespace {

std::uint64_t mix(std::uint64_t value) {
    value *= 0x9e3779b97f4a7c15U;
    value ^= value >> 29;
    return value * 0xbf58476d1ce4e5b9U;
}

std::uint64_t check_of(const Head& head, std::uint64_t salt) {
    return mix(mix(mix(head.number ^ salt) + head.size) + (std::uint64_t{head.reply_size} << 8 | head.kind));
}

// Small ones are checked whole, large ones every 61 bytes and at the end.
unsigned step_of(unsigned size) { return size <= 256 ? 1 : 61; }

unsigned char payload(const Head& head, std::uint64_t salt, unsigned index) {
    return static_cast<unsigned char>(head.number * 7 + (head.number >> 40) + index * 13 + salt);
}

unsigned size_of(const Head& head, std::uint64_t salt) {
    return salt == reply_salt ? head.reply_size : head.size;
}

} // namespace

void problem(const char* what, long value) {
    const char* none = nullptr;
    board.problems.fetch_add(1);
    if (board.first_problem.compare_exchange_strong(none, what)) {
        board.first_value.store(value);
    }
}

void fill(unsigned char* body, Head head, std::uint64_t salt) {
    head.check = check_of(head, salt);
    __builtin_memcpy(body, &head, sizeof head);
    const unsigned size = size_of(head, salt);
    for (unsigned i = sizeof head; i < size; i += step_of(size)) {
        body[i] = payload(head, salt, i);
    }
    if (size > sizeof head) {
        body[size - 1] = payload(head, salt, size - 1);
    }
}

bool intact(const unsigned char* body, unsigned size, std::uint64_t salt, Head& head) {
    if (size < sizeof head) {
        return false;
    }
    __builtin_memcpy(&head, body, sizeof head);
    if (head.check != check_of(head, salt) || size != size_of(head, salt)) {
        return false;
    }
    for (unsigned i = sizeof head; i + 1 < size; i += step_of(size)) {
        if (body[i] != payload(head, salt, i)) {
            return false;
        }
    }
    return size == sizeof head || body[size - 1] == payload(head, salt, size - 1);
}

void fill_annex(unsigned char* annex, std::uint64_t number) {
    __builtin_memcpy(annex, &number, sizeof number);
    for (unsigned i = sizeof number; i < K_CMSGANNEXSIZE; ++i) {
        annex[i] = static_cast<unsigned char>(number * 11 + i * 5);
    }
}

bool annex_intact(const unsigned char* annex, std::uint64_t& number) {
    __builtin_memcpy(&number, annex, sizeof number);
    for (unsigned i = sizeof number; i < K_CMSGANNEXSIZE; ++i) {
        if (annex[i] != static_cast<unsigned char>(number * 11 + i * 5)) {
            return false;
        }
    }
    return true;
}

void note_received(const Head& head, std::uint64_t port) {
    const bool one_of_many = (head.kind & broadcast) != 0;
    if (one_of_many && port == 0) {
        return; // it cannot be told any more through which port it came
    }
    const std::uint64_t key = one_of_many ? mix(head.number ^ mix(port)) : head.number;
    if (board.received[mix(key) >> 32 & (memory_limit - 1)].exchange(key) == key) {
        problem(one_of_many ? "a broadcast was received twice" : "received twice",
                static_cast<long>(head.number));
    }
    if ((head.kind & counted) != 0) {
        board.counted_received.fetch_add(1);
    }
}

unsigned random_size(Random& random) {
    const unsigned choice = random.below(100);
    const unsigned range = choice < 60   ? 65 - sizeof(Head)
                           : choice < 85 ? 1024
                                         : body_limit - sizeof(Head) + 1;
    return static_cast<unsigned>(sizeof(Head)) + random.below(range);
}

bool is_doomed(unsigned thread, std::uint32_t incarnation) {
    const ActorEntry& actor = board.actors[thread / threads_per_actor % actor_limit];
    return actor.threads[thread % threads_per_actor].doomed.load() >= incarnation;
}

bool rest(const Identity& self) {
    while (board.pause.load() && !board.stop.load()) {
        self.entry().doing.store(Doing::resting);
        sleep_milliseconds(1);
    }
    self.entry().doing.store(Doing::working);
    return !board.stop.load();
}

void enter(MutexEntry& entry, const Identity& self) {
    self.calls("rtMutexGet");
    if (const int result = rtMutexGet(&entry.mutex); result != K_OK) {
        problem("rtMutexGet", result);
        return;
    }
    const std::uint64_t here = std::uint64_t{self.number()} << 32 | self.incarnation;
    const std::uint64_t before = entry.inside.exchange(here);
    if (before != 0 && !is_doomed(static_cast<unsigned>(before >> 32), static_cast<std::uint32_t>(before))) {
        problem("two have the mutex", static_cast<long>(before));
    }
}

void leave(MutexEntry& entry) {
    entry.inside.store(0);
    if (const int result = rtMutexRel(&entry.mutex); result != K_OK) {
        problem("rtMutexRel", result);
    }
}

} // namespace chorale::test::messages
