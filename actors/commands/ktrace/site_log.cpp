#include "commands/ktrace/site_log.hpp"

#include "commands/ktrace/call_names.hpp"

#include <string.h>
#include <utility>

namespace chorale::ktrace {

namespace {

[[nodiscard]] std::string name_in(const KnTraceRecord& record) {
    char text[sizeof record.value + 1]{};
    memcpy(text, record.value, sizeof record.value);
    return text;
}

[[nodiscard]] std::string nameless(unsigned number) { return "actor " + std::to_string(number); }

} // namespace

TracedActor* SiteLog::find(unsigned number) {
    if (latest_ < actors_.size() && actors_[latest_].number == number) return &actors_[latest_];
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].number == number) return &actors_[latest_ = i];
    }
    return nullptr;
}

// No actor has the number 0. One that the trace has not told of, for the record is lost, has no name.
TracedActor* SiteLog::actor_of(const KnTraceRecord& record) {
    if (record.actor == 0) return nullptr;
    if (TracedActor* const actor = find(record.actor); actor != nullptr) return actor;
    if (actors_.size() == actor_limit) return nullptr;
    latest_ = actors_.size();
    return &actors_.emplace_back(
        TracedActor{record.actor, actor_serials_++, nameless(record.actor), false, {}});
}

TracedThread* SiteLog::thread_of(TracedActor& actor, int id) {
    if (id < 0) return nullptr;
    for (TracedThread& thread : actor.threads) {
        if (thread.id == id) return &thread;
    }
    if (living_threads_ == thread_limit) return nullptr;
    ++living_threads_;
    return &actor.threads.emplace_back(TracedThread{id, thread_serials_++, {}});
}

TracedActor* SiteLog::name_actor(const KnTraceRecord& record, bool& first) {
    first = find(record.actor) == nullptr;
    TracedActor* const actor = actor_of(record);
    if (actor == nullptr) return nullptr;
    const std::string name = name_in(record);
    actor->name = name.empty() ? nameless(record.actor) : name;
    actor->own = actor->name == own_name_;
    for (Noted& noted : noted_) noted.seen = noted.seen || noted.name == actor->name;
    return actor;
}

void SiteLog::note(const std::vector<std::string>& names) {
    for (const std::string& name : names) noted_.push_back({name, false});
}

bool SiteLog::has_seen(const std::string& name) const {
    for (const Noted& noted : noted_) {
        if (noted.name == name && noted.seen) return true;
    }
    return false;
}

void SiteLog::abandon(TracedActor& actor, TracedThread& thread, std::size_t depth, std::uint64_t time) {
    while (thread.calls.size() > depth) {
        listener_.on_abandoned(actor, thread, thread.calls.back(), time);
        thread.calls.pop_back();
    }
}

void SiteLog::abandon_all(TracedActor& actor, std::uint64_t time) {
    for (TracedThread& thread : actor.threads) abandon(actor, thread, 0, time);
}

// The ends of calls may be among what is lost.
void SiteLog::doubt_all() {
    for (TracedActor& actor : actors_) {
        for (TracedThread& thread : actor.threads) {
            for (OpenCall& call : thread.calls) call.doubtful = true;
        }
    }
}

void SiteLog::remove(TracedActor& actor) {
    living_threads_ -= actor.threads.size();
    if (&actor != &actors_.back()) actor = std::move(actors_.back());
    actors_.pop_back();
}

// Calls nest: a system call is served on the caller's thread, and so are calls of LAPs and of message
// handlers. What cannot nest has ended without being told.
void SiteLog::begin_call(Happening& what) {
    if (what.thread == nullptr) return;
    std::vector<OpenCall>& calls = what.thread->calls;
    std::size_t depth = calls.size();
    while (depth != 0 &&
           (calls[depth - 1].doubtful || ends_first(calls[depth - 1].number, calls[depth - 1].foreign)))
        --depth;
    if (depth == depth_limit) depth = 0;
    abandon(*what.actor, *what.thread, depth, what.record.time);
    listener_.on_record(what);
    const bool foreign = what.record.kind == K_TRACE_SYSTEM_CALL;
    calls.push_back({what.record.call, foreign, what.record.time, false});
}

void SiteLog::end_call(Happening& what) {
    what.foreign = what.record.value[0] == 1;
    std::size_t place = 0;
    if (what.thread != nullptr) {
        const std::vector<OpenCall>& calls = what.thread->calls;
        for (place = calls.size(); place != 0; --place) {
            const OpenCall& call = calls[place - 1];
            if (call.number == what.record.call && call.foreign == what.foreign) break;
        }
    }
    if (place == 0) {
        listener_.on_record(what);
        return;
    }
    abandon(*what.actor, *what.thread, place, what.record.time);
    what.ended = &what.thread->calls.back();
    listener_.on_record(what);
    what.thread->calls.pop_back();
}

void SiteLog::take(unsigned cpu, const KnTraceRecord& record) {
    Happening what{record, cpu};
    if (record.kind == K_TRACE_ACTOR) {
        what.actor = name_actor(record, what.first);
        listener_.on_record(what);
        return;
    }
    what.actor = actor_of(record);
    if (what.actor != nullptr && record.kind != K_TRACE_ACTOR_END)
        what.thread = thread_of(*what.actor, record.thread);
    switch (record.kind) {
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
        if (what.thread != nullptr)
            begin_call(what);
        else
            listener_.on_record(what);
        return;
    case K_TRACE_RESULT:
        end_call(what);
        return;
    case K_TRACE_ACTOR_END:
        if (what.actor != nullptr) abandon_all(*what.actor, record.time);
        listener_.on_record(what);
        if (what.actor != nullptr) remove(*what.actor);
        return;
    case K_TRACE_LOST:
        doubt_all();
        [[fallthrough]];
    default:
        listener_.on_record(what);
    }
}

void SiteLog::end(std::uint64_t time) {
    for (TracedActor& actor : actors_) abandon_all(actor, time);
}

} // namespace chorale::ktrace
