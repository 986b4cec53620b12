#include "kernel/base/leftist_heap.hpp"

namespace chorale {

namespace {

[[nodiscard]] u32 distance_of(const HeapLink* link) { return link == nullptr ? 0 : link->distance; }

// Puts the children of `link` the right way round; whether its distance has changed.
bool settle(HeapLink& link) {
    if (distance_of(link.left) < distance_of(link.right)) {
        HeapLink* const left = link.left;
        link.left = link.right;
        link.right = left;
    }
    const u32 distance = distance_of(link.right) + 1;
    const bool changed = link.distance != distance;
    link.distance = distance;
    return changed;
}

// Down the right sides of both, putting the lesser first, and up again by way of the parents.
[[nodiscard]] HeapLink* merge(HeapLink* a, HeapLink* b) {
    HeapLink* top = nullptr;
    HeapLink* last = nullptr;
    while (a != nullptr && b != nullptr) {
        if (b->order < a->order) {
            HeapLink* const lesser = b;
            b = a;
            a = lesser;
        }
        (last == nullptr ? top : last->right) = a;
        a->parent = last;
        last = a;
        a = a->right;
    }
    HeapLink* const rest = a != nullptr ? a : b;
    if (rest != nullptr) rest->parent = last;
    if (last == nullptr) return rest;
    last->right = rest;
    for (HeapLink* link = last; link != nullptr; link = link->parent) settle(*link);
    return top;
}

} // namespace

void heap_insert(HeapLink*& top, HeapLink& link) {
    link.left = link.right = link.parent = nullptr;
    link.distance = 1;
    top = merge(top, &link);
}

void heap_remove(HeapLink*& top, HeapLink& link) {
    HeapLink* const parent = link.parent;
    HeapLink* const rest = merge(link.left, link.right);
    if (rest != nullptr) rest->parent = parent;
    link.left = link.right = nullptr;
    link.parent = &link;
    if (parent == nullptr) {
        top = rest;
        return;
    }
    (parent->left == &link ? parent->left : parent->right) = rest;
    for (HeapLink* at = parent; at != nullptr && settle(*at); at = at->parent) {
    }
}

} // namespace chorale
