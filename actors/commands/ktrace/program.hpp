// The command that ktrace runs: an actor made from a file, as arun makes it.
#pragma once

#include <am/afexec.h>

#include <pthread.h>
#include <span>
#include <string>

namespace chorale::ktrace {

class Program {
  public:
    // Not started yet, but its end is waited for. `trusted`: a SYSTEM actor. Ends ktrace when there is no
    // such program: status 126, 127.
    Program(std::span<char* const> words, bool trusted);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void start();
    // It has not been started and never will be.
    void drop();
    // Can be read (poll) when the program has ended.
    [[nodiscard]] int end_descriptor() const { return pipe_[0]; }
    // Waits for the end. Returns as shells tell it: the exit status, or 128 + the event that ended it.
    [[nodiscard]] int wait();
    // How it ended, for people; empty: it called exit.
    [[nodiscard]] std::string event() const;
    [[nodiscard]] int aid() const { return aid_; }

  private:
    static void* await_end(void* self);

    KnCap capability_{};
    int aid_{}, status_{};
    int pipe_[2]{-1, -1};
    pthread_t thread_{};
};

} // namespace chorale::ktrace
