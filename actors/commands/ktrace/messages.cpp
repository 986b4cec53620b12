#include "commands/ktrace/messages.hpp"

namespace chorale::ktrace {

std::uint64_t MessageNumbers::number(const KnTraceRecord& record) {
    const std::uint64_t raw = record.value[0] & ~K_TRACE_REPLY;
    // The nucleus's numbers may have a CPU's number above: both parts choose the place.
    Known& known = known_[(raw ^ raw >> 32 ^ raw >> 48) % size];
    if (known.number != 0 && known.raw == raw) return known.number;
    if (record.kind != K_TRACE_SENT) return 0;
    known = {raw, ++latest_};
    return known.number;
}

std::string message_text(const KnTraceRecord& record, std::uint64_t number) {
    const std::string what = is_reply(record) ? "reply" : "message";
    if (number == 0) return "a " + what + " that was sent before the trace";
    return (is_reply(record) ? "reply #" : "#") + std::to_string(number);
}

} // namespace chorale::ktrace
