// On whose behalf commands are run, and what of it is allowed.
//
// The system is secured when there is a readable file /etc/security (formats/security.hpp). The default uid
// and gid are those of the variables CINIT_DEFAULTUID and CINIT_DEFAULTGID, else 0.
//
// Whoever sits at the console is the user `console`; hosts and password are for users who come over a
// network.
#pragma once

#include "c_init/actor_manager.hpp"

#include <string_view>

namespace chorale::c_init {

struct Session {
    std::string user;
    Credentials credentials;
    bool trusted{};
};

inline constexpr const char* security_path = "/etc/security";

// The session of the user at the console of a system whose /etc/security has this text. False: there is no
// line for the user.
[[nodiscard]] bool find_user(std::string_view security, std::string_view user, Session& session);

// The session of the console, as the system is secured now. Without a line for it the console is trusted:
// who can reach it can also switch the machine off.
[[nodiscard]] Session console_session();

// Files are opened for the session's user while this lives, not for this program's own.
class ActingFor {
  public:
    explicit ActingFor(const Session& session);
    ~ActingFor();
    ActingFor(const ActingFor&) = delete;
    ActingFor& operator=(const ActingFor&) = delete;
    // False: it cannot be done, so nothing may be opened.
    [[nodiscard]] explicit operator bool() const { return done_; }

  private:
    bool changed_, done_;
};

} // namespace chorale::c_init
