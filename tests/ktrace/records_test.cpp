// The order of records, what is known of their threads, and what else ktrace has: options, the transfer.
#include "made_up.hpp"

#include "commands/ktrace/settings.hpp"
#include "commands/ktrace/transfer.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace chorale::ktrace {

namespace {

// ---- order ------------------------------------------------------------------------------------------------

struct Noted final : Listener {
    void on_record(const Happening& what) override {
        text += std::to_string(what.record.time) + "@" + std::to_string(what.cpu) + " ";
        if (what.record.kind == K_TRACE_RESULT)
            text += what.ended == nullptr ? "unknown " : "since" + std::to_string(what.ended->since) + " ";
    }
    void on_abandoned(TracedActor&, TracedThread&, const OpenCall& call, std::uint64_t time) override {
        text += "abandoned" + std::to_string(call.number) + "@" + std::to_string(time) + " ";
    }
    std::string text;
};

TEST(Order, OfAllCpus) {
    MadeUpRecorder recorder{3};
    Noted noted;
    SiteLog log{noted, "ktrace"};
    TraceReader reader{recorder, 3, 0, log};
    for (const std::uint64_t time : {10U, 40U, 50U}) recorder.put(0, record(time, K_TRACE_IDLE));
    for (const std::uint64_t time : {20U, 30U, 60U}) recorder.put(1, record(time, K_TRACE_IDLE));
    recorder.put(2, record(40, K_TRACE_SENT));
    recorder.clock = 45;
    EXPECT_EQ(reader.round(), 2U);
    EXPECT_EQ(noted.text, ""); // until the next round something earlier may come
    recorder.put(2, record(25, K_TRACE_IDLE));
    recorder.clock = 55;
    reader.round();
    // That one comes too late for its place.
    EXPECT_EQ(noted.text, "10@0 20@1 30@1 40@2 40@2 40@0 ");
    // What is of later than now was now.
    EXPECT_EQ(reader.finish(), 55U);
    EXPECT_EQ(noted.text, "10@0 20@1 30@1 40@2 40@2 40@0 50@0 55@1 ");
    EXPECT_EQ(reader.records(), 8U);
    EXPECT_TRUE(recorder.stopped);
}

TEST(Order, ErrorsOfTheNucleusEndIt) {
    MadeUpRecorder recorder{2};
    Noted noted;
    SiteLog log{noted, "ktrace"};
    TraceReader reader{recorder, 2, 0, log};
    EXPECT_EQ(reader.error(), K_OK);
    recorder.read_error = K_EUNKNOWN;
    EXPECT_EQ(reader.round(), 0U);
    recorder.stop_error = K_EPRIV;
    static_cast<void>(reader.finish());
    EXPECT_EQ(reader.error(), K_EUNKNOWN);
}

TEST(Order, MoreThanCanWait) {
    MadeUpRecorder recorder{4};
    Noted noted;
    SiteLog log{noted, "ktrace"};
    TraceReader reader{recorder, 4, 0, log};
    constexpr unsigned count = 70000;
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
        for (unsigned i = 0; i < count; ++i) recorder.put(cpu, record(i, K_TRACE_LOST, 0, -1, 2));
    }
    recorder.clock = count;
    EXPECT_GE(reader.round(), 65536U);
    EXPECT_GT(reader.records(), 0U); // what waits is bounded
    static_cast<void>(reader.finish());
    EXPECT_EQ(reader.records(), 4 * count);
    EXPECT_EQ(reader.lost(), 8 * count);
}

// ---- calls ------------------------------------------------------------------------------------------------

[[nodiscard]] std::string noted(const std::vector<KnTraceRecord>& records) {
    Noted listener;
    SiteLog log{listener, "ktrace"};
    for (const KnTraceRecord& each : records) log.take(0, each);
    log.end(99);
    return listener.text;
}

constexpr unsigned waiting = 140; // a call that may wait

TEST(Calls, Nest) {
    EXPECT_EQ(noted({call_record(1, 5, 1, 16, {}, K_TRACE_SYSTEM_CALL), call_record(2, 5, 1, waiting),
                     result_record(3, 5, 1, waiting, 0), result_record(4, 5, 1, 16, 0, true)}),
              "1@0 2@0 3@0 since2 4@0 since1 ");
    // The same numbers, but not of the same system, or of the same thread.
    EXPECT_EQ(noted({call_record(1, 5, 1, 16, {}, K_TRACE_SYSTEM_CALL), result_record(2, 5, 1, 16, 0),
                     result_record(3, 5, 2, 16, 0, true), result_record(4, 6, 1, 16, 0, true)}),
              "1@0 2@0 unknown 3@0 unknown 4@0 unknown abandoned16@99 ");
}

