#include "made_up.hpp"

#include "commands/ktrace/call_names.hpp"

#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace chorale::ktrace {

MemoryFile::MemoryFile() : descriptor_{memfd_create("trace", MFD_CLOEXEC)} {
    if (descriptor_ < 0) throw std::runtime_error{"no memory file"};
}
MemoryFile::~MemoryFile() { close(descriptor_); }

std::string MemoryFile::text() const {
    std::string text(static_cast<std::size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    if (pread(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error{"a memory file cannot be read"};
    return text;
}

void MemoryFile::set_text(std::string_view text) {
    if (pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error{"a memory file cannot be written"};
    lseek(descriptor_, 0, SEEK_SET);
}

// ---- records ----------------------------------------------------------------------------------------------

KnTraceRecord record(std::uint64_t time, unsigned kind, unsigned actor, int thread, std::uint64_t first,
                     std::uint64_t second) {
    return {time, kind, actor, thread, 0, 0, {first, second, 0, 0}};
}

KnTraceRecord actor_record(std::uint64_t time, unsigned number, std::string_view name) {
    KnTraceRecord made = record(time, K_TRACE_ACTOR, number);
    std::memcpy(made.value, name.data(), std::min(name.size(), sizeof made.value));
    return made;
}

KnTraceRecord call_record(std::uint64_t time, unsigned actor, int thread, unsigned call,
                          std::vector<std::uint64_t> arguments, unsigned kind) {
    KnTraceRecord made = record(time, kind, actor, thread);
    made.call = call;
    for (std::size_t i = 0; i < arguments.size(); ++i) made.value[i] = arguments[i];
    return made;
}

KnTraceRecord result_record(std::uint64_t time, unsigned actor, int thread, unsigned call,
                            std::int64_t result, bool foreign) {
    KnTraceRecord made = record(time, K_TRACE_RESULT, actor, thread, foreign ? 1 : 0);
    made.call = call;
    made.result = result;
    return made;
}

KnTraceRecord message_record(std::uint64_t time, unsigned kind, unsigned actor, int thread,
                             std::uint64_t number, std::uint64_t bytes, std::uint64_t head,
                             std::uint64_t tail) {
    return {time, kind, actor, thread, 0, 0, {number, head, tail, bytes}};
}

unsigned nucleus_number(std::string_view name) {
    for (unsigned number = 0; number < 256; ++number) {
        if (nucleus_call(number).name == name) return number;
    }
    throw std::runtime_error{"no such call: " + std::string{name}};
}

unsigned system_number(std::string_view name) {
    for (unsigned number = 0; number < 5000; ++number) {
        if (system_call(number) == name) return number;
    }
    throw std::runtime_error{"no such system call: " + std::string{name}};
}

// ---- the recorder -----------------------------------------------------------------------------------------

int MadeUpRecorder::read(unsigned cpu, KnTraceRecord* records, unsigned count) {
    if (read_error != 0) return read_error;
    int taken = 0;
    std::deque<KnTraceRecord>& ring = rings.at(cpu);
    while (count-- != 0 && !ring.empty() && (stopped || ring.front().time <= clock)) {
        records[taken++] = ring.front();
        ring.pop_front();
    }
    return taken;
}

int MadeUpRecorder::stop() {
    stopped = true;
    return stop_error;
}

// ---- random ones ------------------------------------------------------------------------------------------

namespace {

// A site whose threads do what the nucleus would let them do, as far as records tell.
class MadeUpSite {
  public:
    MadeUpSite(MadeUpRecorder& recorder, std::mt19937_64& random) : recorder_{recorder}, random_{random} {
        for (unsigned actor = 1; actor <= 4; ++actor) add_actor();
    }

    void step() {
        recorder_.clock += below(2000);
        Thread& thread = threads_[below(threads_.size())];
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
            begin_call(thread);
            break;
        case 3:
        case 4:
            end_call(thread);
            break;
        case 5:
            put(thread,
                message_record(now(), K_TRACE_SENT, thread.actor, thread.id, ++messages_, below(70), 1, 2));
            break;
        case 6:
            put(thread,
                message_record(now(), K_TRACE_RECEIVED, thread.actor, thread.id, messages_ - below(3), 4));
            break;
        case 7:
        case 8:
            put(thread, record(now(), below(4) == 0 ? K_TRACE_IDLE : K_TRACE_RUN, thread.actor, thread.id));
            break;
        case 9:
            put(thread, record(now(), K_TRACE_INTERRUPT, 0, -1, below(2) == 0 ? K_TRACE_TIMER : below(9)));
            break;
        case 10:
            put(thread, record(now(), K_TRACE_FAULT, thread.actor, thread.id, 0x1000, 0x2000));
            break;
        default:
            rarely(thread);
        }
    }

  private:
    struct Thread {
        unsigned actor;
        int id;
        std::vector<std::pair<unsigned, bool>> calls; // the number, foreign
    };

    [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    [[nodiscard]] std::uint64_t now() const { return recorder_.clock; }
    void put(const Thread& thread, const KnTraceRecord& made) {
        recorder_.put((thread.actor + static_cast<unsigned>(thread.id)) % recorder_.rings.size(), made);
    }

    void add_actor() {
        const unsigned actor = ++actors_;
        recorder_.put(0, actor_record(now(), actor, "actor" + std::to_string(actor)));
        for (int id = 1; id <= 3; ++id) threads_.push_back({actor, id, {}});
    }

    void begin_call(Thread& thread) {
        if (!thread.calls.empty() && !thread.calls.back().second) return;
        const bool foreign = thread.calls.empty() && below(2) == 0;
        const auto number = static_cast<unsigned>(foreign ? below(300) : 128 + below(80));
        put(thread, call_record(now(), thread.actor, thread.id, number, {1, 2, 3, 4},
                                foreign ? K_TRACE_SYSTEM_CALL : K_TRACE_CALL));
        thread.calls.emplace_back(number, foreign);
    }

    void end_call(Thread& thread) {
        if (thread.calls.empty()) return;
        const auto [number, foreign] = thread.calls.back();
        thread.calls.pop_back();
        if (below(50) == 0) { // it is lost
            put(thread, record(now(), K_TRACE_LOST, 0, -1, 1));
            return;
        }
        const auto result = static_cast<std::int64_t>(below(30)) - 22;
        put(thread, result_record(now(), thread.actor, thread.id, number, result, foreign));
    }

    void rarely(Thread& thread) {
        if (below(20) != 0) return;
        const unsigned actor = thread.actor;
        put(thread, record(now(), K_TRACE_ACTOR_END, actor));
        std::erase_if(threads_, [&](const Thread& each) { return each.actor == actor; });
        add_actor();
    }

    MadeUpRecorder& recorder_;
    std::mt19937_64& random_;
    std::vector<Thread> threads_;
    unsigned actors_{};
    std::uint64_t messages_{3};
};

} // namespace

void fill_plausibly(MadeUpRecorder& recorder, std::mt19937_64& random, unsigned count) {
    MadeUpSite site{recorder, random};
    for (unsigned i = 0; i < count; ++i) site.step();
}

void fill_hostilely(MadeUpRecorder& recorder, std::mt19937_64& random, unsigned count) {
    const bool wild = random() % 2 == 0;
    for (unsigned i = 0; i < count; ++i) {
        KnTraceRecord made{};
        made.time = random() % 4 == 0 ? random() : i * 10 + random() % 100;
        made.kind = static_cast<unsigned>(random() % 14);
        made.actor = static_cast<unsigned>(wild ? random() : random() % 6);
        made.thread = static_cast<int>(wild ? random() : random() % 4) - 1;
        made.call = static_cast<unsigned>(random() % 8 == 0 ? random() : random() % 4);
        made.result = static_cast<std::int64_t>(random() % 2 == 0 ? random() : random() % 40);
        for (std::uint64_t& value : made.value) value = random() % 3 == 0 ? random() : random() % 9;
        recorder.put(static_cast<unsigned>(random() % recorder.rings.size()), made);
    }
    recorder.clock = count * 10 + 200;
}

} // namespace chorale::ktrace
