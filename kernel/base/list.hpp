// Intrusive doubly linked list: no allocation, O(1) removal from the middle, an element knows whether it is
// linked.
#pragma once

namespace chorale {

struct Link {
    Link* next{this};
    Link* previous{this};

    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    [[nodiscard]] bool linked() const { return next != this; }
    void unlink() {
        next->previous = previous;
        previous->next = next;
        next = previous = this;
    }
    void insert_before(Link& place) {
        next = &place;
        previous = place.previous;
        place.previous->next = this;
        place.previous = this;
    }
};

// The Tag lets one object stand in several lists: `struct Thread : ListNode<InReady>, ListNode<InActor>`.
template <class Tag>
struct ListNode : Link {};

template <class T, class Tag>
class List {
  public:
    [[nodiscard]] bool empty() const { return !head_.linked(); }
    void push_back(T& item) { node(item).insert_before(head_); }
    void push_front(T& item) { node(item).insert_before(*head_.next); }
    [[nodiscard]] T* front() const { return empty() ? nullptr : &item(*head_.next); }
    T* pop_front() { return empty() ? nullptr : &take_front(); }
    // Of a list that is not empty.
    T& take_front() {
        T& first = item(*head_.next);
        node(first).unlink();
        return first;
    }
    // push_back() and pop_front() of a list that is not empty, in one: the head stays in place.
    T& rotate(T& last) {
        Link& first = *head_.next;
        Link& node = List::node(last);
        head_.next = first.next;
        first.next->previous = &head_;
        node.previous = head_.previous;
        node.next = &head_;
        head_.previous->next = &node;
        head_.previous = &node;
        first.next = first.previous = &first;
        return item(first);
    }
    static void remove(T& item) { node(item).unlink(); }
    [[nodiscard]] static bool contains(const T& item) {
        return static_cast<const ListNode<Tag>&>(item).linked();
    }
    // The element after `item`, or nullptr at the end.
    [[nodiscard]] T* next(const T& item) const {
        Link* after = static_cast<const ListNode<Tag>&>(item).next;
        return after == &head_ ? nullptr : &List::item(*after);
    }

  private:
    static Link& node(T& item) { return static_cast<ListNode<Tag>&>(item); }
    static T& item(Link& link) { return static_cast<T&>(static_cast<ListNode<Tag>&>(link)); }
    Link head_;
};

} // namespace chorale
