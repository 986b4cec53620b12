#include "commands/ktrace/summary.hpp"

#include "commands/ktrace/call_names.hpp"
#include "commands/ktrace/describe.hpp"

#include <algorithm>

namespace chorale::ktrace {

SummaryView::CallSum& SummaryView::ActorSum::call(unsigned number, bool foreign) {
    for (CallSum& sum : calls) {
        if (sum.number == number && sum.foreign == foreign) return sum;
    }
    // There are fewer calls than that: what goes on is nonsense.
    if (calls.size() == call_limit) return calls.back();
    return calls.emplace_back(CallSum{number, foreign});
}

bool SummaryView::ActorSum::did_something() const {
    return running != 0 || switches != 0 || sent != 0 || received != 0 || faults != 0 || !calls.empty();
}

SummaryView::ActorSum* SummaryView::sum_of(const TracedActor& actor) {
    if (actor.serial >= actor_limit) return nullptr;
    if (actor.serial >= actors_.size()) actors_.resize(actor.serial + 1);
    ActorSum& sum = actors_[actor.serial];
    sum.name = actor.name;
    sum.shown = choice_.has(actor);
    sum.own = actor.own;
    return &sum;
}

void SummaryView::stop(CpuSum& cpu, std::uint64_t now) {
    const std::uint64_t time = now > cpu.since ? now - cpu.since : 0;
    if (cpu.is_idle) cpu.idle += time;
    if (cpu.runs < actors_.size()) actors_[cpu.runs].running += time;
    cpu.runs = no_serial;
    cpu.is_idle = false;
}

void SummaryView::follow_cpu(const Happening& what) {
    if (what.cpu >= cpus_.size()) cpus_.resize(what.cpu + 1);
    CpuSum& cpu = cpus_[what.cpu];
    // What is lost may have been a switch soon after the last record.
    const std::uint64_t until = what.record.kind == K_TRACE_LOST ? cpu.latest : what.record.time;
    cpu.latest = what.record.time;
    const Owner owner = owner_after(what, cpu.is_idle || cpu.runs != no_serial);
    if (owner == Owner::as_before) return;
    stop(cpu, until);
    cpu.since = what.record.time;
    cpu.is_idle = owner == Owner::nobody;
    if (owner == Owner::the_thread) cpu.runs = what.actor->serial;
}

void SummaryView::count(ActorSum& sum, const Happening& what) {
    const KnTraceRecord& record = what.record;
    switch (record.kind) {
    case K_TRACE_CALL:
    case K_TRACE_SYSTEM_CALL:
        ++sum.call(record.call, record.kind == K_TRACE_SYSTEM_CALL).count;
        return;
    case K_TRACE_RESULT: {
        if (what.ended == nullptr) return; // its beginning is not counted
        CallSum& call = sum.call(record.call, what.foreign);
        const std::uint64_t took = record.time > what.ended->since ? record.time - what.ended->since : 0;
        ++call.ended;
        call.total += took;
        call.longest = std::max(call.longest, took);
        if (is_error(record.result)) ++call.errors;
        return;
    }
    case K_TRACE_RUN:
        ++sum.switches;
        return;
    case K_TRACE_SENT:
        ++sum.sent;
        return;
    case K_TRACE_RECEIVED:
        ++sum.received;
        return;
    case K_TRACE_FAULT:
        ++sum.faults;
        return;
    default:
        return;
    }
}

void SummaryView::on_record(const Happening& what) {
    follow_cpu(what);
    if (what.record.kind == K_TRACE_LOST) lost_ += what.record.value[0];
    if (what.record.kind == K_TRACE_INTERRUPT) ++interrupts_;
    if (what.actor == nullptr) return;
    ActorSum* const sum = sum_of(*what.actor);
    if (sum != nullptr) count(*sum, what);
}

void SummaryView::finish() {
    for (CpuSum& cpu : cpus_) stop(cpu, span_.end);
    std::vector<const ActorSum*> order;
    for (const ActorSum& actor : actors_) {
        if (actor.shown && actor.did_something()) order.push_back(&actor);
    }
    std::sort(order.begin(), order.end(),
              [](const ActorSum* a, const ActorSum* b) { return a->running > b->running; });
    print_site();
    for (const ActorSum* actor : order) print(*actor);
    output_.flush();
}

void SummaryView::print_site() {
    const std::uint64_t length = span_.since_begin(span_.end);
    output_ << microseconds(length) << " us on " << std::to_string(span_.cpus) << " CPUs; idle";
    for (const CpuSum& cpu : cpus_)
        output_ << " " << std::to_string(length == 0 ? 0 : cpu.idle * 100 / length) << "%";
    output_ << "; " << std::to_string(interrupts_) << " interrupts";
    for (const ActorSum& actor : actors_) {
        if (actor.own && !actor.shown) output_ << "; ktrace itself " << microseconds(actor.running) << " us";
    }
    if (lost_ != 0) output_ << "; " << std::to_string(lost_) << " records lost: all figures are too small";
    output_ << "\n";
}

void SummaryView::print(const ActorSum& actor) {
    output_ << "\n"
            << plain(actor.name) << ": " << microseconds(actor.running) << " us of CPU time, "
            << std::to_string(actor.switches) << " switches, " << std::to_string(actor.sent)
            << " messages sent, " << std::to_string(actor.received) << " received, "
            << std::to_string(actor.faults) << " faults\n";
    if (actor.calls.empty() || !choice_.calls) return;
    std::vector<CallSum> calls = actor.calls;
    std::sort(calls.begin(), calls.end(),
              [](const CallSum& a, const CallSum& b) { return a.total > b.total; });
    output_ << "  " << left("CALL", 22) << "    COUNT   ERRORS     TOTAL-us      MEAN-us       MAX-us\n";
    for (const CallSum& call : calls) {
        output_ << "  " << left(call_text(call.number, call.foreign), 22) << " "
                << right(std::to_string(call.count), 8) << " " << right(std::to_string(call.errors), 8) << " "
                << right(microseconds(call.total), 12) << " "
                << right(call.ended == 0 ? "-" : microseconds(call.total / call.ended), 12) << " "
                << right(call.ended == 0 ? "-" : microseconds(call.longest), 12) << "\n";
    }
}

} // namespace chorale::ktrace
