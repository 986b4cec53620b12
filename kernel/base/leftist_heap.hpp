// Intrusive leftist heap: the least `order` on top, every operation O(log n) at worst, nothing allocated. An
// element knows whether it is in one. Equal orders leave in any sequence: who cares makes them differ.
//
// Invariants: no element's order is less than its parent's; `distance`, the way down to the nearest missing
// child, is nowhere greater on the right than on the left. So a way down by right children has at most
// log2(n + 1) elements, and that is the only way that merging goes.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct HeapLink {
    HeapLink* left{};
    HeapLink* right{};
    HeapLink* parent{}; // itself: in no heap; nullptr: on top
    u64 order{};
    u32 distance{};

    HeapLink() { parent = this; }
    HeapLink(const HeapLink&) = delete;
    HeapLink& operator=(const HeapLink&) = delete;
    [[nodiscard]] bool in_heap() const { return parent != this; }
};

// The part that does not depend on the element.
void heap_insert(HeapLink*& top, HeapLink& link);
void heap_remove(HeapLink*& top, HeapLink& link);

// The Tag lets one object stand in several heaps.
template <class Tag>
struct HeapNode : HeapLink {};

template <class T, class Tag>
class LeftistHeap {
  public:
    [[nodiscard]] bool empty() const { return top_ == nullptr; }
    [[nodiscard]] T* top() const { return top_ == nullptr ? nullptr : &item(*top_); }
    void insert(T& element, u64 order) {
        node(element).order = order;
        heap_insert(top_, node(element));
    }
    void remove(T& element) { heap_remove(top_, node(element)); }
    [[nodiscard]] static bool contains(const T& element) {
        return static_cast<const HeapNode<Tag>&>(element).in_heap();
    }
    [[nodiscard]] static u64 order_of(const T& element) {
        return static_cast<const HeapNode<Tag>&>(element).order;
    }

    // For inspection: `visit(const HeapLink&)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const {
        walk(top_, visit);
    }
    [[nodiscard]] static T& element(const HeapLink& link) { return item(const_cast<HeapLink&>(link)); }

  private:
    static HeapLink& node(T& element) { return static_cast<HeapNode<Tag>&>(element); }
    static T& item(HeapLink& link) { return static_cast<T&>(static_cast<HeapNode<Tag>&>(link)); }
    template <class Visit>
    static void walk(const HeapLink* from, Visit& visit) {
        if (from == nullptr) return;
        visit(*from);
        walk(from->left, visit);
        walk(from->right, visit);
    }
    HeapLink* top_{};
};

} // namespace chorale
