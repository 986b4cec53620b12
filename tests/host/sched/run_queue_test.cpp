// The run queue against a plain model: a deque for each priority.
#include "kernel/sched/run_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace chorale {
namespace {

struct Job : Schedulable {
    unsigned number{};
};

struct RunQueueTest : ::testing::Test {
    u32 top = RunQueue::none;
    RunQueue queue{top};
    std::vector<Job> jobs{std::vector<Job>(512)};

    RunQueueTest() {
        for (unsigned i = 0; i < jobs.size(); ++i) jobs[i].number = i;
    }
    Job* pop() { return static_cast<Job*>(queue.pop()); }
};

TEST_F(RunQueueTest, EmptyPublishesNone) {
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.pop(), nullptr);
    EXPECT_EQ(top, RunQueue::none);
}

// Who takes work over looks at the best few only, however many there are.
TEST_F(RunQueueTest, FindsAmongTheBest) {
    const auto is = [](unsigned number) {
        return [=](const Schedulable& job) { return static_cast<const Job&>(job).number == number; };
    };
    EXPECT_EQ(queue.find(4, is(0)), nullptr);
    for (unsigned i = 0; i < 6; ++i) queue.push_back(jobs[i], i < 3 ? 70 : 200);
    for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(queue.find(4, is(i)), &jobs[i]);
    EXPECT_EQ(queue.find(4, is(4)), nullptr);
    EXPECT_EQ(queue.find(5, is(4)), &jobs[4]);
    EXPECT_EQ(queue.find(100, is(77)), nullptr);
}

TEST_F(RunQueueTest, BestPriorityFirstAndFirstInFirstOutWithinOne) {
    queue.push_back(jobs[0], 200);
    queue.push_back(jobs[1], 3);
    queue.push_back(jobs[2], 200);
    queue.push_back(jobs[3], 3);
    EXPECT_EQ(pop(), &jobs[1]);
    EXPECT_EQ(pop(), &jobs[3]);
    EXPECT_EQ(pop(), &jobs[0]);
    EXPECT_EQ(pop(), &jobs[2]);
    EXPECT_TRUE(queue.empty());
}

TEST_F(RunQueueTest, APreemptedThreadComesFirstAmongItsEquals) {
    queue.push_back(jobs[0], 7);
    queue.push_front(jobs[1], 7);
    EXPECT_EQ(pop(), &jobs[1]);
    EXPECT_EQ(pop(), &jobs[0]);
}

TEST_F(RunQueueTest, TheBestPriorityIsPublishedAtOnce) {
    queue.push_back(jobs[0], 255);
    EXPECT_EQ(top, 255u);
    queue.push_back(jobs[1], 64);
    EXPECT_EQ(top, 64u);
    queue.push_back(jobs[2], 63);
    EXPECT_EQ(top, 63u);
    queue.push_back(jobs[3], 0);
    EXPECT_EQ(top, 0u);
    queue.remove(jobs[3]);
    EXPECT_EQ(top, 63u);
    queue.remove(jobs[1]);
    EXPECT_EQ(top, 63u);
    queue.remove(jobs[2]);
    EXPECT_EQ(top, 255u);
    queue.remove(jobs[0]);
    EXPECT_EQ(top, RunQueue::none);
}

TEST_F(RunQueueTest, ContainsTellsWhoIsQueued) {
    EXPECT_FALSE(RunQueue::contains(jobs[0]));
    queue.push_back(jobs[0], 1);
    EXPECT_TRUE(RunQueue::contains(jobs[0]));
    queue.remove(jobs[0]);
    EXPECT_FALSE(RunQueue::contains(jobs[0]));
}

// A thread knows its neighbours, so nobody is walked past: only the two beside it and the head are written.
TEST_F(RunQueueTest, RemovalTouchesOnlyTheNeighbours) {
    for (Job& job : jobs) queue.push_back(job, 9);
    std::vector<std::pair<const Link*, const Link*>> before;
    for (const Job& job : jobs) before.emplace_back(job.next, job.previous);
    constexpr std::size_t middle = 200;
    queue.remove(jobs[middle]);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (i + 1 >= middle && i <= middle + 1) continue;
        EXPECT_EQ(before[i].first, jobs[i].next) << i;
        EXPECT_EQ(before[i].second, jobs[i].previous) << i;
    }
}

// ---- the model ---------------------------------------------------------------------------------

class Model {
  public:
    void push(unsigned job, u32 priority, bool front) {
        auto& line = lines_[priority];
        front ? line.push_front(job) : line.push_back(job);
        priority_[job] = priority;
    }
    void remove(unsigned job) {
        std::erase(lines_[priority_.at(job)], job);
        priority_.erase(job);
    }
    [[nodiscard]] bool contains(unsigned job) const { return priority_.contains(job); }
    [[nodiscard]] u32 top() const {
        const auto best = std::ranges::find_if(lines_, [](const auto& line) { return !line.empty(); });
        return static_cast<u32>(best - lines_.begin());
    }
    [[nodiscard]] bool empty() const { return priority_.empty(); }
    [[nodiscard]] unsigned front() const { return lines_[top()].front(); }

  private:
    std::array<std::deque<unsigned>, RunQueue::priorities> lines_;
    std::map<unsigned, u32> priority_;
};

TEST_F(RunQueueTest, DoesAsTheModelDoes) {
    std::mt19937 random{2};
    Model model;
    for (int step = 0; step < 200'000; ++step) {
        Job& job = jobs[random() % jobs.size()];
        // Few priorities for a while, then all: long queues and a sparse bitmap.
        const u32 priority = (step / 10'000) % 2 == 0 ? random() % 3 * 100 : random() % RunQueue::priorities;
        const unsigned choice = random() % 8;
        if (choice < 4 && !model.contains(job.number)) {
            const bool front = choice == 0;
            front ? queue.push_front(job, priority) : queue.push_back(job, priority);
            model.push(job.number, priority, front);
        } else if (choice == 4 && model.contains(job.number)) {
            queue.remove(job);
            model.remove(job.number);
        } else if (choice >= 5) {
            const Job* const popped = pop();
            ASSERT_EQ(popped == nullptr, model.empty());
            if (popped != nullptr) {
                ASSERT_EQ(popped->number, model.front());
                model.remove(popped->number);
            }
        }
        ASSERT_EQ(top, model.top());
        ASSERT_EQ(queue.empty(), model.empty());
        ASSERT_EQ(RunQueue::contains(job), model.contains(job.number));
    }
}

} // namespace
} // namespace chorale
