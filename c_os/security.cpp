#include "c_os/security.hpp"

#include "c_os/file/path.hpp"

namespace chorale::c_os {

bool secured(FileContext& context) {
    constexpr u32 read_by_others = 04;
    const Result<Ref<Node>> node = resolve(context, at_current_directory, security_path);
    return node && (*node)->kind() == NodeKind::regular && ((*node)->attributes().mode & read_by_others) != 0;
}

Done may_load_supervisor(FileContext& context) {
    return context.credentials().root() || !secured(context) ? Done{} : failed(Error::eperm);
}

} // namespace chorale::c_os
