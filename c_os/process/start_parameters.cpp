#include "c_os/process/start_parameters.hpp"

#include "c_os/security.hpp"

namespace chorale::c_os {

Result<Credentials> credentials_of(const cx_cred_t& given) {
    if (given.cr_ngroups > CX_NGROUPS) return failed(Error::einval);
    Credentials credentials;
    credentials.uid = credentials.real_uid = credentials.saved_uid = given.cr_uid;
    credentials.gid = credentials.real_gid = credentials.saved_gid = given.cr_gid;
    credentials.group_count = given.cr_ngroups;
    for (unsigned i = 0; i < given.cr_ngroups; ++i) credentials.groups[i] = given.cr_groups[i];
    return credentials;
}

namespace {

// In a secured system being trusted is not enough.
[[nodiscard]] bool may_supervise(Process& caller) {
    return caller.trusted && may_load_supervisor(caller.files);
}

} // namespace

Done StartParameters::read_flags(Process& caller, int flags) {
    constexpr int known = AFX_USER_SPACE | AFX_SUPERVISOR_SPACE | AFX_TRUSTED | AFX_STOPPED;
    const bool user = (flags & AFX_USER_SPACE) != 0, supervisor = (flags & AFX_SUPERVISOR_SPACE) != 0;
    if ((flags & ~known) != 0 || (user && supervisor)) return failed(Error::einval);
    request_.trusted = supervisor || (flags & AFX_TRUSTED) != 0;
    request_.space = user ? ProgramSpace::user : supervisor ? ProgramSpace::supervisor : ProgramSpace::any;
    request_.supervisor = supervisor;
    request_.may_supervise = may_supervise(caller);
    request_.stopped = (flags & AFX_STOPPED) != 0;
    const bool allowed = supervisor ? request_.may_supervise : !request_.trusted || caller.trusted;
    return allowed ? Done{} : failed(Error::eperm);
}

Done StartParameters::read_path(u64 address, Owned<UserPath>& path, std::string_view& view) {
    if (address == 0) return {};
    path.reset(new (std::nothrow) UserPath);
    if (path == nullptr) return failed(Error::enomem);
    if (const Done done = path->read(address, Error::enametoolong); !done) return done;
    view = path->view();
    return {};
}

Done StartParameters::read_credentials(const Process& caller, u64 address) {
    if (address == 0) return {};
    if (!caller.trusted) return failed(Error::eperm);
    const Result<cx_cred_t> given = get_from_user<cx_cred_t>(address);
    if (!given) return failed(given.error());
    const Result<Credentials> credentials = credentials_of(*given);
    if (!credentials) return failed(credentials.error());
    credentials_ = *credentials;
    request_.credentials = &credentials_;
    return {};
}

Done StartParameters::read(Process& caller, u64 address) {
    request_.parent = caller.id;
    request_.files = &caller.files;
    request_.may_supervise = may_supervise(caller);
    if (address == 0) return {};
    const Result<AcParam> given = get_from_user<AcParam>(address);
    if (!given) return failed(given.error());
    if (const Done done = read_flags(caller, given->acFlags); !done) return done;
    char* const texts[] = {given->acStdin, given->acStdout, given->acStderr, given->acCurdir,
                           given->acRootdir};
    std::string_view* const views[] = {&request_.standard[0], &request_.standard[1], &request_.standard[2],
                                       &request_.current, &request_.root};
    for (int i = 0; i < 5; ++i) {
        if (const Done done = read_path(reinterpret_cast<u64>(texts[i]), paths_[i], *views[i]); !done)
            return done;
    }
    return read_credentials(caller, reinterpret_cast<u64>(given->acCred));
}

} // namespace chorale::c_os
