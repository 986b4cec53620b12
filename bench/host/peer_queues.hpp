// Queues of others, and our own, behind one interface: put() waits while there is no room, get() does not
// wait. How many producers at once each is made for, `producers`, is its own choice; one consumer is all it
// needs.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/cpu.hpp>
#include <mipc/chMsgRing.h>

#include <array>
#include <memory>
#include <stdexcept>

// Its operations inline, as its authors advise where the license allows.
#define _LGPL_SOURCE
#include <urcu/wfcqueue.h>

#ifdef CHORALE_HAS_TBB
#include <oneapi/tbb/concurrent_queue.h>
#endif

#ifdef CHORALE_HAS_DPDK
#include <rte_ring.h>
#endif

namespace chorale::bench {

inline constexpr unsigned queue_capacity = 1024; // of those that have one; most that are under way in others

// include/mipc/chMsgRing.h
class MessageRing {
  public:
    // Handles as a program's loop has them, in local variables: both for a thread that is alone, the
    // consumer's.
    struct Ends {
        MessageRing& ring;
        KnMsgProducer out{ring.out_};
        KnMsgConsumer in{ring.in_};
        explicit Ends(MessageRing& of) : ring{of} {}
        ~Ends() {
            ring.out_ = out;
            ring.in_ = in;
        }
        [[gnu::always_inline]] void put(u64 value) {
            while (msgRingPut(&out, value) == 0) machine::relax();
        }
        [[gnu::always_inline]] bool get(u64& value) { return msgRingGet(&in, &value) != 0; }
    };
    struct Taker {
        KnMsgConsumer in;
        explicit Taker(const MessageRing& of) : in{of.in_} {}
        [[gnu::always_inline]] bool get(u64& value) { return msgRingGet(&in, &value) != 0; }
    };
    static constexpr unsigned producers = 1;
    static constexpr bool bursts = true;
    MessageRing() {
        KnMsgRing* const ring = &memory_->head;
        if (msgRingInit(ring, queue_capacity) != K_OK ||
            msgRingProducer(&out_, ring, queue_capacity) != K_OK ||
            msgRingConsumer(&in_, ring, queue_capacity) != K_OK)
            throw std::runtime_error{"no message ring"};
    }
    [[gnu::always_inline]] void put(u64 value) {
        while (msgRingPut(&out_, value) == 0) machine::relax();
    }
    [[gnu::always_inline]] bool get(u64& value) { return msgRingGet(&in_, &value) != 0; }
    template <unsigned Count>
    [[gnu::always_inline]] void put_burst(const std::array<u64, Count>& values) {
        unsigned long room = Count;
        unsigned long* to = msgRingReserve(&out_, &room);
        while (room != Count) {
            machine::relax();
            room = Count;
            to = msgRingReserve(&out_, &room);
        }
        __builtin_memcpy(to, values.data(), sizeof values);
        msgRingCommit(&out_, Count);
    }
    template <unsigned Count>
    [[gnu::always_inline]] unsigned get_burst(std::array<u64, Count>& values) {
        unsigned long there = Count;
        const unsigned long* const from = msgRingPeek(&in_, &there);
        if (there != Count) return 0;
        __builtin_memcpy(values.data(), from, sizeof values);
        msgRingRelease(&in_, Count);
        return Count;
    }

