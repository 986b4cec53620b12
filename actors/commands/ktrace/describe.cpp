#include "commands/ktrace/describe.hpp"

#include "commands/ktrace/call_names.hpp"

namespace chorale::ktrace {

namespace {

[[nodiscard]] bool has_port(const KnTraceRecord& record) {
    return record.kind == K_TRACE_CALL && K_TRACE_BY_REGISTERS(record.call);
}
[[nodiscard]] bool is_local_id(std::uint64_t value) {
    return static_cast<std::uint64_t>(static_cast<int>(value)) == value || value >> 32 == 0;
}

// In supervisor mode the same call has a descriptor's address there.
[[nodiscard]] bool receives(const KnTraceRecord& record) {
    if (record.kind != K_TRACE_CALL || !is_local_id(record.value[0])) return false;
    return record.call == K_TRACE_REPLY_RECEIVE || record.call == K_TRACE_RECEIVE;
}

} // namespace

std::string who(const Happening& what) {
    if (what.actor == nullptr) return "-";
    std::string name = plain(what.actor->name);
    if (what.thread != nullptr) name += "/" + std::to_string(what.thread->id);
    return name;
}

unsigned argument_count(const KnTraceRecord& record) {
    if (record.kind != K_TRACE_CALL) return system_call_arguments(system_call(record.call));
    const CallName& call = nucleus_call(record.call);
    const unsigned count = call.name.empty() ? recorded_arguments : call.arguments;
    return count < recorded_arguments ? count : recorded_arguments;
}

std::string argument_name(const KnTraceRecord& record, unsigned place) {
    const char* const name =
        record.kind == K_TRACE_CALL ? nucleus_call(record.call).argument[place].name : nullptr;
    return name != nullptr ? name : "argument" + std::to_string(place + 1);
}

// Of a narrow argument the register's upper part is nobody's.
std::uint64_t argument(const KnTraceRecord& record, unsigned place) {
    const unsigned size = record.kind == K_TRACE_CALL ? nucleus_call(record.call).argument[place].size : 0;
    const std::uint64_t value = record.value[place];
    return size == 0 || size >= 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
}

std::string call_with_arguments(const KnTraceRecord& record) {
    std::string text = call_text(record.call, record.kind == K_TRACE_SYSTEM_CALL) + "(";
    if (has_port(record))
        return text + port(record.value[0], record.value[1]) + ", " + std::to_string(record.value[2]) +
               " bytes)";
    if (receives(record)) {
        text += "port " + std::to_string(static_cast<int>(record.value[0]));
        if (record.call == K_TRACE_REPLY_RECEIVE)
            text += ", reply of " + std::to_string(record.value[2]) + " bytes";
        return text + ")";
    }
    const unsigned count = argument_count(record);
    for (unsigned place = 0; place < count; ++place)
        text += (place == 0 ? "" : ", ") + hex(argument(record, place));
    if (record.kind == K_TRACE_CALL && nucleus_call(record.call).arguments > count) text += ", ...";
    return text + ")";
}

std::string interrupt_text(const KnTraceRecord& record) {
    if (record.value[0] == K_TRACE_TIMER) return "timer";
    if (record.value[0] == K_TRACE_DOORBELL) return "doorbell";
    return "line " + std::to_string(record.value[0]);
}

bool Switches::is_news(const Happening& what) {
    if (what.cpu >= latest_.size()) latest_.resize(what.cpu + 1);
    const bool idle = what.record.kind == K_TRACE_IDLE;
    const Latest now{idle ? 0 : what.record.actor, idle ? -1 : what.record.thread};
    Latest& latest = latest_[what.cpu];
    if (latest.actor == now.actor && latest.thread == now.thread) return false;
    latest = now;
    return true;
}

Owner owner_after(const Happening& what, bool known) {
    switch (what.record.kind) {
    case K_TRACE_RUN:
        return what.thread != nullptr ? Owner::the_thread : Owner::unknown;
    case K_TRACE_IDLE:
        return Owner::nobody;
    case K_TRACE_LOST:
        return Owner::unknown;
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
        return known || what.thread == nullptr ? Owner::as_before : Owner::the_thread;
    case K_TRACE_INTERRUPT:
        return known || what.thread != nullptr ? Owner::as_before : Owner::nobody;
    default:
        return Owner::as_before;
    }
}

bool Choice::has(const TracedActor& actor) const {
    if (actors.empty()) return !actor.own;
    for (const std::string& name : actors) {
        if (name == actor.name) return true;
    }
    return false;
}

bool Choice::has(const Happening& what) const {
    switch (what.record.kind) {
    case K_TRACE_LOST:
        return true;
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
    case K_TRACE_RESULT:
        if (!calls) return false;
        break;
    case K_TRACE_SENT:
    case K_TRACE_RECEIVED:
        if (!messages) return false;
        break;
    case K_TRACE_RUN:
    case K_TRACE_IDLE:
        if (!switches) return false;
        break;
    case K_TRACE_INTERRUPT:
        if (!interrupts) return false;
        break;
    case K_TRACE_FAULT:
        if (!faults) return false;
        break;
    default:
        break;
    }
    return what.actor == nullptr ? actors.empty() : has(*what.actor);
}

} // namespace chorale::ktrace
