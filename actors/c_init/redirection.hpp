// The files of a command, in place of those of the console while it runs.
#pragma once

#include "c_init/command_line.hpp"
#include "c_init/session.hpp"

namespace chorale::c_init {

// While one lives that succeeded, this program's files 0, 1 and 2, which actors inherit, are the redirected
// ones. Afterwards they are what they were, whatever happened.
class Redirected {
  public:
    Redirected() = default;
    ~Redirected() { end(); }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;

    // Returns what went wrong; empty: nothing.
    [[nodiscard]] std::string begin(const std::vector<Redirection>& redirections, const Session& session);
    void end();

  private:
    [[nodiscard]] std::string redirect(const Redirection& redirection, const Session& session);

    int kept_[3]{-1, -1, -1};
};

} // namespace chorale::c_init
