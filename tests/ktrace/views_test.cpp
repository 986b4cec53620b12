// What people and programs are shown of records that are made up.
#include "made_up.hpp"

#include <gtest/gtest.h>

namespace chorale::ktrace {

namespace {

constexpr std::uint64_t start = 1000000;

// A client's call of a server: what a trace of ipcping has.
[[nodiscard]] std::vector<KnTraceRecord> an_exchange() {
    const unsigned call = K_TRACE_IPC_CALL, serve = K_TRACE_REPLY_RECEIVE;
    return {
        actor_record(start, 1, "client"),
        actor_record(start, 2, "server"),
        actor_record(start, 3, "ktrace"),
        record(start + 100, K_TRACE_RUN, 1, 1),
        call_record(start + 1000, 1, 1, call, {0x41, 0x1727aba76a839529, 12}),
        message_record(start + 1500, K_TRACE_SENT, 1, 1, 900, 12, 0x41, 0x1727aba76a839529),
        record(start + 1600, K_TRACE_RUN, 2, 7),
        message_record(start + 1700, K_TRACE_RECEIVED, 2, 7, 900, 12, 0x41, 0x1727aba76a839529),
        call_record(start + 2000, 2, 7, serve, {1, 0, 4}),
        message_record(start + 2100, K_TRACE_SENT, 2, 7, 900 | K_TRACE_REPLY, 4),
        record(start + 2200, K_TRACE_RUN, 1, 1),
        message_record(start + 2300, K_TRACE_RECEIVED, 1, 1, 900 | K_TRACE_REPLY, 4),
        result_record(start + 2400, 1, 1, call, 4),
        record(start + 2500, K_TRACE_RUN, 3, 1),
        record(start + 2600, K_TRACE_RUN, 1, 1),
        record(start + 2700, K_TRACE_IDLE),
    };
}

TEST(Text, AnExchange) {
    EXPECT_EQ(shown<TextView>(an_exchange(), {}, start),
              "     TIME-us CPU ACTOR/THREAD   EVENT\n"
              "       0.100   0 client/1       runs\n"
              "       1.000   0 client/1       ipcCall(0000000000000041:1727aba76a839529, 12 bytes)\n"
              "       1.500   0 client/1       sent #1 to 0000000000000041:1727aba76a839529, 12 bytes\n"
              "       1.600   0 server/7       runs\n"
              "       1.700   0 server/7       received #1, 12 bytes\n"
              "       2.000   0 server/7       ipcReplyReceive(port 1, reply of 4 bytes)\n"
              "       2.100   0 server/7       sent reply #1, 4 bytes\n"
              "       2.200   0 client/1       runs\n"
              "       2.300   0 client/1       received reply #1, 4 bytes\n"
              "       2.400   0 client/1       ipcCall = 4 <1.400>\n"
              "       2.700   0 -              nothing to do\n");
}

TEST(Text, ChosenActorsAndEvents) {
    Choice choice;
    choice.actors = {"server"};
    choice.calls = choice.switches = false;
    EXPECT_EQ(shown<TextView>(an_exchange(), choice, start),
              "     TIME-us CPU ACTOR/THREAD   EVENT\n"
              "       1.700   0 server/7       received #1, 12 bytes\n"
              "       2.100   0 server/7       sent reply #1, 4 bytes\n");
    choice.actors = {"ktrace"};
    choice.switches = true;
    EXPECT_NE(shown<TextView>(an_exchange(), choice, start).find("ktrace/1       runs"), std::string::npos);
}

// One line's event, of a record of the thread 1 of an actor `a`.
[[nodiscard]] std::string event_of(const KnTraceRecord& made) {
    const std::string text = shown<TextView>({actor_record(start, 5, "a"), made}, {}, start);
    const std::size_t line = text.find('\n') + 1;
    return line == text.size() ? "" : text.substr(line + 32, text.size() - line - 33);
}

TEST(Text, NamesAndArguments) {
    const std::uint64_t time = start + 1;
    EXPECT_EQ(event_of(call_record(time, 5, 1, nucleus_number("portEnable"), {0, 0xffffffff00000001, ~0UL})),
              "portEnable(0x0, 0x1, 0xffffffff)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, nucleus_number("nullCall"), {1, 2, 3, 4})), "nullCall()");
    EXPECT_EQ(event_of(call_record(time, 5, 1, nucleus_number("rgnMap"), {1, 2, 3, 4})).find("rgnMap(0x1, "),
              0U);
    EXPECT_EQ(event_of(call_record(time, 5, 1, K_TRACE_SEND, {1, 2, 64})),
              "ipcSend(0000000000000001:0000000000000002, 64 bytes)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, K_TRACE_RECEIVE, {0xfffffffffffffffe})),
              "ipcReceive(port -2)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, K_TRACE_RECEIVE, {0xfffffffe})), "ipcReceive(port -2)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, K_TRACE_RECEIVE, {0xffff800000000000, 1, 2})),
              "ipcReceive(0xffff800000000000, 0x1, 0x2)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, 77777, {1})), "call 77777(0x1, 0x0, 0x0, 0x0)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, system_number("write"), {1, 2, 3}, K_TRACE_SYSTEM_CALL)),
              "write(0x1, 0x2, 0x3)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, system_number("getpid"), {1}, K_TRACE_SYSTEM_CALL)),
              "getpid()");
    EXPECT_EQ(event_of(call_record(time, 5, 1, system_number("stat"), {1, 2, 3}, K_TRACE_SYSTEM_CALL)),
              "stat(0x1, 0x2)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, 400000, {1}, K_TRACE_SYSTEM_CALL)),
              "call 400000(0x1, 0x0, 0x0, 0x0)");
    EXPECT_EQ(event_of(call_record(time, 5, 1, system_number("afexecve"), {}, K_TRACE_SYSTEM_CALL)),
              "afexecve(0x0, 0x0, 0x0, 0x0)");
}

