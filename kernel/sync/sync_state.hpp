// What a thread has to do with synchronisation objects (kernel/sync/sync.hpp): its place in the queue of the
// object for which it waits, and what those who wait for its real-time mutexes lend to it.
#pragma once

#include "kernel/base/leftist_heap.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/core/mailbox.hpp"

#include <atomic>

namespace chorale {

class Space;
struct Message;
struct Thread;
struct Waiter;

struct InQueue; // of the object
struct InLoans; // of the object's owner

struct WaiterRequest : Request {
    Waiter* waiter{};
};
struct LoanRequest : Request {
    Thread* thread{};
};

// What the thread waits for, and so what it means to be woken.
enum class Wanted : u8 {
    unit,      // of a mutex, a semaphore, a thread semaphore, a monitor
    flags,     // of an event set
    ownership, // of a real-time mutex: the queue is by priority, not by time
    page,      // no object: a page that its mapper has to send (kernel/mapper/paging.hpp)
    message,   // no object: of a queue or a pool of a message space (kernel/mipc/message_space.hpp)
};

// Written under the lock of the key's bucket, but for what is said to be the thread's own CPU's. The first of
// a queue stands for it in the bucket. A thread that is Doing::blocked and has no key is not in its queue any
// more: `request` carries the news to the thread's CPU, and until then it neither ends nor waits again.
struct Waiter : HeapNode<InQueue>, HeapNode<InLoans> {
    Waiter* next_queue{}; // the first of a queue: of the bucket's next one
    Thread* owner{};      // the first of a queue: who has the real-time mutex; it knows of this loan
    Wanted wanted{};
    bool all{};             // flags: all of `mask`, or any
    u32 mask{};             // flags
    u32 most{};             // unit: what the object can hold, for who must pass the unit on
    VirtAddr at{};          // of the object, in
    Space* space{};         // this space, which maps it there as long as the thread waits
    long result{};          // of the wait, once ended
    WaiterRequest request;  // once ended
    std::atomic<u64> key{}; // physical address of the object; 0: in no queue
    Thread* thread{};       // constant
};

// Under its own lock, as the CPUs of those who lend change it.
struct Loans {
    LeftistHeap<Waiter, InLoans> heap; // the first waiter for each contended real-time mutex that it has
    bool news{};                       // SyncState::news is on its way
    bool closed{true};                 // the thread comes to its end: nobody lends any more
};

struct SyncState {
    static constexpr u16 nothing_lent = 0xffff;

    Waiter waiter;
    Guarded<Rank::loans, Loans> loans;
    LoanRequest news;       // "look what is lent to you", to the thread's CPU
    u16 lent{nothing_lent}; // what its CPU has seen there last
    // Of all threads that are made, the how manyeth: part of what the words of a real-time mutex call it. Not
    // `serial`, which goes with the memory: the next thread of the same local id may lie elsewhere.
    std::atomic<u32> generation{};
    Message* request{}; // of its call under way in the slow form; valid while it awaits the reply
};

} // namespace chorale
