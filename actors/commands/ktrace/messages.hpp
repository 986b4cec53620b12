// Small numbers for messages, from 1 on in the order in which they are sent. A reply has its request's
// number.
//
// Bounded: of some 4,000 messages that are under way at once, the oldest may be forgotten.
#pragma once

#include <exec/chTrace.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chorale::ktrace {

class MessageNumbers {
  public:
    // Of a record that is_message(); 0: its message was sent before the trace.
    [[nodiscard]] std::uint64_t number(const KnTraceRecord& record);

  private:
    struct Known {
        std::uint64_t raw{}, number{};
        bool sent[2]{}; // the request, the reply
    };
    static constexpr std::size_t size = 4096;

    std::vector<Known> known_ = std::vector<Known>(size);
    std::uint64_t latest_{};
};

[[nodiscard]] inline bool is_message(const KnTraceRecord& record) {
    return record.kind == K_TRACE_SENT || record.kind == K_TRACE_RECEIVED;
}
[[nodiscard]] inline bool is_reply(const KnTraceRecord& record) {
    return (record.value[0] & K_TRACE_REPLY) != 0;
}
// "#12", "reply #12", "a message that was sent before the trace"
[[nodiscard]] std::string message_text(const KnTraceRecord& record, std::uint64_t number);

} // namespace chorale::ktrace
