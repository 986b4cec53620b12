#include "kernel/ipc/group.hpp"

#include "kernel/base/spin_lock.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/mem/slab.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr unsigned chain_limit = 32; // groups of one hash: a bound of what one entry does
constexpr unsigned hash_bits = 9, hashes = 1u << hash_bits;

constinit Cache<Group> groups{"groups"};
constinit Cache<Membership> memberships{"memberships"};

std::atomic<Group*> chains[hashes];
u64 scatter; // unpredictable: nobody can choose stamps that all have one hash
Relaxed<u64> last_number;

struct Counts {
    unsigned groups{};
};
Guarded<Rank::groups, Counts> registry;

[[nodiscard]] constexpr KnUniqueId without_mode(const KnUniqueId& name) {
    return {name.uiHead & ~u64{K_CUI_MODEMASK}, name.uiTail};
}

[[nodiscard]] unsigned hash_of(const KnUniqueId& name) {
    return static_cast<unsigned>(name.uiTail * scatter >> (64 - hash_bits));
}

// pairs with the releases in enter() and take_out(): what is read of a group or a member is read through the
// pointer
template <class T>
[[nodiscard]] T* follow(const std::atomic<T*>& link) {
    return link.load(machine::order_of_dependent_loads);
}

// ---- under the lock ------------------------------------------------------------------------------

void append(Group& group, Membership& member) {
    member.group = &group;
    member.previous = group.last;
    // release: who finds the member sees what it is; pairs with follow()
    (group.last != nullptr ? group.last->next : group.first).store(&member, std::memory_order_release);
    group.last = &member;
    group.members.store(group.members + 1);
}

// The group with its first member, in the table.
[[nodiscard]] Status publish(Counts& counts, Group& group, Membership& member) {
    std::atomic<Group*>& chain = chains[hash_of(group.name)];
    unsigned length = 0;
    for (const Group* each = follow(chain); each != nullptr; each = follow(each->next)) ++length;
    if (length == chain_limit) return Status::full;
    append(group, member);
    // relaxed: under the lock
    group.next.store(chain.load(std::memory_order_relaxed), std::memory_order_relaxed);
    chain.store(&group, std::memory_order_release); // as in append()
    ++counts.groups;
    return Status::ok;
}

// `fresh` and `member` become null when they are used.
[[nodiscard]] Status enter(Counts& counts, Port& port, bool own, Group*& fresh, Membership*& member) {
    const KnUniqueId& name = fresh->name;
    if (life_of(port) == 0) return Status::unknown; // leave_groups() has been, or waits for the lock
    int count = 0;
    for (const Membership* each = port.memberships; each != nullptr; each = each->next_of_port, ++count)
        if (uiEqual(&each->group->name, &name) != 0) return Status::ok;
    if (count >= (own ? K_CPORTGROUPS : K_CPORTGROUPS / 2)) return Status::full;
    member->port = &port;
    member->number = last_number + 1;
    member->next_of_port = port.memberships;
    if (Group* const group = find_group(name)) {
        if (group->members == K_CGROUPPORTS) return Status::full;
        append(*group, *member);
    } else {
        if (const Status status = publish(counts, *fresh, *member); status != Status::ok) return status;
        fresh = nullptr;
    }
    last_number.count();
    port.memberships = member;
    member = nullptr;
    return Status::ok;
}

// Out of the group, and the group out of the table when it was the last. What it points at stays as it is:
// readers go on from there.
void take_out(Counts& counts, Membership& member) {
    Group& group = *member.group;
    Membership* const after = member.next.load(std::memory_order_relaxed); // relaxed: under the lock
    // release, here and below: who goes on to the next one here sees what it is; pairs with follow()
    (member.previous != nullptr ? member.previous->next : group.first)
        .store(after, std::memory_order_release);
    (after != nullptr ? after->previous : group.last) = member.previous;
    group.members.store(group.members - 1);
    if (group.members != 0) return;
    std::atomic<Group*>* place = &chains[hash_of(group.name)];
    while (follow(*place) != &group) place = &follow(*place)->next;
    place->store(follow(group.next), std::memory_order_release); // as above
    member.emptied = &group;
    --counts.groups;
}

} // namespace

Group* find_group(const KnUniqueId& name) {
    const KnUniqueId wanted = without_mode(name);
    Group* group = follow(chains[hash_of(wanted)]);
    while (group != nullptr && uiEqual(&group->name, &wanted) == 0) group = follow(group->next);
    return group;
}

