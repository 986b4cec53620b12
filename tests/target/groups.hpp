// Ports and groups for one case each.
#pragma once

#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {

// A port of this actor, deleted at the end of the case.
class Member {
  public:
    Member() : li_{portCreate(K_MYACTOR, &name_)} {}
    explicit Member(const KnUniqueId& declared) : name_{declared}, li_{portDeclare(K_MYACTOR, &name_)} {}
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() { end(); }

    int end() { return portDelete(K_MYACTOR, li_); }
    [[nodiscard]] int li() const { return li_; }
    [[nodiscard]] const KnUniqueId& name() const { return name_; }
    // The first word of the next message; or the error, if none is there.
    [[nodiscard]] long next() const {
        std::uint64_t word = 0;
        KnMsgDesc message{0, sizeof word, address_of(&word), 0, 0};
        int li = li_;
        const int got = ipcReceive(&message, &li, 0);
        return got < 0 ? got : static_cast<long>(word);
    }

  private:
    KnUniqueId name_{};
    int li_;
};

struct Group {
    KnCap capability{};
    int error{};
    explicit Group(int options = K_DYNAMIC, int stamp = 0)
        : error{grpAllocate(options, &capability, stamp)} {}
    int insert(const KnUniqueId& port) const { return grpPortInsert(&capability, &port); }
    int insert(const Member& member) const { return insert(member.name()); }
    int remove(const Member& member) const { return grpPortRemove(&capability, &member.name()); }
    [[nodiscard]] KnIpcDest in(int mode, const KnUniqueId& other = {}) const {
        KnIpcDest destination{capability.ui, other};
        return ipcTarget(&destination.target, mode) == K_OK ? destination : KnIpcDest{};
    }
};

inline int send(const KnIpcDest& destination, std::uint64_t word) {
    const KnMsgDesc message{0, sizeof word, address_of(&word), 0, 0};
    return ipcSend(&message, K_DEFAULTPORT, &destination);
}

inline KnUniqueId built(unsigned type, unsigned stamp, unsigned site = 1) {
    KnUniqueId ui{};
    return uiBuild(&ui, type, site, stamp) == K_OK ? ui : KnUniqueId{};
}

} // namespace chorale::test
