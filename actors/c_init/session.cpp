#include "c_init/session.hpp"

#include "c_init/text.hpp"
#include "formats/security.hpp"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace chorale::c_init {

namespace {

constexpr std::size_t file_limit = 65536;
constexpr unsigned own_id = 0;

[[nodiscard]] unsigned default_id(const char* variable) {
    const char* const text = getenv(variable);
    unsigned id = 0;
    if (text != nullptr && !parse_number(text, id)) id = 0;
    return id;
}

} // namespace

bool find_user(std::string_view security, std::string_view user, Session& session) {
    const std::optional<formats::SecurityEntry> entry = formats::find_user(security, user);
    if (!entry) return false;
    session.user = user;
    session.trusted = entry->trusted;
    session.credentials.uid = entry->uid ? *entry->uid : default_id("CINIT_DEFAULTUID");
    session.credentials.gid = entry->gid ? *entry->gid : default_id("CINIT_DEFAULTGID");
    session.credentials.groups.assign(entry->groups, entry->groups + entry->group_count);
    return true;
}

Session console_session() {
    Session session;
    session.user = "console";
    session.trusted = true;
    session.credentials.uid = default_id("CINIT_DEFAULTUID");
    session.credentials.gid = default_id("CINIT_DEFAULTGID");
    std::string text;
    if (read_file(security_path, file_limit, text) != 0) return session;
    Session found;
    return find_user(text, session.user, found) ? found : session;
}

// By the system calls: those of the C library would have to reach all threads, with signals.
ActingFor::ActingFor(const Session& session) : changed_{session.credentials.uid != own_id}, done_{true} {
    if (!changed_) return;
    const Credentials& wanted = session.credentials;
    done_ = syscall(SYS_setgroups, wanted.groups.size(), wanted.groups.data()) == 0 &&
            syscall(SYS_setresgid, -1, wanted.gid, -1) == 0 &&
            syscall(SYS_setresuid, -1, wanted.uid, -1) == 0;
}

ActingFor::~ActingFor() {
    if (!changed_) return;
    syscall(SYS_setresuid, -1, own_id, -1);
    syscall(SYS_setresgid, -1, own_id, -1);
    syscall(SYS_setgroups, 0, nullptr);
}

} // namespace chorale::c_init
