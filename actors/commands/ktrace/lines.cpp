#include "commands/ktrace/lines.hpp"

#include "commands/ktrace/call_names.hpp"
#include "commands/ktrace/describe.hpp"

namespace chorale::ktrace {

namespace {

class Object {
  public:
    explicit Object(std::string_view event) : text_{"{\"event\":" + json(event)} {}

    Object& add(std::string_view name, std::uint64_t number) { return raw(name, std::to_string(number)); }
    Object& add(std::string_view name, std::int64_t number) { return raw(name, std::to_string(number)); }
    Object& add(std::string_view name, int number) { return raw(name, std::to_string(number)); }
    Object& add(std::string_view name, unsigned number) { return raw(name, std::to_string(number)); }
    Object& add(std::string_view name, std::string_view text) { return raw(name, json(text)); }
    Object& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    Object& raw(std::string_view name, std::string_view value) {
        text_ += ",";
        text_ += json(name);
        text_ += ":";
        text_ += value;
        return *this;
    }
    [[nodiscard]] std::string line() const { return text_ + "}\n"; }

  private:
    std::string text_;
};

[[nodiscard]] const char* event_name(unsigned kind) {
    static constexpr const char* names[] = {"unknown",   "actor", "actor_end", "call", "system_call",
                                            "result",    "run",   "idle",      "sent", "received",
                                            "interrupt", "fault", "lost"};
    static_assert(sizeof names / sizeof *names == K_TRACE_LOST + 1);
    return kind <= K_TRACE_LOST ? names[kind] : names[0];
}

[[nodiscard]] std::string arguments_of(const KnTraceRecord& record) {
    std::string list = "[";
    const unsigned count = argument_count(record);
    for (unsigned place = 0; place < count; ++place)
        list += (place == 0 ? "" : ",") + json(hex(argument(record, place)));
    return list + "]";
}

void add_message(Object& object, const KnTraceRecord& record, std::uint64_t number) {
    object.add("message", number).flag("reply", is_reply(record)).add("bytes", record.value[3]);
    if (record.value[1] != 0 || record.value[2] != 0)
        object.add("to", port(record.value[1], record.value[2]));
}

void add_facts(Object& object, const Happening& what) {
    const KnTraceRecord& record = what.record;
    switch (record.kind) {
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
        object.add("call", call_text(record.call, record.kind == K_TRACE_SYSTEM_CALL))
            .raw("arguments", arguments_of(record));
        return;
    case K_TRACE_RESULT:
        object.add("call", call_text(record.call, what.foreign)).add("result", std::int64_t{record.result});
        if (is_error(record.result)) object.add("error", result_text(record.result, what.foreign));
        if (what.ended != nullptr && record.time >= what.ended->since)
            object.add("took_ns", record.time - what.ended->since);
        return;
    case K_TRACE_INTERRUPT:
        object.add("interrupt", interrupt_text(record));
        return;
    case K_TRACE_FAULT:
        object.add("address", hex(record.value[0])).add("pc", hex(record.value[1]));
        return;
    case K_TRACE_LOST:
        object.add("records", record.value[0]);
        return;
    case K_TRACE_ACTOR:
        object.flag("new", what.first);
        return;
    default:
        if (record.kind > K_TRACE_LOST || record.kind == 0) object.add("kind", record.kind);
    }
}

} // namespace

void LinesView::on_record(const Happening& what) {
    const KnTraceRecord& record = what.record;
    const bool message = is_message(record);
    const std::uint64_t number = message ? numbers_.number(record) : 0;
    if (!choice_.has(what)) return;
    Object object{event_name(record.kind)};
    object.add("time_ns", span_.since_begin(record.time)).add("cpu", what.cpu);
    if (what.actor != nullptr) object.add("actor", what.actor->name).add("actor_number", record.actor);
    if (what.thread != nullptr) object.add("thread", what.thread->id);
    if (message)
        add_message(object, record, number);
    else
        add_facts(object, what);
    output_ << object.line();
}

} // namespace chorale::ktrace
