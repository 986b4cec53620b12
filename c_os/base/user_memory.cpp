#include "c_os/base/user_memory.hpp"

namespace chorale::c_os {

Done copy_inside(void* to, const void* from, std::size_t size) {
    if (!serves_supervisor_actor() || svCopyInside(from, to, static_cast<int>(size)) != K_OK)
        return failed(Error::efault);
    return {};
}

int copy_string_in(char* to, u64 from, std::size_t limit) {
    const int length = svCopyInString(from, to, static_cast<int>(limit));
    if (length != K_EFAULT || !serves_supervisor_actor()) return length;
    for (std::size_t i = 0; i < limit; ++i) {
        if (svCopyInside(reinterpret_cast<const char*>(from) + i, to + i, 1) != K_OK) return K_EFAULT;
        if (to[i] == '\0') return static_cast<int>(i + 1);
    }
    return K_ENOMEM;
}

} // namespace chorale::c_os
