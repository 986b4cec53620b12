#include "c_init/session.hpp"

#include "c_init/text.hpp"

#include <algorithm>
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

// False: the field is neither empty nor a number.
[[nodiscard]] bool take_id(std::string_view field, const char* variable, unsigned& id) {
    if (!field.empty()) return parse_number(field, id);
    id = default_id(variable);
    return true;
}

[[nodiscard]] bool take_groups(std::string_view field, std::vector<unsigned>& groups) {
    constexpr std::size_t group_limit = 16;
    while (!field.empty()) {
        unsigned group = 0;
        if (groups.size() == group_limit || !parse_number(take_field(field, ','), group)) return false;
        groups.push_back(group);
    }
    return true;
}

constexpr std::size_t separators = 6;

[[nodiscard]] bool take_user(std::string_view line, std::string_view user, Session& session) {
    if (static_cast<std::size_t>(std::count(line.begin(), line.end(), ':')) != separators) return false;
    if (take_field(line, ':') != user) return false;
    const std::string_view trusted = take_field(line, ':');
    Session found;
    found.trusted = trusted == "TRUSTED";
    if (!found.trusted && !trusted.empty()) return false;
    if (!take_id(take_field(line, ':'), "CINIT_DEFAULTUID", found.credentials.uid)) return false;
    if (!take_id(take_field(line, ':'), "CINIT_DEFAULTGID", found.credentials.gid)) return false;
    if (!take_groups(take_field(line, ':'), found.credentials.groups)) return false;
    session = found;
    return true;
}

} // namespace

bool find_user(std::string_view security, std::string_view user, Session& session) {
    for (const std::string_view name : {user, std::string_view{"*"}}) {
        std::string_view rest = security;
        while (!rest.empty()) {
            const std::string_view line = take_field(rest, '\n');
            if (line.empty() || line.front() == '#' || !take_user(line, name, session)) continue;
            session.user = user;
            return true;
        }
    }
    return false;
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
