// What a look at the nucleus from outside finds: every object that can be reached, and what is wrong with it.
// The parts of check_invariants() (invariants.hpp) share it.
#pragma once

#include "kernel/core/actor.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/group.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/time/timeout.hpp"
#include "kernel/time/watchdog.hpp"
#include "tests/machine/invariants.hpp"

#include <map>
#include <set>
#include <sstream>
#include <unordered_map>

namespace chorale::test {

// A Request that is in a ring or in an overflow list.
struct Travel {
    CpuIndex from, to;
    // What it is: one of them.
    const Thread* thread{};
    const Message* message{};
    Port* port{};
    const Thread* told{};  // what is lent to it has changed
    const Thread* woken{}; // it waited for a synchronisation object
    const EventTimer* timer{};
    bool of_system{}; // the console's bell, a watchdog's, or a timeout that another CPU has dropped
};

// Where something is, for people; told only when it is wrong.
struct Place {
    const char* what;
    const Actor* actor{};
    u64 at{};
    friend std::ostream& operator<<(std::ostream& to, const Place& place);
};
template <class T>
struct Named {
    const T& object;
};
std::ostream& operator<<(std::ostream& to, Named<Actor> actor);
std::ostream& operator<<(std::ostream& to, Named<Thread> thread);
std::ostream& operator<<(std::ostream& to, Named<Port> port);
template <class T>
[[nodiscard]] Named<T> name(const T& object) {
    return {object};
}

// A space and whose it is; nullptr: all supervisor actors'.
struct SpaceOf {
    const Space& space;
    const Actor* actor;
    [[nodiscard]] bool user() const { return actor != nullptr; }
    friend std::ostream& operator<<(std::ostream& to, const SpaceOf& of) {
        return of.user() ? to << name(*of.actor) : to << "the supervisor space";
    }
};

// A frame that several page tables lead to.
struct Share {
    u32 owners; // as the nucleus counts
    u32 seen;
    bool common; // copied when written
    Place first;
};

// Not a thread's.
[[nodiscard]] inline bool is_scheduler_timer(const PerCpu& cpu, const Timer& timer) {
    return &timer == &cpu.turn.end || &timer == &cpu.meter.limit || &timer == &cpu.pull.patience;
}

// A segment's own message, under way or not.
[[nodiscard]] bool is_carrier(const Message& message);

class Inspection {
  public:
    explicit Inspection(Depth depth) : depth_{depth} {}

    void collect();
    void check_cpus();
    void check_mail();
    void check_threads();
    void check_ports();
    void check_messages();
    void check_actors();
    void check_credits();
    void check_groups();       // invariants_groups.cpp
    void check_sync();         // invariants_sync.cpp
    void check_event_timers(); // invariants_timers.cpp
    // invariants_memory.cpp
    void check_spaces();
    void check_frames();
    void check_objects();
    void check_tlbs();

    [[nodiscard]] Findings& findings() { return findings_; }

  private:
    template <class... Part>
    void wrong(unsigned number, const Part&... parts) {
        std::ostringstream line;
        line << number << ": ";
        (line << ... << parts);
        findings_.push_back(line.str());
    }
    template <class... Part>
    bool expect(bool holds, unsigned number, const Part&... parts) {
        if (!holds) wrong(number, parts...);
        return holds;
    }

    [[nodiscard]] bool quiet() const { return depth_ == Depth::quiet; }
    [[nodiscard]] bool known(const Thread* thread) const { return threads_.contains(thread); }

    void add_actor(Actor* actor);
    void add_port(Port* port);
    [[nodiscard]] static Travel identify(const Request& request, CpuIndex from, CpuIndex to);
    void collect_actors();
    void collect_requests();
    void collect_messages();
    void add_message(const Message* message, const Place& owner);
    void collect_waiters();
    void follow_waiters(Thread* first, CpuIndex cpu, const Port* port, const Actor* actor);

    void check_cpu(const PerCpu& cpu);
    void check_run_queue(const PerCpu& cpu);
    void check_timers(const PerCpu& cpu);
    void check_sharing(const PerCpu& cpu);
    void check_fpu(const PerCpu& cpu);
    void check_lane(const PerCpu& from, const PerCpu& to);
    void check_state(const Thread& thread);
    void check_place(const Thread& thread);
    void check_handling(const Thread& thread);
    void check_pair(const Thread& thread);
    void check_priority(const Thread& thread);
    void check_wait(const Thread& thread);
    void check_serial(const Thread& thread);
    void check_blocked(const Thread& thread);
    void check_loans(const Thread& thread);
    void follow_queue(const Waiter& first, unsigned bucket);
    void check_live_port(Port& port);
    void check_dead_port(Port& port);
    void check_migrating_port(Port& port);
    void check_queue(Port& port);
    void check_handler(const Port& port, u64 length);
    void check_event_timer(const EventTimer& timer, const Actor& actor);
    void check_timer_pool(const TimerPool& pool, const Actor& actor);
    [[nodiscard]] bool travels(const Request& request) const { return travelling_.contains(&request); }
    void check_token(Port& port, u64 length);
    [[nodiscard]] u64 askers(const Port& port) const;
    void check_port_table();

    void check_space_of(Actor& actor);
    void check_space(Space& space, const SpaceOf& of);
    void check_regions(const SpaceOf& of, const RegionList& regions);
    u64 check_entries(const SpaceOf& of, const RegionList& regions, const PageTable& table);
    void check_holes(const SpaceOf& of, const RegionList& regions, const PageTable& table);
    void check_leaf(const SpaceOf& of, const Region& region, VirtAddr at, unsigned level, u64 entry);
    void share(PhysAddr frame, unsigned level, bool common, const Place& where);
    void collect_carriers();
    void check_segments();       // invariants_segments.cpp
    void check_message_spaces(); // invariants_message_spaces.cpp
    void check_message_space(const MessageSpace& space, u64 openers);
    void check_message_waiter(const Thread& thread, const std::map<const MessageSpace*, u64>& spaces);
    void own_or_share(u64 entry, unsigned level, const Place& where);
    void check_group(const Group& group);
    void check_bodies();
    void check_shares();
    void own(PhysAddr block, unsigned order, const Place& owner);
    void check_tlb(CpuIndex index, const std::map<u64, Space*>& spaces);

    Depth depth_;
    Findings findings_;
    std::set<Actor*> actors_;
    std::set<const Thread*> threads_;
    std::set<Port*> ports_;          // those of actors, and those that threads point at: dead ones among them
    std::set<const Port*> attached_; // those of actors
    std::unordered_map<const Request*, Travel> travelling_;
    std::unordered_map<const Timer*, const Thread*> timers_;
    std::unordered_map<const Message*, Place> messages_; // and who has it
    std::unordered_map<const Thread*, unsigned> queued_, waiting_, armed_, blocked_, lending_,
        awaiting_timer_;
    std::map<u64, Share> shares_;                                  // by the frame
    std::unordered_map<u64, Place> frames_;                        // in use, by number
    std::unordered_map<const EventTimer*, CpuIndex> event_timers_; // that are armed, and where
    u64 regions_{}, segments_{}, segment_pages_{}, groups_{}, memberships_{};
};

} // namespace chorale::test
