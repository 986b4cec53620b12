// What programs read from a terminal, and when.
#include "c_os/file/terminal.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

constexpr u64 tenth_of_second = 100'000'000;

} // namespace

// VTIME: from the start when nothing need come (VMIN 0), else from each byte to the next.
Deadline Terminal::deadline_of_read(bool first) const {
    const u64 time = attributes_.characters[character_time];
    const bool waits_for_first = first && attributes_.characters[character_minimum] != 0;
    if (local(local_canonical) || time == 0 || waits_for_first) return {};
    return {now() + time * tenth_of_second};
}

// Up to `end`, as far as the buffer goes.
Done Terminal::take(Buffer& to, u64 end) {
    while (read_ != end && to.left() != 0) {
        const std::size_t in_ring = input_size - read_ % input_size;
        const std::size_t part = std::min({static_cast<std::size_t>(end - read_), in_ring, to.left()});
        if (const Done done = to.put(&input_at(read_), part); !done) return done;
        read_ += part;
    }
    return {};
}

Done Terminal::take_line(Buffer& to) {
    u64 last = read_;
    while (!ends_line(last)) ++last;
    const bool end_of_file = input_at(last) == 0;
    const Done done = take(to, end_of_file ? last : last + 1);
    // It has been seen, also when what was before it just fitted.
    if (end_of_file && read_ == last) ++read_;
    return done;
}

Result<std::size_t> Terminal::read(Buffer& to, bool blocks) {
    const Lock lock{mutex_};
    if (to.left() == 0) return 0;
    const std::size_t before = to.done();
    const auto ended = [&](Error error) -> Result<std::size_t> {
        if (to.done() == before) return failed(error);
        return to.done() - before;
    };
    bool canonical = local(local_canonical);
    Deadline deadline = deadline_of_read(true);
    for (;;) {
        if (canonical != local(local_canonical)) deadline = deadline_of_read(true);
        canonical = local(local_canonical);
        const u8 minimum = attributes_.characters[character_minimum];
        if (lines_end_ != read_) {
            const Done done = canonical ? take_line(to) : take(to, written_);
            if (!done) return ended(done.error());
            if (canonical || to.left() == 0 || to.done() - before >= minimum) return to.done() - before;
            deadline = deadline_of_read(false);
        }
        const bool never_waits = !canonical && minimum == 0 && attributes_.characters[character_time] == 0;
        if (hung_up_ || never_waits) return to.done() - before;
        if (!blocks) return ended(Error::eagain);
        const Woken woken = readers_.wait(mutex_, deadline);
        if (woken == Woken::timeout) return to.done() - before;
        if (woken == Woken::aborted) return ended(Error::eintr);
    }
}

u16 Terminal::poll(PollEntry* entry) {
    const Lock lock{mutex_};
    if (entry != nullptr) polled_.join(*entry, mutex_);
    const u8 minimum = attributes_.characters[character_minimum];
    const bool counts =
        !local(local_canonical) && attributes_.characters[character_time] == 0 && minimum != 0;
    unsigned ready = 0;
    if (lines_end_ - read_ >= (counts ? minimum : 1U)) ready |= poll_in | poll_read_normal;
    if (!stopped_) ready |= poll_out | poll_write_normal;
    if (hung_up_) ready |= poll_in | poll_hang_up | poll_error;
    return static_cast<u16>(ready);
}

} // namespace chorale::c_os
