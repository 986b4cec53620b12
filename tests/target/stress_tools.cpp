// What the clients of the message stress do beside calling and sending.
#include "stress_clients.hpp"

#include <mipc/chMipc.h>

namespace chorale::test::messages {
namespace {

constexpr std::uint32_t no_capability = codes(K_EUNKNOWN);

// At the beginning of a message of a space.
struct Parcel {
    std::atomic<std::uint64_t> queued; // as its holder last left it
    Head head;
};
constexpr unsigned parcel_room = 80;

const KnTimeVal* some_time(Random& random) {
    static constexpr KnTimeVal brief{0, 2'000'000};
    const unsigned choice = random.below(8);
    return choice == 0 ? K_NOTIMEOUT : choice < 4 ? &brief : K_NOBLOCK;
}
// K_NOTIMEOUT is abortable, as is every time limit here.
constexpr std::uint32_t wait_errors = codes(K_ETIMEOUT, K_EABORT);

} // namespace

// ---- ports -------------------------------------------------------------------------------------------

void Tools::move_wild_port() {
    PortEntry& entry = board.ports[first_wild + random_.below(wild_ports)];
    std::uint64_t place = entry.place.load();
    const auto from = static_cast<unsigned>(place >> 32);
    const unsigned to = tame_actors + random_.below(kid_limit - tame_actors);
    const auto li = static_cast<int>(place & 0xffffffff);
    KnCap source{}, target{};
    if (li <= 0 || !board.actors[from].capability.get(source) || !board.actors[to].capability.get(target)) {
        return;
    }
    if (random_.below(32) == 0) {
        (void)good("portDelete of others", portDelete(&source, li), codes(K_EINVAL) | no_capability);
        return;
    }
    const int options = random_.below(2) == 0 ? K_WITHMSG : K_WITHOUTMSG;
    KnEvtNum number = 0;
    const int there = portMigrate(options, &source, li, &target, &number);
    if (good("portMigrate", there, codes(K_EINVAL, K_EFULL) | no_capability)) {
        board.moved.fetch_add(1);
        (void)good("portEnable there", portEnable(&target, there, static_cast<int>(random_.below(3))),
                   codes(K_EINVAL) | no_capability);
        const std::uint64_t now = std::uint64_t{to} << 32 | static_cast<unsigned>(there);
        entry.place.compare_exchange_strong(place, now);
    }
}

void Tools::use_own_port() {
    KnUniqueId name{};
    int li = portCreate(K_MYACTOR, &name);
    if (!good("portCreate", li, codes(K_ENOMEM, K_EFULL) | if_dying())) {
        return;
    }
    // In a wild actor others may take it for one of theirs.
    const bool safe = self_.actor < tame_actors || self_.actor == home;
    const std::uint32_t taken = if_dying() | (safe ? 0 : codes(K_EINVAL, K_EUNKNOWN, K_ENOPORT, K_EFULL));
    const std::uint64_t word = self_.first_number() + static_cast<unsigned>(li);
    const KnMsgDesc message{0, sizeof word, address_of(&word), 0, 0};
    const KnIpcDest destination{name, {}};
    unsigned sent = 0;
    for (unsigned i = random_.below(4); i > 0; --i) {
        if (good("ipcSend to the own port", ipcSend(&message, K_DEFAULTPORT, &destination),
                 codes(K_ENOMEM) | taken)) {
            ++sent;
        }
    }
    std::uint64_t got = 0;
    KnMsgDesc incoming{0, sizeof got, address_of(&got), 0, 0};
    int port = li;
    const int result = ipcReceive(&incoming, &port, 0);
    if (good("ipcReceive from the own port", result, codes(K_ETIMEOUT) | taken) && safe &&
        (sent == 0 || result != sizeof got || got != word || port != li)) {
        problem("what came through the own port", result);
    }
    const unsigned to = random_.below(kid_limit);
    KnCap target{};
    if (random_.below(2) != 0 && to != self_.actor && board.actors[to].capability.get(target)) {
        const int options = random_.below(2) == 0 ? K_WITHMSG : K_WITHOUTMSG;
        const int there = portMigrate(options, K_MYACTOR, li, &target, nullptr);
        if (good("portMigrate of the own port", there, codes(K_EFULL) | no_capability | taken)) {
            board.moved.fetch_add(1);
            (void)good("portDelete there", portDelete(&target, there), codes(K_EINVAL) | no_capability);
            return;
        }
        if (there == K_EUNKNOWN) {
            // It went with its new actor, or never left.
            (void)good("portDelete here", portDelete(K_MYACTOR, li), codes(K_EINVAL) | if_dying());
            return;
        }
    }
    (void)good("portDelete of the own port", portDelete(K_MYACTOR, li), taken);
}

// ---- anybody -----------------------------------------------------------------------------------------

void Tools::abort_somebody() {
    const unsigned actor = random_.below(actor_limit);
    KnCap capability{};
    if (!board.actors[actor].capability.get(capability)) {
        return;
    }
    const KnThreadLid thread = board.actors[actor].threads[random_.below(threads_per_actor)].thread.load();
    if (thread > 0) {
        (void)good("threadAbort", threadAbort(&capability, thread), codes(K_EINVAL) | no_capability);
    }
}

void Tools::look_around() {
    KnCap capability{};
    KnActorStatistics now{};
    const unsigned actor = random_.below(actor_limit);
    if (board.actors[actor].capability.get(capability) &&
        good("actorStatistics", actorStatistics(&capability, &now), no_capability) &&
        now.credits > now.creditLimit) {
        problem("more credits than there are", static_cast<long>(now.credits));
    }
    const PortEntry& entry = board.ports[random_.below(port_limit)];
    KnUniqueId name{};
    if (entry.name.get(name)) {
        (void)good("uiIsLocal", uiIsLocal(&name), 0);
        (void)good("portLi", portLi(&name), codes(K_EUNKNOWN));
    }
    KnEvtNum number = 0;
    (void)good("portGetSeqNum",
               portGetSeqNum(&capability, static_cast<int>(entry.place.load() & 0xffff), &number),
               codes(K_EINVAL) | no_capability);
    if (random_.below(8) == 0) {
        const int result =
            threadBind(K_MYACTOR, K_MYSELF, random_.below(board.cpus), nullptr, K_NONEXCLUSIVE);
        (void)good("threadBind", result, codes(K_EBUSY, K_ENOMEM) | if_dying());
    }
}

// ---- message spaces ----------------------------------------------------------------------------------

int Tools::open_space() {
    const int space = msgSpaceOpen(space_name);
    (void)good("msgSpaceOpen", space, codes(K_ENOMEM, K_EFULL, K_EABORT) | if_dying());
    return space;
}

void Tools::fill_parcel(char* message) {
    auto& parcel = *reinterpret_cast<Parcel*>(message);
    const Head head{self_.first_number() + ++parcel_, parcel_room, 0, 0, 0, 0};
    unsigned char body[parcel_room];
    fill(body, head, parcel_salt);
    __builtin_memcpy(&parcel.head, body, sizeof body);
    parcel.queued.store(1);
}

// From now on this thread's, and nobody else's.
void Tools::check_parcel(char* message, const char* what) {
    auto& parcel = *reinterpret_cast<Parcel*>(message);
    if (parcel.queued.exchange(0) != 1) {
        problem(what, 2);
    }
    Head head{};
    unsigned char body[parcel_room];
    __builtin_memcpy(body, &parcel.head, sizeof body);
    if (!intact(body, parcel_room, parcel_salt, head)) {
        problem(what, 1);
    }
    board.parcels.fetch_add(1);
}

void Tools::give_parcel(int space, char* message) {
    if (random_.below(4) == 0) {
        (void)good("msgFree", msgFree(space, message), 0);
        return;
    }
    const unsigned queue = random_.below(space_queues), priority = random_.below(K_MSG_PRIOMAX + 1);
    fill_parcel(message);
    if (!good("msgPut", msgPut(space, queue, message, priority), 0) || random_.below(6) != 0) {
        return;
    }
    // Whoever has it now may have put it there again.
    if (good("msgRemove", msgRemove(space, queue, message, priority), codes(K_EINVAL))) {
        check_parcel(message, "a message taken out of its queue");
        (void)good("msgFree", msgFree(space, message), 0);
    }
}

void Tools::use_space() {
    const int space = open_space();
    if (space <= 0) {
        return;
    }
    self_.calls("message space");
    char* message = nullptr;
    const unsigned choice = random_.below(5);
    if (choice < 2) {
        const unsigned pool = random_.below(space_pools + 1);
        const int result = msgAllocate(space, pool == space_pools ? K_ANY_MSGPOOL : pool, parcel_room,
                                       some_time(random_), &message);
        if (good("msgAllocate", result, wait_errors)) {
            give_parcel(space, message);
        }
        return;
    }
    KnUniqueId source{};
    unsigned queue = random_.below(space_queues);
    const int result = choice < 4 ? msgGet(space, queue, some_time(random_), &message, &source)
                                  : msgGetAny(space, &queue, some_time(random_), &message, &source);
    if (good("msgGet", result, wait_errors)) {
        check_parcel(message, "a message from a queue");
        give_parcel(space, message);
    }
}

void Tools::use_space_of_kids() {
    if (self_.actor == home) {
        return; // it would have them for ever
    }
    const KnMsgSpaceId name = kid_space_name + random_.below(kid_limit);
    constexpr KnMsgPool pool{256, 8};
    const int space =
        random_.below(2) == 0 ? msgSpaceCreate(name, space_queues, 1, &pool) : msgSpaceOpen(name);
    if (!good("msgSpaceCreate", space, codes(K_EBUSY, K_EUNKNOWN, K_ENOMEM, K_EFULL, K_EABORT))) {
        return;
    }
    char* message = nullptr;
    if (good("msgAllocate of kids", msgAllocate(space, 0, 1, some_time(random_), &message), wait_errors)) {
        give_parcel(space, message);
    }
    if (good("msgGet of kids", msgGet(space, 0, K_NOBLOCK, &message, nullptr), wait_errors)) {
        check_parcel(message, "a message of a kid");
        (void)good("msgFree", msgFree(space, message), 0);
    }
}

} // namespace chorale::test::messages
