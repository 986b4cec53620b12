// The ring of a trace (kernel/trace/ring.hpp) on a weak memory: records are plain, so a missing order is a
// race, and each is told of once, as itself or as lost.
#include "kernel/trace/ring.hpp"
#include "tests/weak/cpus.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace chorale::weak::test {
namespace {

struct Program {
    static constexpr unsigned long size = 4, count = 24;
    KnTraceRecord records[size]{};
    TraceRing ring;
    struct Reader {
        unsigned long records, lost, next, wrong;
    } readers[2]{};

    Program() { ring.open(records, size); }

    void write() {
        for (unsigned long i = 0; i < count; ++i) {
            KnTraceRecord record{};
            record.kind = K_TRACE_CALL;
            record.value[0] = i;
            record.value[3] = ~i;
            ring.put(record);
            if (i % 3 == 0) yield();
        }
    }
    void look(Reader& reader, const KnTraceRecord& record) {
        if (record.kind == K_TRACE_LOST) {
            reader.lost += record.value[0];
            return;
        }
        ++reader.records;
        if (record.value[0] < reader.next || record.value[3] != ~record.value[0]) ++reader.wrong;
        reader.next = record.value[0] + 1;
    }
    bool read_once(Reader& reader, u64 ended) {
        return ring.take(3, ended, [&](const KnTraceRecord* first, u64 part) {
            for (u64 i = 0; i < part; ++i) look(reader, first[i]);
            return true;
        }) != 0;
    }
    void read(Reader& reader) {
        for (int i = 0; i < 12; ++i) {
            if (!read_once(reader, 0)) yield();
        }
    }
};

TEST(TraceRing, RecordsAreWholeAndNoneIsTwiceOrNowhere) {
    unsigned long lost = 0;
    for (unsigned seed = 1; seed <= 1500; ++seed) {
        const auto program = std::make_unique<Program>();
        const Result result =
            run({.seed = seed}, {[&] { program->write(); }, [&] { program->read(program->readers[0]); },
                                 [&] { program->read(program->readers[1]); }});
        ASSERT_TRUE(result.races.empty()) << "seed " << seed;
        ASSERT_FALSE(result.stuck) << "seed " << seed;
        while (program->read_once(program->readers[0], 1)) {
        }
        const Program::Reader& a = program->readers[0];
        const Program::Reader& b = program->readers[1];
        ASSERT_EQ(a.wrong + b.wrong, 0u) << "seed " << seed;
        ASSERT_EQ(a.records + b.records + a.lost + b.lost, Program::count) << "seed " << seed;
        lost += a.lost + b.lost;
    }
    EXPECT_GT(lost, 0u);
}

} // namespace
} // namespace chorale::weak::test