// ---- names ---------------------------------------------------------------------------------------

Result<KnCap> name_group(int options, u32 stamp) {
    if (options == K_DYNAMIC) {
        const KnUniqueId name = make_name(NameKind::group, 0);
        return KnCap{name, key_of(name)};
    }
    if (options != K_STATUSER && options != K_STATSYS) return Status::invalid;
    const NameKind kind = options == K_STATUSER ? NameKind::user_group : NameKind::system_group;
    return KnCap{{static_cast<u64>(kind) << name_kind_shift, stamp}, stamp};
}

bool names_group(const KnCap& capability) {
    if (!is_group(capability.ui)) return false;
    const KnUniqueId name = without_mode(capability.ui);
    if (kind_of(name) == NameKind::group) return capability.key == key_of(name);
    const int options = kind_of(name) == NameKind::user_group ? K_STATUSER : K_STATSYS;
    const Result<KnCap> right = name_group(options, static_cast<u32>(name.uiTail));
    return uiEqual(&right.value().ui, &name) != 0 && right.value().key == capability.key;
}

bool known_here(const KnUniqueId& name) {
    if (find_port(name) != nullptr) return true;
    if (is_group(name)) return find_group(name) != nullptr;
    KnUniqueId site;
    static_cast<void>(uiBuild(&site, K_UISITE, local_site, 0));
    if (uiEqual(&name, &site) != 0) return true;
    return kind_of(name) == NameKind::actor && find_actor({name, 0}).status() != Status::unknown;
}

// ---- members -------------------------------------------------------------------------------------

Status join_group(const KnUniqueId& name, Port& port, bool own) {
    const Result<Membership*> made = memberships.make();
    if (!made.ok()) return made.status();
    // Also where there is one: nothing is allocated under the lock.
    const Result<Group*> founded = groups.make(without_mode(name));
    Membership* member = made.value();
    Group* fresh = founded.ok() ? founded.value() : nullptr;
    Status status = founded.status();
    if (founded.ok())
        status = registry.with([&](Counts& counts) { return enter(counts, port, own, fresh, member); });
    if (member != nullptr) memberships.destroy(member);
    if (fresh != nullptr) groups.destroy(fresh);
    return status;
}

Membership* leave_group(const KnUniqueId& name, Port& port) {
    const KnUniqueId group = without_mode(name);
    return registry.with([&](Counts& counts) -> Membership* {
        if (life_of(port) == 0) return nullptr; // its deleter has them all
        Membership** place = &port.memberships;
        while (*place != nullptr && uiEqual(&(*place)->group->name, &group) == 0)
            place = &(*place)->next_of_port;
        Membership* const member = *place;
        if (member == nullptr) return nullptr;
        *place = member->next_of_port;
        take_out(counts, *member);
        return member;
    });
}

void free_membership(Membership& member) {
    if (member.emptied != nullptr) groups.destroy(member.emptied);
    memberships.destroy(&member);
}

void leave_groups(Port& port) {
    registry.with([&](Counts& counts) {
        for (Membership* each = port.memberships; each != nullptr; each = each->next_of_port)
            take_out(counts, *each);
    });
}

// That life has not ended when this entry sees it, so neither the port's memory nor its memberships are used
// again before the entry is over.
unsigned names_of_groups(const Port& port, u64 life, std::span<KnUniqueId, K_CPORTGROUPS> names) {
    return registry.with([&](Counts&) {
        unsigned count = 0;
        if (life == 0 || life_of(port) != life) return count;
        for (const Membership* each = port.memberships; each != nullptr && count < names.size();
             each = each->next_of_port)
            names[count++] = each->group->name;
        return count;
    });
}

void free_memberships(Port& port) {
    while (Membership* const member = port.memberships) {
        port.memberships = member->next_of_port;
        free_membership(*member);
    }
}

// --------------------------------------------------------------------------------------------------

void init_groups() { scatter = make_key() | 1; }

u64 last_membership() { return last_number; }

unsigned live_groups() {
    return registry.with([](Counts& counts) { return counts.groups; });
}

const Group* next_group(const Group* after) {
    unsigned chain = 0;
    if (after != nullptr) {
        if (const Group* const next = follow(after->next)) return next;
        chain = hash_of(after->name) + 1;
    }
    for (; chain < hashes; ++chain)
        if (const Group* const first = follow(chains[chain])) return first;
    return nullptr;
}

} // namespace chorale
