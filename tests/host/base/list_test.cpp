// The intrusive list against std::list, and an element that stands in two lists at once.
#include "kernel/base/list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <list>
#include <random>
#include <vector>

namespace chorale {
namespace {

struct InFirst;
struct InSecond;
struct Element : ListNode<InFirst>, ListNode<InSecond> {
    int number{};
};
using First = List<Element, InFirst>;
using Second = List<Element, InSecond>;

template <class L>
std::vector<int> numbers(const L& list) {
    std::vector<int> result;
    for (const Element* at = list.front(); at != nullptr; at = list.next(*at)) result.push_back(at->number);
    return result;
}

TEST(List, IsEmptyAtFirst) {
    First list;
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.front(), nullptr);
    EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(List, ElementsKnowWhetherTheyAreLinked) {
    First list;
    Element element;
    EXPECT_FALSE(First::contains(element));
    list.push_back(element);
    EXPECT_TRUE(First::contains(element));
    EXPECT_FALSE(Second::contains(element));
    EXPECT_EQ(list.pop_front(), &element);
    EXPECT_FALSE(First::contains(element));
    EXPECT_TRUE(list.empty());
}

TEST(List, RemovingAnUnlinkedElementDoesNothing) {
    Element element;
    First::remove(element);
    EXPECT_FALSE(First::contains(element));
}

TEST(List, OneElementStandsInTwoLists) {
    First first;
    Second second;
    std::array<Element, 3> elements;
    for (int i = 0; i < 3; ++i) {
        elements[static_cast<std::size_t>(i)].number = i;
        first.push_back(elements[static_cast<std::size_t>(i)]);
        second.push_front(elements[static_cast<std::size_t>(i)]);
    }
    First::remove(elements[1]);
    EXPECT_EQ(numbers(first), (std::vector{0, 2}));
    EXPECT_EQ(numbers(second), (std::vector{2, 1, 0}));
}

TEST(List, DoesAsAModelDoes) {
    std::mt19937 random{1};
    First list;
    std::list<int> model;
    std::vector<Element> elements(64);
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i].number = static_cast<int>(i);
    for (int step = 0; step < 20'000; ++step) {
        Element& element = elements[random() % elements.size()];
        switch (random() % 4) {
        case 0:
            if (First::contains(element)) break;
            list.push_back(element);
            model.push_back(element.number);
            break;
        case 1:
            if (First::contains(element)) break;
            list.push_front(element);
            model.push_front(element.number);
            break;
        case 2:
            First::remove(element);
            model.remove(element.number);
            break;
        default:
            const Element* const popped = list.pop_front();
            ASSERT_EQ(popped == nullptr, model.empty());
            if (popped == nullptr) break;
            ASSERT_EQ(popped->number, model.front());
            model.pop_front();
        }
        ASSERT_EQ(list.empty(), model.empty());
        if (step % 64 == 0) ASSERT_TRUE(std::ranges::equal(numbers(list), model));
    }
}

} // namespace
} // namespace chorale
