#include "commands/ktrace/messages.hpp"

namespace chorale::ktrace {

// The nucleus uses a number once; whoever does not gets a new one here.
std::uint64_t MessageNumbers::number(const KnTraceRecord& record) {
    const std::uint64_t raw = record.value[0] & ~K_TRACE_REPLY;
    // The nucleus's numbers may have a CPU's number above: both parts choose the place.
    Known& known = known_[(raw ^ raw >> 32 ^ raw >> 48) % size];
    const bool same = known.number != 0 && known.raw == raw;
    if (record.kind != K_TRACE_SENT) return same ? known.number : 0;
    if (!same || known.sent[is_reply(record)]) known = {raw, ++latest_, {}};
    known.sent[is_reply(record)] = true;
    return known.number;
}

std::string message_text(const KnTraceRecord& record, std::uint64_t number) {
    const std::string what = is_reply(record) ? "reply" : "message";
    if (number == 0) return "a " + what + " that was sent before the trace";
    return (is_reply(record) ? "reply #" : "#") + std::to_string(number);
}

} // namespace chorale::ktrace