TEST(Text, Results) {
    const std::uint64_t time = start + 1;
    const unsigned call = nucleus_number("portCreate"), system = system_number("write");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, K_EINVAL)), "portCreate = K_EINVAL");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, K_EFORBIDDEN)), "portCreate = K_EFORBIDDEN");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, -23)), "portCreate = -23");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, INT64_MIN)), "portCreate = 0x8000000000000000");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, 3)), "portCreate = 3");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, 0xfffff)), "portCreate = 1048575");
    EXPECT_EQ(event_of(result_record(time, 5, 1, call, 0x100000)), "portCreate = 0x100000");
    EXPECT_EQ(event_of(result_record(time, 5, 1, system, -11, true)), "write = EAGAIN");
    EXPECT_EQ(event_of(result_record(time, 5, 1, system, -4095, true)), "write = -4095");
    EXPECT_EQ(event_of(result_record(time, 5, 1, system, -4096, true)), "write = 0xfffffffffffff000");
}

TEST(Text, OtherEvents) {
    const std::uint64_t time = start + 1;
    EXPECT_EQ(event_of(record(time, K_TRACE_INTERRUPT, 5, 1, K_TRACE_TIMER)), "interrupt: timer");
    EXPECT_EQ(event_of(record(time, K_TRACE_INTERRUPT, 5, 1, K_TRACE_DOORBELL)), "interrupt: doorbell");
    EXPECT_EQ(event_of(record(time, K_TRACE_INTERRUPT, 5, 1, 4)), "interrupt: line 4");
    EXPECT_EQ(event_of(record(time, K_TRACE_FAULT, 5, 1, 0x10, 0x400123)),
              "fault: address 0x10, pc 0x400123");
    EXPECT_EQ(event_of(record(time, K_TRACE_LOST, 0, -1, 12)),
              "*** 12 records are lost here: the ring was full");
    EXPECT_EQ(event_of(record(time, K_TRACE_ACTOR_END, 5)), "the actor has ended");
    EXPECT_EQ(event_of(actor_record(time, 5, "b\033[2Jc")), "the actor's name is b?[2Jc");
    EXPECT_EQ(event_of(actor_record(time, 6, "c")), "a new actor");
    EXPECT_EQ(event_of(message_record(time, K_TRACE_RECEIVED, 5, 1, 9)),
              "received a message that was sent before the trace, 0 bytes");
    EXPECT_EQ(event_of(message_record(time, K_TRACE_RECEIVED, 5, 1, 9 | K_TRACE_REPLY)),
              "received a reply that was sent before the trace, 0 bytes");
    EXPECT_EQ(event_of(record(time, 99, 5, 1)), "a record of kind 99");
    EXPECT_EQ(event_of(record(time, 99, 0, -1)), "a record of kind 99");
}

