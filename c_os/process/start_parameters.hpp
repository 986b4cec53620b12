// AcParam (am/afexec.h) in C_OS's memory: what it says is checked, its strings are copied.
#pragma once

#include "c_os/base/owned.hpp"
#include "c_os/base/user_memory.hpp"
#include "c_os/process/starting.hpp"

#include <am/afexec.h>

namespace chorale::c_os {

// Errors: einval (too many groups).
[[nodiscard]] Result<Credentials> credentials_of(const cx_cred_t& given);

class StartParameters {
  public:
    // From the calling process's memory; 0: like the caller. Errors: efault, einval (flags), eperm (trust or
    // credentials not allowed), enametoolong, enomem.
    [[nodiscard]] Done read(Process& caller, u64 address);
    // Points into this.
    [[nodiscard]] const StartRequest& request() const { return request_; }

  private:
    [[nodiscard]] Done read_flags(Process& caller, int flags);
    [[nodiscard]] Done read_path(u64 address, Owned<UserPath>& path, std::string_view& view);
    [[nodiscard]] Done read_credentials(const Process& caller, u64 address);

    StartRequest request_;
    Owned<UserPath> paths_[5];
    Credentials credentials_;
};

} // namespace chorale::c_os
