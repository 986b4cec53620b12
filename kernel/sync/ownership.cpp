// Real-time mutexes: owned by a thread, which runs with the best priority of those who wait.
//
// Words: the owner's number, 0 for none, and where the mutex lies in the owner's space. Only the nucleus
// writes them, but a program can: so while nobody waits they are a hint, and before anybody lends to a thread
// on their word it is looked up, and asked whether there is the same memory at that address. Otherwise a
// program could lend to whom it likes. A hint that leads nowhere, such as to an owner that has ended, counts
// for nothing: the mutex is free. While somebody waits the queue knows the owner, and the words do not
// matter.
//
// When the owner ends, the best waiter gets the mutex as if it had been released.
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/sync/lending.hpp"
#include "kernel/sync/sync.hpp"
#include "kernel/sync/word.hpp"

namespace chorale {

namespace {

constexpr unsigned lid_bits = 8, actor_bits = 10, generation_bits = 13;
static_assert(Actor::thread_limit == 1u << lid_bits && actor_limit == 1u << actor_bits);

constexpr unsigned tries = 3; // before others get their turn

struct OwnerWords {
    static constexpr unsigned number = 0, place = 2; // 64 bits
    static constexpr uword size = 16;
};

// What the words say.
struct Hint {
    u32 number{};
    u64 place{};
    u64 key{};
    friend bool operator==(const Hint&, const Hint&) = default;
};

[[nodiscard]] Hint read(Words word, u64 key) {
    return {word[OwnerWords::number].load(),
            u64{word[OwnerWords::place + 1].load()} << 32 | word[OwnerWords::place].load(), key};
}

void write(Words word, const Thread& owner, VirtAddr place) {
    word[OwnerWords::number].store(owner_number(owner));
    word[OwnerWords::place].store(static_cast<u32>(place.raw()));
    word[OwnerWords::place + 1].store(static_cast<u32>(u64{place.raw()} >> 32));
}

[[nodiscard]] u32 number_of(u32 actor, const Thread& thread, KnThreadLid lid) {
    // relaxed: should the thread have ended meanwhile, its serial tells who lends to it
    const u32 all = thread.sync.generation.load(std::memory_order_relaxed);
    const u32 generation = all & ((1u << generation_bits) - 1);
    return (generation << actor_bits | actor) << lid_bits | static_cast<u32>(lid);
}

// The thread that the hint means, if there is one that the mutex may have. It may be one of an actor whose
// name is gone already: it has the mutex as long as it runs.
//
//   Core X (deletes the actor)                 Core Y (wants the mutex)
//     A  takes the name out                      C  looks the owner up: it is there
//     B  asks the owner to end: closes its       D  queues behind it, or finds its loans closed:
//        loans, passes the mutexes on               then it runs no more, and the mutex is free
// B and D exclude each other by the lock of the loans.
[[nodiscard]] PossibleOwner find_owner(const Hint& hint) {
    Actor* const actor = resident_at(hint.number >> lid_bits & (actor_limit - 1));
    if (actor == nullptr) return {};
    const auto lid = static_cast<KnThreadLid>(hint.number & (Actor::thread_limit - 1));
    const Result<FoundThread> found = find_thread(*actor, lid);
    if (!found.ok()) return {};
    if (number_of(actor->table_index, *found.value().thread, lid) != hint.number) return {};
    u64 key = 0;
    const Status status =
        actor->space.visit(VirtAddr{hint.place}, 1, Protection::write, [&](std::byte* bytes, std::size_t) {
            key = machine::physical(bytes).raw();
            return true;
        });
    if (status != Status::ok || key != hint.key) return {};
    return {found.value().thread, found.value().serial};
}

// With the bucket locked: the first waiter becomes the owner. It is out of the queue then, for end_wait().
void pass_on(Bucket& bucket, Words word, Waiter& first) {
    const u64 key = first.key.load(std::memory_order_relaxed); // relaxed: the bucket is locked
    bucket.leave(first);
    write(word, *first.thread, first.at);
    if (Waiter* const next = bucket.first(key)) bucket.set_owner(*next, *first.thread);
}

constexpr long not_now = no_result + 1;

// Takes the mutex, waits for it, or says what is still to be known of its owner: `hint` is read, and counts
// as `owner` when it is found unchanged.
[[nodiscard]] long try_once(Thread& self, VirtAddr at, bool waits, Hint& hint, const PossibleOwner& owner) {
    long result = not_now;
    const auto attempt = [&](Words word, u64 key, Bucket& bucket) {
        const bool queued = bucket.first(key) != nullptr;
        const Hint now = read(word, key);
        const bool known = queued || now == hint;
        hint = now;
        bool free = !queued && (now.number == 0 || (known && owner.thread == nullptr));
        if (!free && now.number == owner_number(self)) {
            result = K_EBUSY;
        } else if (!free && known) {
            self.sync.waiter.wanted = Wanted::ownership;
            if (!waits)
                result = K_EBUSY;
            else if (queue_up(self, bucket, key, at, queued ? PossibleOwner{} : owner))
                result = no_result;
            else
                free = true; // its owner has just come to its end
        }
        if (!free) return;
        write(word, self, at);
        result = K_OK;
    };
    const Status status = with_object(space_of(self, at), at, OwnerWords::size, attempt);
    if (status != Status::ok) return static_cast<long>(status);
    if (result == no_result) start_wait(self, WaitLimit{WaitLimit::for_ever, false});
    return result;
}

void take_again(Thread& self) {
    const long result = take_ownership(self, self.work.source, true);
    if (result != no_result) self.frame.set_result(result);
}

} // namespace

// This CPU's thread, or one that cannot end meanwhile.
u32 owner_number(const Thread& thread) { return number_of(thread.actor->table_index, thread, thread.lid); }

long take_ownership(Thread& self, VirtAddr at, bool waits) {
    Hint hint{};
    PossibleOwner owner{};
    for (unsigned left = tries; left != 0; --left) {
        const long result = try_once(self, at, waits, hint, owner);
        if (result != not_now) return result;
        owner = find_owner(hint);
    }
    if (!waits) return K_EBUSY;
    self.work.source = at;
    self.continuation = take_again;
    return no_result;
}

long give_ownership(Thread& self, VirtAddr at) {
    Waiter* next = nullptr;
    bool mine = false;
    const Status status =
        with_object(space_of(self, at), at, OwnerWords::size, [&](Words word, u64 key, Bucket& bucket) {
            next = bucket.first(key);
            mine = next != nullptr ? next->owner == &self : read(word, key).number == owner_number(self);
            if (!mine) return;
            if (next != nullptr)
                pass_on(bucket, word, *next);
            else
                word[OwnerWords::number].store(0);
        });
    if (status != Status::ok) return static_cast<long>(status);
    if (!mine) return K_EINVAL;
    if (next == nullptr) return K_OK;
    end_wait(*next, K_OK);
    look_at_loans(self);
    return K_OK;
}

void pass_on_one(Thread& owner) {
    struct Found {
        VirtAddr at;
        Space* space{};
    };
    // The first waiter keeps its place and its space as long as the loan is there.
    const Found found = owner.sync.loans.with([](Loans& loans) {
        const Waiter* const first = loans.heap.top();
        return first == nullptr ? Found{} : Found{first->at, first->space};
    });
    if (found.space == nullptr) return;
    Waiter* next = nullptr;
    // Should it have gone meanwhile, its memory is a space still, and the next look finds another one.
    static_cast<void>(
        with_object(*found.space, found.at, OwnerWords::size, [&](Words word, u64 key, Bucket& bucket) {
            Waiter* const first = bucket.first(key);
            if (first == nullptr || first->owner != &owner) return;
            pass_on(bucket, word, *first);
            next = first;
        }));
    if (next != nullptr) end_wait(*next, K_OK);
}

} // namespace chorale
