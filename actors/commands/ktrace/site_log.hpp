// What the records of a trace have told so far: which actors there are, what their threads are in the middle
// of. Views (view.hpp) are given each record with what is known of it.
//
// Invariant: whatever the records say, memory is bounded: of actors, threads and nested calls beyond the
// limits nothing is kept, and their records have no actor, no thread or no call that they end.
#pragma once

#include <exec/chTrace.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chorale::ktrace {

inline constexpr unsigned no_serial = ~0U;

// A call that has begun and not ended.
struct OpenCall {
    unsigned number{};
    bool foreign{}; // of another system, Linux's for instance
    std::uint64_t since{};
    // Records have been lost since: perhaps its end.
    bool doubtful{};
};

struct TracedThread {
    int id{};
    unsigned serial{};           // of all threads of the trace, from 0 on: no other one ever has it
    std::vector<OpenCall> calls; // the innermost last
};

struct TracedActor {
    unsigned number{};
    unsigned serial{}; // of all actors of the trace, from 0 on
    std::string name;
    bool own{}; // ktrace itself
    std::vector<TracedThread> threads;
};

// A record and what is known of it, until the next one is taken.
struct Happening {
    const KnTraceRecord& record;
    unsigned cpu{};
    TracedActor* actor{};   // null: it is about none, or about one that the trace has not told of
    TracedThread* thread{}; // null: it is about none
    // K_TRACE_RESULT: the call that has ended. Null: it began before the trace.
    const OpenCall* ended{};
    bool foreign{}; // K_TRACE_RESULT: of another system's call
    bool first{};   // K_TRACE_ACTOR: the trace tells of this actor for the first time
};

// Who is told. Calls of each thread end in the reverse order of their beginnings, by K_TRACE_RESULT or by
// on_abandoned: their end will not be told, for the thread is gone or the record was lost.
class Listener {
  public:
    virtual void on_record(const Happening& what) = 0;
    virtual void on_abandoned(TracedActor& actor, TracedThread& thread, const OpenCall& call,
                              std::uint64_t time) = 0;

  protected:
    ~Listener() = default;
};

class SiteLog {
  public:
    // `own_name`: of the actor whose records are its own.
    SiteLog(Listener& listener, std::string own_name) : listener_{listener}, own_name_{std::move(own_name)} {}

    // The next record; times do not go back.
    void take(unsigned cpu, const KnTraceRecord& record);
    // Nothing comes any more.
    void end(std::uint64_t time);

    // Of names that are to be noted: whether an actor has had it.
    void note(const std::vector<std::string>& names);
    [[nodiscard]] bool has_seen(const std::string& name) const;

  private:
    static constexpr std::size_t actor_limit = 4096, thread_limit = 16384, depth_limit = 16;

    [[nodiscard]] TracedActor* find(unsigned number);
    [[nodiscard]] TracedActor* actor_of(const KnTraceRecord& record);
    [[nodiscard]] TracedThread* thread_of(TracedActor& actor, int id);
    [[nodiscard]] TracedActor* name_actor(const KnTraceRecord& record, bool& first);
    void begin_call(Happening& what);
    void end_call(Happening& what);
    void abandon(TracedActor& actor, TracedThread& thread, std::size_t depth, std::uint64_t time);
    void abandon_all(TracedActor& actor, std::uint64_t time);
    void doubt_all();
    void remove(TracedActor& actor);

    Listener& listener_;
    std::string own_name_;
    struct Noted {
        std::string name;
        bool seen{};
    };
    std::vector<Noted> noted_;
    std::vector<TracedActor> actors_;
    std::size_t latest_{}; // where an actor was found last: likely to be found there next
    std::size_t living_threads_{};
    unsigned actor_serials_{}, thread_serials_{};
};

} // namespace chorale::ktrace