TEST(Lines, AnExchange) {
    Choice choice;
    choice.switches = false;
    EXPECT_EQ(shown<LinesView>(an_exchange(), choice, start),
              R"({"event":"actor","time_ns":0,"cpu":0,"actor":"client","actor_number":1,)"
              R"("new":true})"
              "\n"
              R"({"event":"actor","time_ns":0,"cpu":0,"actor":"server","actor_number":2,)"
              R"("new":true})"
              "\n"
              R"({"event":"call","time_ns":1000,"cpu":0,"actor":"client","actor_number":1,)"
              R"("thread":1,"call":"ipcCall","arguments":["0x41","0x1727aba76a839529","0xc"]})"
              "\n"
              R"({"event":"sent","time_ns":1500,"cpu":0,"actor":"client","actor_number":1,)"
              R"("thread":1,"message":1,"reply":false,"bytes":12,)"
              R"("to":"0000000000000041:1727aba76a839529"})"
              "\n"
              R"({"event":"received","time_ns":1700,"cpu":0,"actor":"server","actor_number":2,)"
              R"("thread":7,"message":1,"reply":false,"bytes":12,)"
              R"("to":"0000000000000041:1727aba76a839529"})"
              "\n"
              R"({"event":"call","time_ns":2000,"cpu":0,"actor":"server","actor_number":2,)"
              R"("thread":7,"call":"ipcReplyReceive","arguments":["0x1","0x0","0x4"]})"
              "\n"
              R"({"event":"sent","time_ns":2100,"cpu":0,"actor":"server","actor_number":2,)"
              R"("thread":7,"message":1,"reply":true,"bytes":4})"
              "\n"
              R"({"event":"received","time_ns":2300,"cpu":0,"actor":"client","actor_number":1,)"
              R"("thread":1,"message":1,"reply":true,"bytes":4})"
              "\n"
              R"({"event":"result","time_ns":2400,"cpu":0,"actor":"client","actor_number":1,)"
              R"("thread":1,"call":"ipcCall","result":4,"took_ns":1400})"
              "\n");
}

TEST(Lines, OddRecords) {
    const std::vector<KnTraceRecord> records = {
        actor_record(start, 5, "\"\\\xff"),
        result_record(start + 1, 5, 1, nucleus_number("portCreate"), K_ENOMEM),
        record(start + 2, K_TRACE_LOST, 0, -1, 3),
        record(start + 3, 4711),
        record(start + 4, K_TRACE_FAULT, 5, 1, 1, 2),
        record(start + 5, K_TRACE_INTERRUPT, 0, -1, 2),
        record(start + 6, K_TRACE_ACTOR_END, 5),
    };
    EXPECT_EQ(shown<LinesView>(records, {}, start),
              R"({"event":"actor","time_ns":0,"cpu":0,"actor":"\"\\\u00ff","actor_number":5,)"
              R"("new":true})"
              "\n"
              R"({"event":"result","time_ns":1,"cpu":0,"actor":"\"\\\u00ff","actor_number":5,)"
              R"("thread":1,"call":"portCreate","result":-3,"error":"K_ENOMEM"})"
              "\n"
              R"({"event":"lost","time_ns":2,"cpu":0,"records":3})"
              "\n"
              R"({"event":"unknown","time_ns":3,"cpu":0,"kind":4711})"
              "\n"
              R"({"event":"fault","time_ns":4,"cpu":0,"actor":"\"\\\u00ff","actor_number":5,)"
              R"("thread":1,"address":"0x1","pc":"0x2"})"
              "\n"
              R"({"event":"interrupt","time_ns":5,"cpu":0,"interrupt":"line 2"})"
              "\n"
              R"({"event":"actor_end","time_ns":6,"cpu":0,"actor":"\"\\\u00ff",)"
              R"("actor_number":5})"
              "\n");
}