TEST(Calls, WhoseEndIsNotTold) {
    const unsigned leaf = nucleus_number("portCreate");
    EXPECT_EQ(
        noted({call_record(1, 5, 1, leaf), call_record(2, 5, 1, leaf), result_record(3, 5, 1, leaf, 0)}),
        "1@0 abandoned" + std::to_string(leaf) + "@2 2@0 3@0 since2 ");
    EXPECT_EQ(noted({call_record(1, 5, 1, waiting), record(2, K_TRACE_LOST), call_record(3, 5, 1, waiting)}),
              "1@0 2@0 abandoned140@3 3@0 abandoned140@99 ");
    EXPECT_EQ(
        noted({call_record(1, 5, 1, waiting), record(2, K_TRACE_LOST), result_record(3, 5, 1, waiting, 0)}),
        "1@0 2@0 3@0 since1 ");
    EXPECT_EQ(noted({call_record(1, 5, 1, waiting), call_record(2, 5, 1, waiting + 1),
                     result_record(3, 5, 1, waiting, 0)}),
              "1@0 2@0 abandoned141@3 3@0 since1 ");
    EXPECT_EQ(noted({call_record(1, 5, 1, waiting), record(2, K_TRACE_ACTOR_END, 5),
                     call_record(3, 5, 1, leaf), result_record(4, 5, 1, waiting, 0)}),
              "1@0 abandoned140@2 2@0 3@0 4@0 unknown abandoned" + std::to_string(leaf) + "@99 ");
}

TEST(Calls, DepthAndNumbersAreBounded) {
    std::vector<KnTraceRecord> records;
    for (unsigned i = 0; i < 100000; ++i) {
        records.push_back(call_record(i, i % 5000 + 1, static_cast<int>(i), waiting));
        records.push_back(call_record(i, 1, 1, waiting + i % 7));
    }
    EXPECT_NE(noted(records), "");
}

TEST(Actors, NamesAreNoted) {
    Noted listener;
    SiteLog log{listener, "ktrace"};
    log.note({"a", "b"});
    log.take(0, actor_record(1, 5, "a"));
    log.take(0, actor_record(1, 6, "c"));
    EXPECT_TRUE(log.has_seen("a"));
    EXPECT_FALSE(log.has_seen("b"));
    EXPECT_FALSE(log.has_seen("c"));
}

// ---- options ----------------------------------------------------------------------------------------------

TEST(Options, Events) {
    Choice choice;
    EXPECT_TRUE(parse_events("calls,faults", choice));
    EXPECT_TRUE(choice.calls && choice.faults);
    EXPECT_FALSE(choice.messages || choice.switches || choice.interrupts);
    EXPECT_TRUE(parse_events("messages", choice));
    EXPECT_FALSE(choice.calls);
    for (const char* const wrong : {"", "call", "calls,", ",calls", "calls,,faults", "calls faults"})
        EXPECT_FALSE(parse_events(wrong, choice)) << wrong;
}

// ---- the transfer -----------------------------------------------------------------------------------------

[[nodiscard]] std::string sent(std::string_view text, int wanted = 0, std::uint64_t from = 0) {
    MemoryFile from_file, to_file;
    from_file.set_text(text);
    Output output{to_file.descriptor()};
    EXPECT_EQ(send_lines(from_file.descriptor(), from, output), wanted);
    output.flush();
    return to_file.text();
}

TEST(Transfer, Lines) {
    EXPECT_EQ(crc32("123456789"), 0xcbf43926U); // the value that everybody gives for CRC-32
    EXPECT_EQ(sent("one\n\n two"), "=ktrace= 0 421cbf46 one\n=ktrace= 1 bcea3585 \n=ktrace= 2 7708d44b  two\n"
                                   "=ktrace= end 3 2983a958\n");
    EXPECT_EQ(sent("one\n two", 0, 1).find("=ktrace= 1 "), 0U);
    EXPECT_EQ(sent(""), sent("", 0, 7));
    EXPECT_EQ(sent("a\tb\n", EILSEQ), "");
    EXPECT_EQ(sent("\xc3\xa4\n", EILSEQ), "");
    EXPECT_EQ(sent(std::string(8193, 'x'), EILSEQ), "");
    EXPECT_NE(sent(std::string(8192, 'x')), "");
    MemoryFile nowhere;
    Output output{nowhere.descriptor()};
    EXPECT_EQ(send_lines(-1, 0, output), EBADF);
}

TEST(Writing, AnErrorIsKept) {
    Output output{-1};
    output << "text";
    output.flush();
    EXPECT_EQ(output.error(), EBADF);
    EXPECT_EQ(output.bytes(), 4U);
}

} // namespace

} // namespace chorale::ktrace
