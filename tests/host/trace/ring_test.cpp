// The ring of a trace: in order, whole, and every record told of, as itself or as lost. Built with the thread
// sanitizer too.
#include "kernel/trace/ring.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace chorale {
namespace {

constexpr u64 over = 1; // a time

struct Place {
    explicit Place(u64 size) : records(size) { ring.open(records.data(), size); }
    std::vector<KnTraceRecord> records;
    TraceRing ring;

    void put(u64 number) {
        KnTraceRecord record{};
        record.time = number + 1;
        record.kind = K_TRACE_CALL;
        record.value[0] = number;
        record.value[3] = ~number;
        ring.put(record);
    }
    [[nodiscard]] std::vector<KnTraceRecord> take(u64 count, u64 ended = 0) {
        std::vector<KnTraceRecord> taken;
        const int result = ring.take(count, ended, [&](const KnTraceRecord* first, u64 part) {
            taken.insert(taken.end(), first, first + part);
            return true;
        });
        EXPECT_EQ(result, static_cast<int>(taken.size()));
        return taken;
    }
};

void expect_numbers(const std::vector<KnTraceRecord>& taken, u64 first, u64 count) {
    ASSERT_EQ(taken.size(), count);
    for (u64 i = 0; i < count; ++i) {
        EXPECT_EQ(taken[i].kind, unsigned{K_TRACE_CALL});
        EXPECT_EQ(taken[i].value[0], first + i);
    }
}

TEST(TraceRing, GivesWhatWasPutInOrder) {
    Place place{8};
    EXPECT_TRUE(place.take(8).empty());
    u64 next = 0, taken = 0;
    for (const u64 count : {3u, 8u, 5u, 1u, 8u, 7u}) { // round the end, in all ways
        for (u64 i = 0; i < count; ++i) place.put(next++);
        expect_numbers(place.take(2), taken, count < 2 ? count : 2);
        taken += count < 2 ? count : 2;
        expect_numbers(place.take(100), taken, next - taken);
        taken = next;
        EXPECT_TRUE(place.take(100).empty());
    }
}

TEST(TraceRing, TellsWhatWasLostWhereItWas) {
    Place place{4};
    for (u64 i = 0; i < 7; ++i) place.put(i);
    expect_numbers(place.take(1), 0, 1);
    place.put(7); // there is room for the word of it, and for no more
    expect_numbers(place.take(3), 1, 3);
    const auto lost = place.take(4);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].kind, unsigned{K_TRACE_LOST});
    EXPECT_EQ(lost[0].value[0], 3u);
    EXPECT_EQ(lost[0].thread, -1);
    EXPECT_EQ(lost[0].time, 8u);
    place.put(8);
    const auto again = place.take(4);
    ASSERT_EQ(again.size(), 2u);
    EXPECT_EQ(again[0].value[0], 1u); // the seventh
    EXPECT_EQ(again[1].value[0], 8u);
}

TEST(TraceRing, TellsAtItsEndWhatNoRecordCouldTell) {
    Place place{4};
    for (u64 i = 0; i < 6; ++i) place.put(i);
    expect_numbers(place.take(9, over), 0, 4);
    EXPECT_TRUE(place.take(9).empty()); // while it goes on, the next record would tell
    const auto lost = place.take(9, over);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].value[0], 2u);
    EXPECT_EQ(lost[0].time, over);
    EXPECT_TRUE(place.take(9, over).empty());
}

TEST(TraceRing, KeepsWhatCouldNotBeCopied) {
    Place place{4};
    for (u64 i = 0; i < 3; ++i) place.put(i);
    EXPECT_EQ(place.ring.take(9, 0, [](const KnTraceRecord*, u64) { return false; }), -1);
    expect_numbers(place.take(2), 0, 2);
    for (u64 i = 3; i < 6; ++i) place.put(i);
    unsigned parts = 0; // the second fails, beyond the end of the place
    EXPECT_EQ(place.ring.take(9, 0, [&](const KnTraceRecord*, u64) { return ++parts == 1; }), -1);
    EXPECT_EQ(parts, 2u);
    expect_numbers(place.take(9), 2, 4);
}

// A second reader at the same time has nothing for itself.
TEST(TraceRing, HasOneReaderAtATime) {
    Place place{4};
    place.put(0);
    int inner = -2;
    const auto read = [&](const KnTraceRecord*, u64) {
        inner = place.ring.take(9, over, [](const KnTraceRecord*, u64) { return true; });
        return true;
    };
    EXPECT_EQ(place.ring.take(9, 0, read), 1);
    EXPECT_EQ(inner, 0);
}

// ---- between threads -------------------------------------------------------------------------------------

struct Reader {
    u64 records{}, lost{}, next{}, wrong{};
    void look(const KnTraceRecord& record) {
        if (record.kind == K_TRACE_LOST) {
            lost += record.value[0];
            return;
        }
        ++records;
        wrong += record.value[0] < next || record.value[3] != ~record.value[0] ? 1 : 0;
        next = record.value[0] + 1;
    }
    bool read(TraceRing& ring, u64 ended) {
        return ring.take(5, ended, [&](const KnTraceRecord* first, u64 part) {
            for (u64 i = 0; i < part; ++i) look(first[i]);
            return true;
        }) != 0;
    }
};

TEST(TraceRing, LosesAndDoublesNothingBetweenThreads) {
    constexpr u64 count = 50'000;
    Place place{16};
    std::atomic<bool> ended{false};
    Reader readers[2];
    const auto read = [&](Reader& reader) {
        while (!ended.load()) {
            if (!reader.read(place.ring, 0)) std::this_thread::yield();
        }
    };
    std::thread first{[&] { read(readers[0]); }}, second{[&] { read(readers[1]); }};
    for (u64 i = 0; i < count; ++i) {
        place.put(i);
        if (i % 64 == 0) std::this_thread::yield();
    }
    ended = true;
    first.join();
    second.join();
    while (readers[0].read(place.ring, over)) {
    }
    EXPECT_EQ(readers[0].wrong + readers[1].wrong, 0u);
    EXPECT_EQ(readers[0].records + readers[1].records + readers[0].lost + readers[1].lost, count);
    EXPECT_GT(readers[0].records + readers[1].records, 16u);
}

} // namespace
} // namespace chorale