TEST(Summary, AnExchange) {
    std::vector<KnTraceRecord> records = an_exchange();
    records.push_back(record(start + 3700, K_TRACE_INTERRUPT, 0, -1, K_TRACE_TIMER));
    EXPECT_EQ(shown<SummaryView>(records, {}, start),
              "3.701 us on 1 CPUs; idle 27%; 1 interrupts; ktrace itself 0.100 us\n"
              "\n"
              "client: 1.900 us of CPU time, 3 switches, 1 messages sent, 1 received, 0 faults\n"
              "  CALL                      COUNT   ERRORS     TOTAL-us      MEAN-us       MAX-us\n"
              "  ipcCall                       1        0        1.400        1.400        1.400\n"
              "\n"
              "server: 0.600 us of CPU time, 1 switches, 1 messages sent, 1 received, 0 faults\n"
              "  CALL                      COUNT   ERRORS     TOTAL-us      MEAN-us       MAX-us\n"
              "  ipcReplyReceive               1        0        0.000            -            -\n");
}

TEST(Summary, ErrorsLossesAndNonsense) {
    const unsigned call = nucleus_number("portCreate");
    std::vector<KnTraceRecord> records = {
        actor_record(start, 5, "a"),
        call_record(start, 5, 1, call),
        result_record(start + 1000, 5, 1, call, K_EFULL),
        record(start + 1500, K_TRACE_LOST, 0, -1, 40),
        record(start + 2000, K_TRACE_FAULT, 5, 1),
        result_record(start + 2000, 5, 1, call, 2), // its beginning is lost
    };
    for (unsigned number = 0; number < 3000; ++number)
        records.push_back(call_record(start + 3000, 5, 1, number + 10000));
    const std::string text = shown<SummaryView>(records, {}, start);
    EXPECT_EQ(
        text.find("3.001 us on 1 CPUs; idle 0%; 0 interrupts; 40 records lost: all figures are too small\n"),
        0U)
        << text;
    EXPECT_NE(text.find("\na: 1.001 us of CPU time, 0 switches, 0 messages sent, 0 received, 1 faults\n"),
              std::string::npos)
        << text;
    EXPECT_NE(
        text.find("  portCreate                    1        1        1.000        1.000        1.000\n"),
        std::string::npos)
        << text;
    Choice nobody;
    nobody.actors = {"x"};
    EXPECT_EQ(shown<SummaryView>(records, nobody, start).find('\n'), text.find('\n'));
}

constexpr std::uint64_t no_limit = 1 << 20;

[[nodiscard]] bool has(const std::string& text, std::string_view line) {
    return text.find(line) != std::string::npos;
}

TEST(Events, AnExchange) {
    const std::string text = shown<EventsView>(an_exchange(), {}, start, no_limit);
    EXPECT_TRUE(text.starts_with(R"({"displayTimeUnit":"ns",)")) << text;
    EXPECT_TRUE(text.ends_with("\n]}\n")) << text;
    for (const std::string_view line : {
             R"({"ph":"M","pid":1,"tid":1,"name":"process_name","args":{"name":"CPUs"}},)",
             R"({"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"CPU 0"}},)",
             R"({"ph":"M","pid":2,"tid":1000,"name":"process_name","args":{"name":"client"}},)",
             R"({"ph":"M","pid":3,"tid":1001,"name":"thread_name","args":{"name":"server/7"}},)",
             R"({"ph":"X","pid":1,"tid":1,"ts":0.100,"dur":1.500,"cat":"switch","name":"client/1"},)",
             R"({"ph":"X","pid":1,"tid":1,"ts":1.600,"dur":0.600,"cat":"switch","name":"server/7"},)",
             R"({"ph":"X","pid":1,"tid":1,"ts":2.500,"dur":0.100,"cat":"switch","name":"ktrace/1"},)",
             R"({"ph":"B","pid":2,"tid":1000,"ts":1.000,"cat":"call","name":"ipcCall",)"
             R"("args":{"head":"0x41","tail":"0x1727aba76a839529","bytes":"0xc"}},)",
             R"({"ph":"X","pid":2,"tid":1000,"ts":1.500,"dur":0.800,"cat":"message",)"
             R"("name":"sent #1","args":{"bytes":12,)"
             R"("to":"0000000000000041:1727aba76a839529"}},)",
             R"({"ph":"s","pid":2,"tid":1000,"ts":1.500,"cat":"message","name":"message","id":2},)",
             R"({"ph":"X","pid":3,"tid":1001,"ts":1.700,"dur":0.300,"cat":"message","name":"received #1",)",
             R"({"ph":"f","pid":3,"tid":1001,"ts":1.850,"cat":"message","name":"message","id":2,"bp":"e"},)",
             R"({"ph":"f","pid":2,"tid":1000,"ts":2.350,"cat":"message","name":"message","id":3,"bp":"e"},)",
             R"({"ph":"E","pid":2,"tid":1000,"ts":2.400,"name":"ipcCall","args":{"result":"4"}},)",
             R"({"ph":"E","pid":3,"tid":1001,"ts":2.701,"name":"ipcReplyReceive",)"
             R"("args":{"result":"not told"}})",
         })
        EXPECT_TRUE(has(text, std::string{"\n"}.append(line))) << line << " in\n" << text;
}

