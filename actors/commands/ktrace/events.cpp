#include "commands/ktrace/events.hpp"

#include "commands/ktrace/call_names.hpp"
#include "commands/ktrace/describe.hpp"

namespace chorale::ktrace {

namespace {

// Processes and threads of the file.
constexpr unsigned cpu_process = 1, first_actor = 2;
constexpr unsigned first_cpu = 1, first_interrupts = 101, first_thread = 1000;
constexpr std::uint64_t message_length = 1000; // nanoseconds, if nothing else happens
// What the ends of slices and the last words need.
constexpr std::uint64_t reserve = 32768, bytes_of_an_end = 128, bytes_of_a_track = 512;

// Not every reader is content with an end that has no name.
[[nodiscard]] std::string end_of(const OpenCall& call, std::string_view result) {
    return ",\"name\":" + json(call_text(call.number, call.foreign)) +
           ",\"args\":{\"result\":" + json(result) + "}";
}

} // namespace

// ---- the file ---------------------------------------------------------------------------------------------

EventsView::EventsView(Output& output, const Choice& choice, const Span& span, std::uint64_t limit)
    : output_{output}, choice_{choice}, span_{span}, limit_{limit} {
    output_ << "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"system\":\"Chorale\",\"tool\":\"ktrace\"},"
               "\"traceEvents\":[\n";
    name_process({cpu_process, first_cpu}, "CPUs");
}

EventsView::Place EventsView::place_of(const Track& track) {
    return {first_actor + track.actor, first_thread + track.serial};
}

void EventsView::begin_event(char phase, const Place& place) {
    output_ << (any_ ? ",\n" : "") << "{\"ph\":\"" << std::string_view{&phase, 1}
            << "\",\"pid\":" << std::to_string(place.process) << ",\"tid\":" << std::to_string(place.thread);
    any_ = true;
}

void EventsView::add_event(char phase, const Place& place, std::uint64_t time, std::string_view more) {
    begin_event(phase, place);
    output_ << ",\"ts\":" << microseconds(span_.since_begin(time)) << more << "}";
}

void EventsView::name_process(const Place& place, std::string_view name) {
    begin_event('M', place);
    output_ << ",\"name\":\"process_name\",\"args\":{\"name\":" << json(name) << "}}";
    begin_event('M', place);
    output_ << ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":" << std::to_string(place.process)
            << "}}";
}

void EventsView::name_thread(const Place& place, std::string_view name) {
    begin_event('M', place);
    output_ << ",\"name\":\"thread_name\",\"args\":{\"name\":" << json(name) << "}}";
}

// A process has the name that its actor has; the last one told counts.
void EventsView::announce(const TracedActor& actor, const TracedThread& thread) {
    auto place = place_of(processes_, actor.serial);
    if (place == processes_.end() || place->serial != actor.serial)
        place = processes_.insert(place, {actor.serial, {}});
    else if (place->name == actor.name)
        return;
    place->name = actor.name;
    name_process({first_actor + actor.serial, first_thread + thread.serial}, actor.name);
}

EventsView::Track& EventsView::track_of(const TracedActor& actor, const TracedThread& thread) {
    announce(actor, thread);
    auto place = place_of(tracks_, thread.serial);
    if (place == tracks_.end() || place->serial != thread.serial) {
        place = tracks_.insert(place, {thread.serial, actor.serial, 0, 0, {}, {}});
        name_thread(place_of(*place), actor.name + "/" + std::to_string(thread.id));
    }
    return *place;
}

void EventsView::name_cpus(unsigned number) {
    while (cpus_.size() <= number) {
        const std::string name = "CPU " + std::to_string(cpus_.size());
        const auto cpu = static_cast<unsigned>(cpus_.size());
        name_thread({cpu_process, first_cpu + cpu}, name);
        name_thread({cpu_process, first_interrupts + cpu}, name + " interrupts");
        cpus_.emplace_back();
    }
}

bool EventsView::full() const {
    return output_.bytes() + reserve + open_ * bytes_of_an_end + tracks_.size() * bytes_of_a_track >= limit_;
}

// ---- threads ----------------------------------------------------------------------------------------------

// A flow begins with its slice, before all that comes of it. It ends inside, so that nobody takes the call
// that has ended at that time for what it leads to.
void EventsView::flush_message(Track& track, std::uint64_t now) {
    if (track.message.empty()) return;
    const std::uint64_t most = now > track.message_time ? now - track.message_time : 0;
    const std::uint64_t length = std::min(most, message_length);
    add_event('X', place_of(track), track.message_time, ",\"dur\":" + microseconds(length) + track.message);
    if (!track.flow.empty()) {
        const std::uint64_t inside = track.flow[0] == 'f' ? length / 2 : 0;
        add_event(track.flow[0], place_of(track), track.message_time + inside,
                  std::string_view{track.flow}.substr(1));
    }
    track.message.clear();
    track.flow.clear();
}

// Of a flow that ends at the very time at which it begins, the beginning stands first.
void EventsView::flush_sender(unsigned serial, std::uint64_t now) {
    const auto sender = place_of(tracks_, serial);
    if (sender != tracks_.end() && sender->serial == serial && sender->message_time == now)
        flush_message(*sender, now);
}

// What is received is often told at the very time at which the call ends: the message stands behind it, where
// it has room.
void EventsView::end_slice(Track& track, std::uint64_t time, std::string_view arguments) {
    if (track.message_time != time) flush_message(track, time);
    if (track.open == 0) return;
    --track.open;
    --open_;
    add_event('E', place_of(track), time, arguments);
}

void EventsView::add_call(const Happening& what) {
    const KnTraceRecord& record = what.record;
    const bool foreign = record.kind == K_TRACE_SYSTEM_CALL;
    Track& track = track_of(*what.actor, *what.thread);
    flush_message(track, record.time);
    std::string text = std::string{",\"cat\":\""} + (foreign ? "system_call" : "call") +
                       "\",\"name\":" + json(call_text(record.call, foreign)) + ",\"args\":{";
    const unsigned count = argument_count(record);
    for (unsigned place = 0; place < count; ++place)
        text += (place == 0 ? "" : ",") + json(argument_name(record, place)) + ":" +
                json(hex(argument(record, place)));
    add_event('B', place_of(track), record.time, text + "}");
    ++track.open;
    ++open_;
}

void EventsView::add_result(const Happening& what) {
    if (what.ended == nullptr) return;
    end_slice(track_of(*what.actor, *what.thread), what.record.time,
              end_of(*what.ended, result_text(what.record.result, what.foreign)));
}

void EventsView::on_abandoned(TracedActor& actor, TracedThread& thread, const OpenCall& call,
                              std::uint64_t time) {
    if (closed_ || !choice_.calls || !choice_.has(actor)) return;
    end_slice(track_of(actor, thread), time, end_of(call, "not told"));
}

void EventsView::add_fault(const Happening& what) {
    Track& track = track_of(*what.actor, *what.thread);
    flush_message(track, what.record.time);
    add_event('i', place_of(track), what.record.time,
              ",\"s\":\"t\",\"cat\":\"fault\",\"name\":\"fault\",\"args\":{\"address\":" +
                  json(hex(what.record.value[0])) + ",\"pc\":" + json(hex(what.record.value[1])) + "}");
}

// A flow's number is that of the message, with one bit for the direction: the formats' readers know flows by
// their numbers only.
void EventsView::add_message(const Happening& what, std::uint64_t number) {
    const KnTraceRecord& record = what.record;
    const bool sent = record.kind == K_TRACE_SENT;
    Track& track = track_of(*what.actor, *what.thread);
    flush_message(track, record.time);
    track.message_time = record.time;
    track.message = ",\"cat\":\"message\",\"name\":" +
                    json((sent ? "sent " : "received ") + message_text(record, number)) +
                    ",\"args\":{\"bytes\":" + std::to_string(record.value[3]);
    if (record.value[1] != 0 || record.value[2] != 0)
        track.message += ",\"to\":" + json(port(record.value[1], record.value[2]));
    track.message += "}";
    if (number == 0) return;
    const std::uint64_t number_of_flow = number * 2 + (is_reply(record) ? 1 : 0);
    Flow& flow = flows_[number_of_flow % flows_.size()];
    if ((flow.number == number_of_flow) == sent) return;
    if (!sent) flush_sender(flow.sender, record.time);
    flow = sent ? Flow{number_of_flow, what.thread->serial} : Flow{};
    track.flow = std::string{sent ? "s" : "f"} +
                 ",\"cat\":\"message\",\"name\":\"message\",\"id\":" + std::to_string(number_of_flow) +
                 (sent ? "" : ",\"bp\":\"e\"");
}

// ---- CPUs -------------------------------------------------------------------------------------------------

void EventsView::stop_cpu(unsigned number, std::uint64_t now) {
    Cpu& cpu = cpus_[number];
    if (cpu.runs)
        add_event('X', {cpu_process, first_cpu + number}, cpu.since,
                  ",\"dur\":" + microseconds(now > cpu.since ? now - cpu.since : 0) +
                      ",\"cat\":\"switch\",\"name\":" + json(cpu.name));
    cpu.runs = cpu.known = false;
}

void EventsView::follow_cpu(const Happening& what) {
    Cpu& cpu = cpus_[what.cpu];
    // What is lost may have been a switch soon after the last record.
    const std::uint64_t until = what.record.kind == K_TRACE_LOST ? cpu.latest : what.record.time;
    cpu.latest = what.record.time;
    const Owner owner = owner_after(what, cpu.known);
    if (owner == Owner::as_before) return;
    const bool same = owner == Owner::the_thread && cpu.runs && cpu.actor == what.actor->serial &&
                      cpu.thread == what.record.thread;
    if (same) return;
    stop_cpu(what.cpu, until);
    cpu.known = owner != Owner::unknown;
    if (owner != Owner::the_thread) return;
    cpu.runs = true;
    cpu.since = std::max(what.record.time, span_.begin);
    cpu.actor = what.actor->serial;
    cpu.thread = what.record.thread;
    cpu.name = who(what);
}

void EventsView::add_interrupt(const Happening& what) {
    add_event('i', {cpu_process, first_interrupts + what.cpu}, what.record.time,
              ",\"s\":\"t\",\"cat\":\"interrupt\",\"name\":" + json(interrupt_text(what.record)) +
                  ",\"args\":{\"interrupted\":" + json(what.thread != nullptr ? who(what) : "nobody") + "}");
}

void EventsView::add_lost(const Happening& what) {
    add_event('i', {cpu_process, first_interrupts + what.cpu}, what.record.time,
              ",\"s\":\"p\",\"cat\":\"lost\",\"name\":" +
                  json(std::to_string(what.record.value[0]) + " records lost"));
}

// ---- all --------------------------------------------------------------------------------------------------

void EventsView::on_record(const Happening& what) {
    const KnTraceRecord& record = what.record;
    const bool message = is_message(record);
    const std::uint64_t number = message ? numbers_.number(record) : 0;
    if (closed_) return;
    name_cpus(what.cpu);
    if (full()) {
        add_event('i', {cpu_process, first_interrupts}, record.time,
                  ",\"s\":\"g\",\"cat\":\"lost\",\"name\":\"the file is full: what comes now is not in it\"");
        close(record.time);
        return;
    }
    if (choice_.switches) follow_cpu(what);
    if (record.kind == K_TRACE_ACTOR_END && what.actor != nullptr) forget(*what.actor, record.time);
    if (!choice_.has(what)) return;
    if (record.kind == K_TRACE_LOST) add_lost(what);
    if (record.kind == K_TRACE_INTERRUPT) add_interrupt(what);
    if (what.thread == nullptr) return;
    if (record.kind == K_TRACE_CALL || record.kind == K_TRACE_SYSTEM_CALL) add_call(what);
    if (record.kind == K_TRACE_RESULT) add_result(what);
    if (record.kind == K_TRACE_FAULT) add_fault(what);
    if (message) add_message(what, number);
}

// Its calls have been ended before.
void EventsView::forget(const TracedActor& actor, std::uint64_t time) {
    for (Track& track : tracks_) {
        if (track.actor != actor.serial) continue;
        while (track.open != 0) end_slice(track, time, "");
        flush_message(track, time);
    }
    std::erase_if(tracks_, [&](const Track& track) { return track.actor == actor.serial; });
    std::erase_if(processes_, [&](const Known& process) { return process.serial == actor.serial; });
}

void EventsView::close(std::uint64_t time) {
    for (Track& track : tracks_) {
        while (track.open != 0) end_slice(track, time, "");
        flush_message(track, time);
    }
    for (unsigned cpu = 0; cpu < cpus_.size(); ++cpu) stop_cpu(cpu, time);
    output_ << "\n]}\n";
    output_.flush();
    closed_ = true;
}

void EventsView::finish() {
    if (!closed_) close(std::max(span_.end, span_.begin));
}

} // namespace chorale::ktrace
