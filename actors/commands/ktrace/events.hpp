// The trace as a file of trace events, the JSON that Perfetto's viewer (ui.perfetto.dev) and Chrome's open.
//
//   an actor                  a process
//   a thread                  a thread of it: calls are slices (B, E), which nest
//   a message                 a short slice in the sender's and one in the receiver's thread, with a flow (s,
//   f) the CPUs                  a process with two threads for each CPU: who runs there, as slices (X), and
//   its
//                             interrupts, as instants
//
// What readers demand: slices of a thread nest; a flow's event has the time of a slice of its thread, and
// stands behind it; an identifier is used for one flow; readers take numbers of threads as global, whatever
// process they are in. So a message's slice ends before the thread's next event, which has to come first, and
// interrupts have a thread of their own: those of a switch's very time would be in no slice, or in two.
//
// Invariant: whenever the file ends, by finish() or because it is full, each B has its E.
#pragma once

#include "commands/ktrace/messages.hpp"
#include "commands/ktrace/output.hpp"
#include "commands/ktrace/view.hpp"

#include <algorithm>

namespace chorale::ktrace {

class EventsView final : public View {
  public:
    // The file ends properly before it has more than `limit` bytes.
    EventsView(Output& output, const Choice& choice, const Span& span, std::uint64_t limit);

    void on_record(const Happening& what) override;
    void on_abandoned(TracedActor& actor, TracedThread& thread, const OpenCall& call,
                      std::uint64_t time) override;
    void finish() override;

  private:
    struct Track {
        unsigned serial{}; // the thread's
        unsigned actor{};  // the actor's serial
        unsigned open{};   // slices
        std::uint64_t message_time{};
        std::string message; // its slice without the end, and `flow`: wait for the thread's next event
        std::string flow;
    };
    struct Flow {
        std::uint64_t number{};
        unsigned sender{}; // the thread's serial
    };
    struct Cpu {
        bool known{}, runs{};
        std::uint64_t since{}, latest{};
        unsigned actor{};
        int thread{};
        std::string name;
    };
    struct Known {
        unsigned serial{};
        std::string name;
    };

    // Both are sorted by serial numbers: new ones are the largest.
    template <class Element>
    [[nodiscard]] static auto place_of(std::vector<Element>& list, unsigned serial) {
        return std::lower_bound(list.begin(), list.end(), serial,
                                [](const Element& each, unsigned wanted) { return each.serial < wanted; });
    }

    // A process and a thread of the file.
    struct Place {
        unsigned process{}, thread{};
    };

    void begin_event(char phase, const Place& place);
    void add_event(char phase, const Place& place, std::uint64_t time, std::string_view more);
    void name_process(const Place& place, std::string_view name);
    void name_thread(const Place& place, std::string_view name);
    void announce(const TracedActor& actor, const TracedThread& thread);
    [[nodiscard]] Track& track_of(const TracedActor& actor, const TracedThread& thread);
    void name_cpus(unsigned number); // up to that one
    void flush_message(Track& track, std::uint64_t now);
    void flush_sender(unsigned serial, std::uint64_t now);
    void end_slice(Track& track, std::uint64_t time, std::string_view arguments);
    void follow_cpu(const Happening& what);
    void stop_cpu(unsigned number, std::uint64_t now);
    void add_interrupt(const Happening& what);
    void add_lost(const Happening& what);
    void add_message(const Happening& what, std::uint64_t number);
    void add_call(const Happening& what);
    void add_result(const Happening& what);
    void add_fault(const Happening& what);
    void forget(const TracedActor& actor, std::uint64_t time);
    void close(std::uint64_t time);
    [[nodiscard]] bool full() const;
    [[nodiscard]] static Place place_of(const Track& track);

    Output& output_;
    const Choice& choice_;
    const Span& span_;
    std::uint64_t limit_;
    bool any_{}, closed_{};
    std::uint64_t open_{}; // slices
    std::vector<Track> tracks_;
    std::vector<Known> processes_;
    std::vector<Cpu> cpus_;
    std::vector<Flow> flows_ = std::vector<Flow>(4096); // that have begun
    MessageNumbers numbers_;
};

} // namespace chorale::ktrace
