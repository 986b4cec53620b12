// The trace as a summary: for each actor how long it ran, its messages, and a table of its calls.
#pragma once

#include "commands/ktrace/output.hpp"
#include "commands/ktrace/view.hpp"

namespace chorale::ktrace {

class SummaryView final : public View {
  public:
    SummaryView(Output& output, const Choice& choice, const Span& span)
        : output_{output}, choice_{choice}, span_{span} {}

    void on_record(const Happening& what) override;
    void on_abandoned(TracedActor&, TracedThread&, const OpenCall&, std::uint64_t) override {}
    void finish() override;

  private:
    struct CallSum {
        unsigned number{};
        bool foreign{};
        std::uint64_t count{}, ended{}, errors{}, total{}, longest{}; // nanoseconds
    };
    struct ActorSum {
        std::string name;
        bool shown{}, own{}; // own: ktrace itself
        std::uint64_t running{}, switches{}, sent{}, received{}, faults{};
        std::vector<CallSum> calls;

        [[nodiscard]] CallSum& call(unsigned number, bool foreign);
        [[nodiscard]] bool did_something() const;
    };
    struct CpuSum {
        unsigned runs{no_serial}; // the actor that has the CPU
        bool is_idle{};
        std::uint64_t since{}, latest{}, idle{};
    };

    static constexpr std::size_t actor_limit = 4096, call_limit = 1024; // calls of an actor

    // Null: there are too many.
    [[nodiscard]] ActorSum* sum_of(const TracedActor& actor);
    void stop(CpuSum& cpu, std::uint64_t now);
    void follow_cpu(const Happening& what);
    static void count(ActorSum& sum, const Happening& what);
    void print_site();
    void print(const ActorSum& actor);

    Output& output_;
    const Choice& choice_;
    const Span& span_;
    std::vector<ActorSum> actors_; // by their serial numbers
    std::vector<CpuSum> cpus_;
    std::uint64_t interrupts_{}, lost_{};
};

} // namespace chorale::ktrace
