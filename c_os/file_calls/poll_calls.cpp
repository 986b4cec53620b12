// poll and select. What ppoll and pselect6 do to the mask of signals is the process core's part: the mask is
// not looked at here.
#include "c_os/base/memory.hpp"
#include "c_os/base/owned.hpp"
#include "c_os/file_calls/call_support.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace chorale::c_os {

namespace {

struct UserPoll {
    int descriptor;
    u16 wanted, ready;
};
static_assert(sizeof(UserPoll) == 8);

// Files that one call waits for. Entries leave their lists before the files are let go.
class PollSet {
  public:
    // `always`: what is told whether or not it was wanted.
    explicit PollSet(u16 always) : always_{always} {}
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;
    ~PollSet() {
        for (std::size_t i = 0; i < count_; ++i) items_[i].entry.leave();
    }
    // Room for so many. Errors: enomem.
    [[nodiscard]] Done begin(std::size_t size) {
        items_.reset(new (std::nothrow) Item[size]);
        return items_ != nullptr ? Done{} : failed(Error::enomem);
    }
    void add(FileContext& context, UserPoll& poll) {
        Item& item = items_[count_++];
        item.poll = &poll;
        poll.ready = 0;
        if (poll.descriptor < 0) return;
        Result<FileUse> file = use_opened(context, poll.descriptor);
        if (file)
            item.file.emplace(std::move(*file));
        else
            poll.ready = poll_invalid;
    }
    // How many are ready, by the deadline. Errors: eintr.
    [[nodiscard]] Result<u64> wait(Deadline deadline, bool waits) {
        u64 ready = look(waits);
        while (ready == 0 && waits) {
            const Woken woken = sleep_.wait(deadline);
            ready = look(false);
            if (ready != 0) break;
            if (woken == Woken::timeout) return 0;
            if (woken == Woken::aborted) return failed(Error::eintr);
        }
        return ready;
    }

  private:
    struct Item {
        UserPoll* poll{};
        std::optional<FileUse> file;
        PollEntry entry;
    };

    [[nodiscard]] u64 look(bool join) {
        u64 ready = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            Item& item = items_[i];
            if (item.file) {
                if (join) item.entry.begin(sleep_);
                const u16 state = (*item.file)->poll(join ? &item.entry : nullptr);
                item.poll->ready = state & static_cast<u16>(item.poll->wanted | always_);
            }
            ready += item.poll->ready != 0;
        }
        return ready;
    }

    const u16 always_;
    PollSleep sleep_;
    Owned<Item[]> items_;
    std::size_t count_{};
};

constexpr u64 second = 1'000'000'000;

struct Limit {
    Deadline deadline;
    bool waits{true};
};

[[nodiscard]] Limit limit_after(u64 nanoseconds) {
    if (nanoseconds == 0) return {.deadline = {0}, .waits = false};
    const u64 time = now();
    return {.deadline = {nanoseconds < Deadline::never - time ? time + nanoseconds : Deadline::never}};
}

struct UserTime {
    std::int64_t seconds, fraction;
};

[[nodiscard]] Result<Limit> limit_of(u64 address, std::int64_t per_second) {
    if (address == 0) return Limit{};
    const Result<UserTime> time = get_from_user<UserTime>(address);
    if (!time) return failed(time.error());
    // select() takes a second's worth of microseconds and more; nobody waits for longer than a century.
    if (time->seconds < 0 || time->fraction < 0) return failed(Error::einval);
    if (per_second == std::int64_t{second} && time->fraction >= per_second) return failed(Error::einval);
    constexpr u64 century = 100 * 366 * u64{86400};
    const u64 seconds = static_cast<u64>(time->seconds) + static_cast<u64>(time->fraction / per_second);
    if (seconds >= century) return Limit{};
    return limit_after(seconds * second + static_cast<u64>(time->fraction % per_second) *
                                              (second / static_cast<u64>(per_second)));
}

// What is left, as Linux tells. A program that cannot be told has its answer nevertheless.
void tell_time_left(u64 address, const Limit& limit, u64 per_second) {
    if (address == 0 || limit.deadline.time == Deadline::never) return;
    const u64 time = now();
    const u64 left = limit.waits && limit.deadline.time > time ? limit.deadline.time - time : 0;
    const UserTime value{static_cast<std::int64_t>(left / second),
                         static_cast<std::int64_t>(left % second / (second / per_second))};
    if (const Done done = put_to_user(address, value); !done) return;
}

[[nodiscard]] Result<u64> poll_all(FileContext& context, u64 address, u64 count, const Limit& limit) {
    if (count > FileTable::descriptor_limit || count > context.files.limit()) return failed(Error::einval);
    const Owned<UserPoll[]> polls{new (std::nothrow) UserPoll[count + 1]};
    if (polls == nullptr) return failed(Error::enomem);
    if (const Done done = copy_in(polls.get(), address, count * sizeof(UserPoll)); !done)
        return failed(done.error());
    PollSet set{poll_error | poll_hang_up};
    if (const Done done = set.begin(count + 1); !done) return failed(done.error());
    for (u64 i = 0; i < count; ++i) set.add(context, polls[i]);
    const Result<u64> ready = set.wait(limit.deadline, limit.waits);
    if (!ready) return ready;
    if (const Done done = copy_out(address, polls.get(), count * sizeof(UserPoll)); !done)
        return failed(done.error());
    return ready;
}

