// Groups of ports, and bodies that several messages share.
#include "tests/machine/inspection.hpp"

namespace chorale::test {

namespace {

[[nodiscard]] bool is_member(const Port& port, const Membership* wanted) {
    const Membership* each = port.memberships;
    while (each != nullptr && each != wanted) each = each->next_of_port;
    return each != nullptr;
}

} // namespace

void Inspection::check_group(const Group& group) {
    u32 members = 0;
    u64 number = 0;
    const Membership* previous = nullptr;
    for (const Membership* each = group.first.load(); each != nullptr; each = each->next.load()) {
        ++members;
        expect(each->group == &group && each->previous == previous, 54, "a group has another's member");
        expect(each->number > number && each->number <= last_membership(), 54,
               "members of a group are out of order");
        // Between two steps of a deletion a port is in no table and in no group.
        if (expect(attached_.contains(each->port), 54, "a member of a group is no port"))
            expect(is_member(*each->port, each), 54, name(*each->port), " is in a group and does not know");
        number = each->number;
        previous = each;
    }
    expect(members != 0 && members == group.members, 54, "a group counts ", group.members.load(),
           " members and has ", members);
    expect(group.last == previous, 54, "a group does not know its last member");
    expect(find_group(group.name) == &group, 54, "a group is not found by its name");
    ++groups_;
}

void Inspection::check_groups() {
    for (const Group* group = next_group(nullptr); group != nullptr; group = next_group(group))
        check_group(*group);
    expect(groups_ == live_groups(), 54, live_groups(), " groups are counted and ", groups_, " are found");
    for (const Port* const port : attached_) {
        int groups = 0;
        for (const Membership* each = port->memberships; each != nullptr; each = each->next_of_port) {
            ++groups;
            expect(each->port == port && find_group(each->group->name) == each->group, 54, name(*port),
                   " is in a group that there is not");
        }
        expect(groups <= K_CPORTGROUPS, 54, name(*port), " is in ", groups, " groups");
        memberships_ += static_cast<u64>(groups);
    }
}

} // namespace chorale::test