  private:
    struct alignas(K_MSGRINGALIGN) Memory {
        KnMsgRing head;
        std::array<unsigned long, queue_capacity> words;
    };
    std::unique_ptr<Memory> memory_{new Memory};
    alignas(2 * cache_line) KnMsgProducer out_{};
    alignas(2 * cache_line) KnMsgConsumer in_{};
};

// liburcu: a list whose nodes are the user's.
class Wfcqueue {
  public:
    static constexpr unsigned producers = 2;
    static constexpr bool bursts = false;
    Wfcqueue() { cds_wfcq_init(&head_, &tail_); }
    // A node is used again when all that were put before it have been got: the benchmarks see to that.
    [[gnu::always_inline]] void put(u64 value, unsigned producer = 0) {
        Node& node = (*nodes_)[producer][next_[producer].index++ % (2 * queue_capacity)];
        node.value = value;
        cds_wfcq_node_init(&node.node);
        cds_wfcq_enqueue(cds_wfcq_head_cast(&head_), &tail_, &node.node);
    }
    [[gnu::always_inline]] bool get(u64& value) {
        cds_wfcq_node* const node = __cds_wfcq_dequeue_blocking(cds_wfcq_head_cast(&head_), &tail_);
        if (node == nullptr) return false;
        value = reinterpret_cast<Node*>(node)->value;
        return true;
    }

  private:
    struct Node {
        cds_wfcq_node node; // first
        u64 value;
    };
    struct alignas(2 * cache_line) Next {
        unsigned index;
    };
    alignas(2 * cache_line) cds_wfcq_head head_{};
    alignas(2 * cache_line) cds_wfcq_tail tail_{};
    std::array<Next, 2> next_{};
    std::unique_ptr<std::array<std::array<Node, 2 * queue_capacity>, 2>> nodes_{
        new std::array<std::array<Node, 2 * queue_capacity>, 2>};
};

#ifdef CHORALE_HAS_TBB
class TbbQueue {
  public:
    static constexpr unsigned producers = 2;
    static constexpr bool bursts = false;
    void put(u64 value, unsigned = 0) { queue_.push(value); }
    bool get(u64& value) { return queue_.try_pop(value); }

  private:
    tbb::concurrent_queue<u64> queue_;
};
#endif

#ifdef CHORALE_HAS_DPDK
// DPDK. Producers: 1 or more.
template <bool OneProducer>
class RteRing {
  public:
    static constexpr unsigned producers = OneProducer ? 1 : 2;
    static constexpr bool bursts = true;
    RteRing() {
        // As rte_ring_init() leaves it, which is in a library that needs DPDK's run-time environment.
        __builtin_memset(&memory_->ring, 0, sizeof(rte_ring));
        rte_ring& ring = memory_->ring;
        ring.size = queue_capacity;
        ring.mask = queue_capacity - 1;
        ring.capacity = queue_capacity - 1;
        ring.prod.sync_type = OneProducer ? RTE_RING_SYNC_ST : RTE_RING_SYNC_MT;
        ring.cons.sync_type = RTE_RING_SYNC_ST;
    }
    [[gnu::always_inline]] void put(u64 value, unsigned = 0) {
        while (!put_some(&value, 1)) machine::relax();
    }
    [[gnu::always_inline]] bool get(u64& value) {
        return rte_ring_sc_dequeue_bulk_elem(&memory_->ring, &value, sizeof value, 1, nullptr) != 0;
    }
    template <unsigned Count>
    [[gnu::always_inline]] void put_burst(const std::array<u64, Count>& values) {
        while (!put_some(values.data(), Count)) machine::relax();
    }
    template <unsigned Count>
    [[gnu::always_inline]] unsigned get_burst(std::array<u64, Count>& values) {
        return rte_ring_sc_dequeue_bulk_elem(&memory_->ring, values.data(), sizeof(u64), Count, nullptr);
    }

  private:
    [[gnu::always_inline]] bool put_some(const u64* values, unsigned count) {
        if constexpr (OneProducer)
            return rte_ring_sp_enqueue_bulk_elem(&memory_->ring, values, sizeof(u64), count, nullptr) != 0;
        return rte_ring_mp_enqueue_bulk_elem(&memory_->ring, values, sizeof(u64), count, nullptr) != 0;
    }
    struct alignas(2 * cache_line) Memory {
        rte_ring ring; // its elements follow
        std::array<u64, queue_capacity> elements;
    };
    std::unique_ptr<Memory> memory_{new Memory};
};
#endif

} // namespace chorale::bench
