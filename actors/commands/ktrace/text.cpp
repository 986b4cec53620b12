#include "commands/ktrace/text.hpp"

#include "commands/ktrace/call_names.hpp"

namespace chorale::ktrace {

namespace {

constexpr std::size_t time_width = 12, who_width = 14;

[[nodiscard]] std::string result(const Happening& what) {
    const KnTraceRecord& record = what.record;
    std::string text =
        call_text(record.call, what.foreign) + " = " + result_text(record.result, what.foreign);
    if (what.ended != nullptr && record.time >= what.ended->since)
        text += " <" + microseconds(record.time - what.ended->since) + ">";
    return text;
}

[[nodiscard]] std::string sent(const KnTraceRecord& record, std::uint64_t number) {
    std::string text = "sent " + message_text(record, number);
    if (record.value[1] != 0 || record.value[2] != 0) text += " to " + port(record.value[1], record.value[2]);
    return text + ", " + std::to_string(record.value[3]) + " bytes";
}

} // namespace

TextView::TextView(Output& output, const Choice& choice, const Span& span)
    : output_{output}, choice_{choice}, span_{span} {
    output_ << right("TIME-us", time_width) << " CPU " << left("ACTOR/THREAD", who_width) << " EVENT\n";
}

void TextView::on_record(const Happening& what) {
    const std::uint64_t number = is_message(what.record) ? numbers_.number(what.record) : 0;
    if (!choice_.has(what)) return;
    const std::string event = describe(what, number);
    if (event.empty()) return;
    output_ << right(microseconds(span_.since_begin(what.record.time)), time_width) << " "
            << right(std::to_string(what.cpu), 3) << " " << left(who(what), who_width) << " " << event
            << "\n";
}

std::string TextView::describe(const Happening& what, std::uint64_t number) {
    const KnTraceRecord& record = what.record;
    switch (record.kind) {
    case K_TRACE_ACTOR:
        return actor_text(what);
    case K_TRACE_ACTOR_END:
        return "the actor has ended";
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
        return call_with_arguments(record);
    case K_TRACE_RESULT:
        return result(what);
    case K_TRACE_RUN:
        return switches_.is_news(what) ? "runs" : "";
    case K_TRACE_IDLE:
        return switches_.is_news(what) ? "nothing to do" : "";
    case K_TRACE_SENT:
        return sent(record, number);
    case K_TRACE_RECEIVED:
        return "received " + message_text(record, number) + ", " + std::to_string(record.value[3]) + " bytes";
    case K_TRACE_INTERRUPT:
        return "interrupt: " + interrupt_text(record);
    case K_TRACE_FAULT:
        return "fault: address " + hex(record.value[0]) + ", pc " + hex(record.value[1]);
    case K_TRACE_LOST:
        return "*** " + std::to_string(record.value[0]) + " records are lost here: the ring was full";
    default:
        return "a record of kind " + std::to_string(record.kind);
    }
}

// Those that were there before the trace are not news.
std::string TextView::actor_text(const Happening& what) const {
    if (what.actor == nullptr) return {};
    if (!what.first) return "the actor's name is " + plain(what.actor->name);
    return what.record.time > span_.begin ? "a new actor" : "";
}

} // namespace chorale::ktrace