constexpr u16 select_in = poll_in | poll_read_normal | poll_hang_up | poll_error;
constexpr u16 select_out = poll_out | poll_write_normal | poll_error;
constexpr u16 select_exception = poll_priority;
constexpr u16 select_kinds[3] = {select_in, select_out, select_exception};

struct DescriptorSets {
    static constexpr std::size_t words = FileTable::descriptor_limit / 64;
    u64 bits[3][words]{};

    [[nodiscard]] Done read(const u64 (&addresses)[3], u64 count) {
        for (int kind = 0; kind < 3; ++kind) {
            if (addresses[kind] == 0) continue;
            if (const Done done = copy_in(bits[kind], addresses[kind], (count + 63) / 64 * 8); !done)
                return done;
            if (count % 64 != 0) bits[kind][count / 64] &= (u64{1} << count % 64) - 1;
        }
        return {};
    }
    [[nodiscard]] Done write(const u64 (&addresses)[3], u64 count) const {
        for (int kind = 0; kind < 3; ++kind) {
            if (addresses[kind] == 0) continue;
            if (const Done done = copy_out(addresses[kind], bits[kind], (count + 63) / 64 * 8); !done)
                return done;
        }
        return {};
    }
    [[nodiscard]] u16 wanted(u64 descriptor) const {
        unsigned wanted = 0;
        for (int kind = 0; kind < 3; ++kind)
            if ((bits[kind][descriptor / 64] >> descriptor % 64 & 1) != 0) wanted |= select_kinds[kind];
        return static_cast<u16>(wanted);
    }
    // The number of bits that stay.
    [[nodiscard]] u64 keep(u64 descriptor, u16 ready) {
        u64 count = 0;
        for (int kind = 0; kind < 3; ++kind) {
            u64& word = bits[kind][descriptor / 64];
            const u64 bit = u64{1} << descriptor % 64;
            if ((word & bit) == 0) continue;
            if ((ready & select_kinds[kind]) != 0)
                ++count;
            else
                word &= ~bit;
        }
        return count;
    }
    [[nodiscard]] u64 size() const {
        u64 size = 0;
        for (std::size_t i = 0; i < words; ++i)
            size += static_cast<u64>(std::popcount(bits[0][i] | bits[1][i] | bits[2][i]));
        return size;
    }
};

[[nodiscard]] Result<u64> select_all(FileContext& context, const CallArguments& arguments,
                                     const Limit& limit) {
    if (arguments.integer(0) < 0) return failed(Error::einval);
    const u64 count = std::min<u64>(arguments.word(0), FileTable::descriptor_limit);
    const u64 addresses[3] = {arguments[1], arguments[2], arguments[3]};
    const Owned<DescriptorSets> sets{new (std::nothrow) DescriptorSets};
    if (sets == nullptr) return failed(Error::enomem);
    if (const Done done = sets->read(addresses, count); !done) return failed(done.error());
    const u64 size = sets->size();
    const Owned<UserPoll[]> polls{new (std::nothrow) UserPoll[size + 1]};
    if (polls == nullptr) return failed(Error::enomem);
    PollSet set{0};
    if (const Done done = set.begin(size + 1); !done) return failed(done.error());
    u64 used = 0;
    for (u64 i = 0; i < count; ++i) {
        const u16 wanted = sets->wanted(i);
        if (wanted == 0) continue;
        polls[used] = {static_cast<int>(i), wanted, 0};
        set.add(context, polls[used]);
        if (polls[used++].ready != 0) return failed(Error::ebadf);
    }
    const Result<u64> ready = set.wait(limit.deadline, limit.waits);
    if (!ready) return ready;
    u64 bits = 0;
    for (u64 i = 0; i < used; ++i) bits += sets->keep(static_cast<u64>(polls[i].descriptor), polls[i].ready);
    if (const Done done = sets->write(addresses, count); !done) return failed(done.error());
    return bits;
}

} // namespace

namespace file_calls {

Result<u64> poll(FileContext& context, const CallArguments& arguments) {
    const int milliseconds = arguments.integer(2);
    const Limit limit = milliseconds < 0 ? Limit{} : limit_after(static_cast<u64>(milliseconds) * 1'000'000);
    return poll_all(context, arguments[0], arguments.word(1), limit);
}

Result<u64> ppoll(FileContext& context, const CallArguments& arguments) {
    const Result<Limit> limit = limit_of(arguments[2], second);
    if (!limit) return failed(limit.error());
    const Result<u64> ready = poll_all(context, arguments[0], arguments.word(1), *limit);
    tell_time_left(arguments[2], *limit, second);
    return ready;
}

Result<u64> select(FileContext& context, const CallArguments& arguments) {
    const Result<Limit> limit = limit_of(arguments[4], 1'000'000);
    if (!limit) return failed(limit.error());
    const Result<u64> ready = select_all(context, arguments, *limit);
    tell_time_left(arguments[4], *limit, 1'000'000);
    return ready;
}

Result<u64> pselect6(FileContext& context, const CallArguments& arguments) {
    const Result<Limit> limit = limit_of(arguments[4], second);
    if (!limit) return failed(limit.error());
    const Result<u64> ready = select_all(context, arguments, *limit);
    tell_time_left(arguments[4], *limit, second);
    return ready;
}

} // namespace file_calls

} // namespace chorale::c_os
