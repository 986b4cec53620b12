#include "c_os/file/credentials.hpp"

#include "c_os/file/attributes.hpp"

namespace chorale::c_os {

bool Credentials::in_group(u32 group) const {
    if (group == gid) return true;
    for (u32 i = 0; i < group_count; ++i)
        if (groups[i] == group) return true;
    return false;
}

Credentials Credentials::with_real_ids() const {
    Credentials real = *this;
    real.uid = real_uid;
    real.gid = real_gid;
    return real;
}

Done permitted(const Attributes& attributes, const Credentials& caller, unsigned access) {
    if (caller.root()) {
        const bool executes = (access & access_execute) != 0 && attributes.kind != NodeKind::directory;
        if (executes && (attributes.mode & mode_any_execute) == 0) return failed(Error::eacces);
        return {};
    }
    unsigned bits = attributes.mode;
    if (caller.uid == attributes.uid)
        bits >>= 6;
    else if (caller.in_group(attributes.gid))
        bits >>= 3;
    if ((access & ~bits) != 0) return failed(Error::eacces);
    return {};
}

Done removal_permitted(const Attributes& directory, const Attributes& node, const Credentials& caller) {
    if ((directory.mode & mode_sticky) == 0 || caller.root() || caller.uid == node.uid ||
        caller.uid == directory.uid)
        return {};
    return failed(Error::eperm);
}

} // namespace chorale::c_os
