// Suite names: unique identifiers, and ports with static names.
#include "check.hpp"
#include "groups.hpp"

namespace chorale::test {
namespace {

void names_are_built(Report& report) {
    KnUniqueId ui{1, 1}, same{};
    constexpr unsigned types[] = {K_UIPORT, K_UIPORT_STATPORT, K_UIGROUP_DYN, K_UIGROUP_STATUSER,
                                  K_UIGROUP_STATSYS};
    for (const unsigned type : types) {
        REQUIRE_EQ(uiBuild(&ui, type, 7, K_CUI_STAMPMAX), K_OK);
        CHECK(uiValid(&ui));
        CHECK_EQ(uiBuild(&same, type, 7, K_CUI_STAMPMAX), K_OK);
        CHECK(uiEqual(&ui, &same));
        CHECK_EQ(uiBuild(&same, type, 7, K_CUI_STAMPMAX - 1), K_OK);
        CHECK(!uiEqual(&ui, &same));
        CHECK_EQ(uiBuild(&ui, type, 7, K_CUI_STAMPMAX + 1), K_EINVAL);
    }
    for (const unsigned bad : {0u, 1u, 2u, 3u, 7u, 11u, 16u, ~0u})
        CHECK_EQ(uiBuild(&ui, bad, 1, 1), K_EINVAL);
    CHECK_EQ(uiSite(&ui, -2), K_OK);
    CHECK_EQ(uiGetSite(&ui), -2);
    CHECK_EQ(uiBuild(&same, K_UISITE, 0xfffffffe, 0), K_OK);
    CHECK(uiEqual(&ui, &same));
    uiClear(&ui);
    CHECK(!uiValid(&ui));
}

void what_a_site_knows(Report& report) {
    int site = 0;
    REQUIRE_EQ(uiLocalSite(&site), K_OK);
    KnUniqueId ui{};
    REQUIRE_EQ(uiSite(&ui, site), K_OK);
    CHECK_EQ(uiIsLocal(&ui), 1);
    REQUIRE_EQ(uiSite(&ui, site + 1), K_OK);
    CHECK_EQ(uiIsLocal(&ui), 0);
    KnCap self{};
    REQUIRE_EQ(actorSelf(&self), K_OK);
    CHECK_EQ(uiGetSite(&self.ui), site);
    CHECK_EQ(uiIsLocal(&self.ui), 1);
    ++self.ui.uiTail;
    CHECK_EQ(uiIsLocal(&self.ui), 0);
    uiClear(&ui);
    CHECK_EQ(uiIsLocal(&ui), 0);
    const Group group;
    Member port;
    CHECK_EQ(uiIsLocal(&port.name()), 1);
    CHECK_EQ(uiIsLocal(&group.capability.ui), 0);
    REQUIRE_EQ(group.insert(port), K_OK);
    CHECK_EQ(uiIsLocal(&group.capability.ui), 1);
    CHECK_EQ(port.end(), K_OK);
    CHECK_EQ(uiIsLocal(&port.name()), 0);
    CHECK_EQ(uiIsLocal(&group.capability.ui), 0);
}

// ---- static names --------------------------------------------------------------------------------

void declared_ports(Report& report) {
    const KnUniqueId name = built(K_UIPORT_STATPORT, 0x5501);
    for (unsigned round = 0; round < 3; ++round) {
        Member port{name};
        REQUIRE(port.li() > 0);
        CHECK_EQ(portLi(&name), port.li());
        CHECK_EQ(portDeclare(K_MYACTOR, &name), K_EBUSY);
        CHECK_EQ(send({name, {}}, 40 + round), K_OK);
        CHECK_EQ(port.next(), 40 + round);
        CHECK_EQ(send({name, {}}, 1), K_OK); // goes with the port
        CHECK_EQ(port.end(), K_OK);
        CHECK_EQ(send({name, {}}, 1), K_EUNKNOWN);
    }
    Member elsewhere{built(K_UIPORT, 1, 99)}; // its site is a hint
    CHECK(elsewhere.li() > 0);
}

void names_that_cannot_be_declared(Report& report) {
    Member port;
    KnUniqueId wrong[] = {port.name(),
                          {},
                          built(K_UISITE, 0),
                          built(K_UIGROUP_STATUSER, 1),
                          built(K_UIPORT_STATPORT, 1, 2), // of another site
                          built(K_UIPORT, 1),
                          built(K_UIPORT, 1),
                          built(K_UIPORT, 1)};
    wrong[5].uiHead ^= std::uint64_t{1} << K_CUI_BUCKETSHIFT;
    wrong[6].uiHead |= 1;
    wrong[7].uiTail = K_CUI_STAMPMAX + std::uint64_t{1};
    for (const KnUniqueId& each : wrong) CHECK_EQ(portDeclare(K_MYACTOR, &each), K_EINVAL);
}

// Stamps of one bucket: the first port has it, the others are found all the same.
void stamps_that_collide(Report& report) {
    constexpr unsigned count = 34; // one in the table, 32 displaced
    KnUniqueId names[count];
    int lis[count];
    for (unsigned i = 0; i < count; ++i) {
        names[i] = built(K_UIPORT, (i << 12 | i) ^ 0x77);
        lis[i] = portDeclare(K_MYACTOR, &names[i]);
        CHECK(i == count - 1 ? lis[i] == K_EFULL : lis[i] > 0);
    }
    for (unsigned i = 0; i + 1 < count; ++i) {
        CHECK_EQ(portLi(&names[i]), lis[i]);
        CHECK_EQ(send({names[i], {}}, i), K_OK);
    }
    for (unsigned i = 0; i + 1 < count; i += 2) CHECK_EQ(portDelete(K_MYACTOR, lis[i]), K_OK);
    for (unsigned i = 0; i + 1 < count; ++i) CHECK_EQ(portLi(&names[i]), i % 2 == 0 ? K_EUNKNOWN : lis[i]);
    for (unsigned i = 1; i + 1 < count; i += 2) CHECK_EQ(portDelete(K_MYACTOR, lis[i]), K_OK);
}

constexpr Case cases[] = {
    {"names_are_built", names_are_built},
    {"what_a_site_knows", what_a_site_knows},
    {"declared_ports", declared_ports},
    {"names_that_cannot_be_declared", names_that_cannot_be_declared},
    {"stamps_that_collide", stamps_that_collide},
};

} // namespace

const Suite names_suite{"names", cases};

} // namespace chorale::test
