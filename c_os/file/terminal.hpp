// A terminal: the line discipline between what a device receives and what programs read, and between what
// they write and what it sends. It knows no device: bytes come by input(), and go out through a
// TerminalOutput.
//
// Invariants, under the mutex: input_ holds what was received and not read, in canonical mode complete lines
// up to lines_end_, then the line that is being edited; `column_` is where the output's next character goes.
#pragma once

#include "c_os/file/open_file.hpp"
#include "c_os/file/terminal_attributes.hpp"

#include <optional>
#include <span>

namespace chorale::c_os {

struct JobIdentity;

class TerminalOutput {
  public:
    // Sends everything. Called with the terminal's mutex: one after the other.
    virtual void send(const char* text, std::size_t size) = 0;

  protected:
    ~TerminalOutput() = default;
};

enum class TerminalSignal : u8 { interrupt, quit, suspend, window_changed, hang_up };

// What the process core does when something on a terminal is a signal's business. Called without its mutex.
class TerminalEvents {
  public:
    // For all of that process group.
    virtual void on_signal_character(TerminalSignal signal, int process_group) = 0;
    // Whether there is such a process group in the session.
    [[nodiscard]] virtual bool is_group_of_session(int process_group, int session) = 0;

  protected:
    ~TerminalEvents() = default;
};

class Terminal : public Counted {
  public:
    // Both stay as long as it; `events` may be null.
    Terminal(TerminalOutput& output, TerminalEvents* events) : output_{output}, events_{events} {}

    // What the device has received. What does not fit is lost, as on a line.
    void input(std::span<const u8> bytes);
    // The line is gone: readers get the end of the file, writers eio.
    void hang_up();
    void set_events(TerminalEvents* events);

    [[nodiscard]] Result<std::size_t> read(Buffer& to, bool blocks);
    [[nodiscard]] Result<std::size_t> write(Buffer& from, bool blocks);
    [[nodiscard]] u16 poll(PollEntry* entry);
    [[nodiscard]] Result<u64> control(FileContext& context, u32 request, u64 argument);

    [[nodiscard]] int process_group();
    [[nodiscard]] int session();
    // The session's leader is gone: nobody's terminal.
    void leave_session();
    // As an open() without O_NOCTTY does: a leader of a session that has no terminal gets this one, if it is
    // nobody's.
    void offer_session(FileContext& context);

    [[nodiscard]] static TerminalAttributes default_attributes();

  private:
    static constexpr std::size_t input_size = 4096; // a power of two

    // terminal_input.cpp; under the mutex. What signal the byte is for, if it is for one.
    [[nodiscard]] std::optional<TerminalSignal> receive(u8 byte);
    [[nodiscard]] std::optional<TerminalSignal> signal_of(u8 byte) const;
    [[nodiscard]] bool control_flow(u8 byte);
    void receive_in_line(u8 byte);
    void end_line(u8 byte, bool is_end_of_file);
    [[nodiscard]] bool append(u8 byte, bool ends_line);
    void flush_input();
    [[nodiscard]] bool local(u32 flag) const { return (attributes_.local_flags & flag) != 0; }
    [[nodiscard]] bool received_as(u32 flag) const { return (attributes_.input_flags & flag) != 0; }
    [[nodiscard]] bool is(u8 byte, TerminalCharacter which) const;
    [[nodiscard]] u8& input_at(u64 place) { return input_[place % input_size]; }
    [[nodiscard]] bool ends_line(u64 place) const {
        return (line_ends_[place % input_size / 64] >> (place % 64) & 1) != 0;
    }
    void mark_line_end(u64 place, bool ends);
    // The mode has changed from or to canonical.
    void change_mode();
    void tell_readers();

    // terminal_edit.cpp; under the mutex.
    [[nodiscard]] bool edit(u8 byte);
    void erase_character();
    void erase_word(u8 byte);
    void kill_line(u8 byte);
    void reprint(u8 byte);
    void back_up();
    [[nodiscard]] u32 column_after(u32 column, u8 byte) const;
    void echo(u8 byte);

    // terminal_output.cpp; under the mutex.
    void put(u8 byte);
    void put_raw(u8 byte);
    void flush();

    // terminal_read.cpp; under the mutex.
    [[nodiscard]] Done take_line(Buffer& to);
    [[nodiscard]] Done take(Buffer& to, u64 end);
    [[nodiscard]] Deadline deadline_of_read(bool first) const;

    // terminal_control.cpp
    [[nodiscard]] Result<u64> set_attributes(u64 argument, bool flushes);
    [[nodiscard]] Result<u64> set_window(u64 argument);
    [[nodiscard]] Result<u64> flush_queues(u64 which);
    [[nodiscard]] Result<u64> control_job(FileContext& context, u32 request, u64 argument);
    [[nodiscard]] Result<u64> set_process_group(const JobIdentity& job, u64 argument);
    [[nodiscard]] Result<u64> take_session(FileContext& context, bool steal);

    Mutex mutex_;
    Waiters readers_, writers_;
    PollList polled_;
    TerminalOutput& output_;
    TerminalEvents* events_;
    TerminalAttributes attributes_{default_attributes()};
    WindowSize window_{24, 80, 0, 0};
    int group_{}, session_{};
    bool hung_up_{}, stopped_{}, literal_next_{};

    // A ring: places count up for ever. read_ <= lines_end_ <= written_ <= read_ + input_size.
    u8 input_[input_size];
    u64 line_ends_[input_size / 64]{}; // a bit for each byte that ends a line
    u64 read_{}, lines_end_{}, written_{};
    u32 column_{}, line_column_{}; // of the output; where the line that is edited began

    char sending_[128];
    std::size_t sending_size_{};
};

// An open terminal; of /dev/console, /dev/tty and the like.
class TerminalFile final : public OpenFile {
  public:
    TerminalFile(Ref<Node> node, u32 flags, Ref<Terminal> terminal)
        : OpenFile{std::move(node), flags}, terminal_{std::move(terminal)} {}
    [[nodiscard]] Result<std::size_t> read(Buffer& to) override { return terminal_->read(to, blocks()); }
    [[nodiscard]] Result<std::size_t> write(Buffer& from, u64) override {
        return terminal_->write(from, blocks());
    }
    [[nodiscard]] u16 poll(PollEntry* entry) override { return terminal_->poll(entry); }
    [[nodiscard]] Result<u64> control(FileContext& context, u32 request, u64 argument) override {
        return terminal_->control(context, request, argument);
    }

  private:
    Ref<Terminal> terminal_;
};

} // namespace chorale::c_os
