// The other end of the message tests: server threads with a port each, in this actor or in a child.
#pragma once

#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {

// What a peer does with a request.
enum class PeerKind : unsigned {
    echo, // replies with every byte of body (and annex) changed by echo_byte()
    size, // replies with as many bytes as the first word of the request says, pattern_byte() each
    info, // replies with what ipcSysInfo says
};

[[nodiscard]] inline unsigned char echo_byte(unsigned char byte) {
    return static_cast<unsigned char>(byte + 1);
}
[[nodiscard]] inline unsigned char pattern_byte(unsigned index) {
    return static_cast<unsigned char>(index * 37 + (index >> 8) * 11 + 5);
}

inline constexpr unsigned body_limit = K_CMSGSIZEMAX;

// Creates the port, publishes it as "test.<kind>" and serves until the thread is deleted.
void serve_as_peer(std::uintptr_t kind);

// A child actor with one peer of each kind.
class Peers {
  public:
    // All on that CPU. K_OK or an error.
    int start(KnCpuId cpu = 0, unsigned priority = inherit_priority);
    [[nodiscard]] const KnIpcDest& destination(PeerKind kind) const {
        return destinations_[static_cast<unsigned>(kind)];
    }
    [[nodiscard]] Child& child() { return child_; }

  private:
    static constexpr unsigned kinds = 3;

    Child child_;
    KnIpcDest destinations_[kinds]{};
};

} // namespace chorale::test
