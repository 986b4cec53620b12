#include "c_os/random.hpp"

#include <ipc/chIpc.h>

#include <cstring>

namespace chorale::c_os {

// The nucleus gives names that cannot be foretold: 64 bits of a keyed generator for each new port.
void random_bytes(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        KnUniqueId name{};
        const int port = portCreate(K_MYACTOR, &name);
        if (port >= 0) portDelete(K_MYACTOR, port);
        const std::size_t count = bytes.size() < sizeof name.uiTail ? bytes.size() : sizeof name.uiTail;
        std::memcpy(bytes.data(), &name.uiTail, count);
        bytes = bytes.subspan(count);
    }
}

} // namespace chorale::c_os
