// Groups of ports: one name for several ports (grpAllocate, ipcTarget).
//
// A group's capability is a name and nothing else; a Group exists while a port is in it. Its members stand in
// a list in the order in which they came, each as a Membership, which also stands in the list of its port.
// One lock guards all changes. Who sends looks without it: within one nucleus entry, in which memory that has
// left a list is not used again. grpPortRemove frees a Membership after a tour, and a port's go with its
// memory, before which its deleter has toured the CPUs anyway.
//
// Whose key fits may bring ports in. The key of a dynamic group is worked out from its name with the key that
// was drawn at boot, that of a static group from its stamp alone: it is the same on every site, and what is
// asked besides is privilege.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/core/names.hpp"
#include "kernel/mem/relaxed.hpp"

#include <chorus.h>

#include <atomic>
#include <span>

namespace chorale {

struct Group;
struct Message;
struct Port;
struct Thread;

struct Membership {
    std::atomic<Membership*> next{}; // in the group; of one that has left, where a reader goes on
    Membership* previous{};          // as all that follows: under the lock, or constant
    Membership* next_of_port{};
    Group* group{};
    Port* port{};
    u64 number{};     // never used twice, ascending in each group
    Group* emptied{}; // the group, if this was its last member: freed with it
};

struct Group {
    explicit Group(const KnUniqueId& as) : name{as} {}

    const KnUniqueId name;      // broadcasting
    std::atomic<Group*> next{}; // with the same hash
    std::atomic<Membership*> first{};
    Membership* last{};
    Relaxed<u32> members;
};

// ---- names ---------------------------------------------------------------------------------------

// The kinds of groups, and no others, have the bit of the first of them.
[[nodiscard]] constexpr bool is_group(const KnUniqueId& name) {
    return (name.uiHead >> name_kind_shift & static_cast<u64>(NameKind::group)) != 0;
}
[[nodiscard]] constexpr int mode_of(const KnUniqueId& group) {
    return static_cast<int>(group.uiHead & K_CUI_MODEMASK);
}
[[nodiscard]] constexpr bool is_broadcast(const KnUniqueId& name) {
    return is_group(name) && mode_of(name) == K_BROADMODE;
}

// Errors: invalid (options).
[[nodiscard]] Result<KnCap> name_group(int options, u32 stamp);
// Whether the capability is one that name_group() gave, in whichever mode its name is.
[[nodiscard]] bool names_group(const KnCap& capability);

// The group of that name, in whichever mode, while a port is in it.
[[nodiscard]] Group* find_group(const KnUniqueId& name);

// ---- members -------------------------------------------------------------------------------------

// The port has been looked up in this entry. `own`: its own actor wants it. A member already: ok. Errors:
// no_memory, full; unknown: the port is going.
[[nodiscard]] Status join_group(const KnUniqueId& group, Port& port, bool own);
// Null: it was not a member. Freed by free_membership(), after a tour.
[[nodiscard]] Membership* leave_group(const KnUniqueId& group, Port& port);
void free_membership(Membership& membership);

// A port that is going: out of its groups at once, its memory after the deleter's tours.
void leave_groups(Port& port);
void free_memberships(Port& port);

// The names of the port's groups, if it still has that life; how many there are.
[[nodiscard]] unsigned names_of_groups(const Port& port, u64 life,
                                       std::span<KnUniqueId, K_CPORTGROUPS> names);

// ---- messages ------------------------------------------------------------------------------------

// Whether this site knows what the name names.
[[nodiscard]] bool known_here(const KnUniqueId& name);

// The port that a message to the group goes to: one with a server that waits on this CPU, else one with room
// in its queue; in turn. Errors: unknown (no such group, nobody in it that will do); invalid (broadcast).
[[nodiscard]] Result<Port*> choose_member(const KnIpcDest& destination);

// Copies of the message, which is composed and addressed, to all members; the result is ipcSend's. A step for
// each member, between which better threads have their turn. Members that come meanwhile get none.
[[nodiscard]] long broadcast(Thread& self, Message& message);

[[nodiscard]] u64 last_membership(); // its number

void init_groups();
// For inspection.
[[nodiscard]] unsigned live_groups();
[[nodiscard]] const Group* next_group(const Group* after);

} // namespace chorale