TEST(Events, OnlyWhatIsChosen) {
    Choice choice;
    choice.calls = choice.switches = choice.interrupts = choice.faults = false;
    const std::string text = shown<EventsView>(an_exchange(), choice, start, no_limit);
    EXPECT_FALSE(has(text, R"("ph":"B")"));
    EXPECT_FALSE(has(text, R"("ph":"E")"));
    EXPECT_FALSE(has(text, R"("switch")"));
    EXPECT_TRUE(has(text, R"("ph":"f")"));
    choice.actors = {"server"};
    // Of the flow's other end nothing is shown: there is none.
    EXPECT_FALSE(has(shown<EventsView>(an_exchange(), choice, start, no_limit), R"("ph":"f")"));
}

TEST(Events, AMessageAtTheEndOfItsCall) {
    const std::vector<KnTraceRecord> records = {
        actor_record(start, 5, "a"),
        call_record(start + 1, 5, 1, K_TRACE_RECEIVE),
        message_record(start + 2, K_TRACE_SENT, 5, 2, 1),
        message_record(start + 9, K_TRACE_RECEIVED, 5, 1, 1),
        result_record(start + 9, 5, 1, K_TRACE_RECEIVE, 0),
        call_record(start + 500, 5, 1, K_TRACE_RECEIVE),
    };
    const std::string text = shown<EventsView>(records, {}, start, no_limit);
    const std::size_t end = text.find(R"("ph":"E","pid":2,"tid":1000,"ts":0.009,)");
    const std::size_t slice = text.find(R"("ph":"X","pid":2,"tid":1000,"ts":0.009,"dur":0.491,)");
    const std::size_t flow = text.find(R"("ph":"f","pid":2,"tid":1000,"ts":0.254,)");
    EXPECT_TRUE(end < slice && slice < flow && flow != std::string::npos) << text;
}

TEST(Events, FaultsInterruptsLosses) {
    const std::vector<KnTraceRecord> records = {
        actor_record(start, 5, "a"),
        record(start + 1, K_TRACE_RUN, 5, 1),
        record(start + 2, K_TRACE_FAULT, 5, 1, 0x10, 0x20),
        record(start + 3, K_TRACE_INTERRUPT, 5, 1, 4),
        record(start + 6, K_TRACE_LOST, 0, -1, 7),
        record(start + 9, K_TRACE_INTERRUPT, 0, -1, K_TRACE_TIMER),
    };
    const std::string text = shown<EventsView>(records, {}, start, no_limit);
    for (const std::string_view line : {
             R"("ts":0.002,"s":"t","cat":"fault","name":"fault","args":{"address":"0x10","pc":"0x20"}})",
             R"("tid":101,"ts":0.003,"s":"t","cat":"interrupt","name":"line 4",)"
             R"("args":{"interrupted":"a/1"}})",
             R"("tid":101,"ts":0.006,"s":"p","cat":"lost","name":"7 records lost"})",
             R"("ts":0.001,"dur":0.002,"cat":"switch","name":"a/1"})",
             R"("name":"timer","args":{"interrupted":"nobody"}})",
         })
        EXPECT_TRUE(has(text, line)) << line << " in\n" << text;
}

} // namespace

} // namespace chorale::ktrace
