// The mapper protocol: what the nucleus asks, and what it believes of an answer.
#include "kernel/mapper/protocol.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace chorale {
namespace {

constexpr u64 page = page_size;

struct MapperProtocol : testing::Test {
    SegmentNeed asked{
        0x1234, {{5, 6}, 7}, {8 * page, 2 * page}, {6 * page, 8 * page}, K_READACCESS | K_WRITEACCESS};
    KnMpPullInReply reply{0, K_READACCESS | K_WRITEACCESS, 0, 8 * page, 2 * page, 0, 0, 8 * page, 2 * page};
    std::array<u8, K_CMSGANNEXSIZE> annex{};
    MapperError error;

    Result<PulledIn> read(u64 body) {
        __builtin_memcpy(annex.data(), &reply, sizeof reply);
        return read_pull_in(annex, body, asked, error);
    }
};

TEST_F(MapperProtocol, a_request_says_what_is_needed_and_nothing_else) {
    std::array<u8, K_CMSGANNEXSIZE> dirty;
    dirty.fill(0xee);
    annex = dirty;
    compose_pull_in(annex, asked, 99);
    KnMpPullIn request;
    __builtin_memcpy(&request, annex.data(), sizeof request);
    EXPECT_EQ(request.service, KN_MPPULLIN);
    EXPECT_EQ(request.segkey, 0x1234U);
    EXPECT_EQ(request.lccap.key, 7U);
    EXPECT_EQ(request.dataOffset, 6 * page);
    EXPECT_EQ(request.dataSize, 8 * page);
    EXPECT_EQ(request.requiredDataOffset, 8 * page);
    EXPECT_EQ(request.requiredDataSize, 2 * page);
    EXPECT_EQ(request.requiredAccess, K_READACCESS | K_WRITEACCESS);
    EXPECT_EQ(request.pullInId, 99U);
    for (const u8 byte : annex) EXPECT_NE(byte, 0xee); // no byte of the nucleus's own memory
}

TEST_F(MapperProtocol, the_other_requests) {
    compose_get_access(annex, asked);
    KnMpGetAccess access;
    __builtin_memcpy(&access, annex.data(), sizeof access);
    EXPECT_EQ(access.service, KN_MPGETACCESS);
    EXPECT_EQ(access.requiredAccessOffset, 8 * page);
    compose_push_out(annex, 1, {{2, 3}, 4}, {5 * page, page});
    KnMpPushOut out;
    __builtin_memcpy(&out, annex.data(), sizeof out);
    EXPECT_EQ(out.service, KN_MPPUSHOUT);
    EXPECT_EQ(out.dataOffset, 5 * page);
    EXPECT_EQ(out.dataSize, page);
    compose_release(annex, 1, {{2, 3}, 4});
    KnMpRelease release;
    __builtin_memcpy(&release, annex.data(), sizeof release);
    EXPECT_EQ(release.service, KN_MPRELEASE);
    EXPECT_EQ(release.lccap.ui.uiHead, 2U);
}

TEST_F(MapperProtocol, just_what_was_needed) {
    const auto pulled = read(2 * page);
    ASSERT_TRUE(pulled.ok());
    EXPECT_EQ(pulled.value().data, (Extent{8 * page, 2 * page}));
    EXPECT_EQ(pulled.value().cluster, page);
    EXPECT_FALSE(pulled.value().grant.wants_release);
}

TEST_F(MapperProtocol, all_that_was_allowed) {
    reply.returnDataOffset = reply.returnAccessOffset = 6 * page;
    reply.returnDataSize = reply.returnAccessSize = 8 * page;
    reply.inClusterSize = 5 * page + 1;
    reply.grantedAccess |= K_RELEASE;
    const auto pulled = read(8 * page);
    ASSERT_TRUE(pulled.ok());
    EXPECT_EQ(pulled.value().cluster, 5 * page);
    EXPECT_TRUE(pulled.value().grant.wants_release);
}

TEST_F(MapperProtocol, lies_are_errors) {
    const KnMpPullInReply good = reply;
    const auto refused = [&](u64 body) {
        const bool result = !read(body).ok() && error.code == K_EFAIL;
        reply = good;
        return result;
    };
    EXPECT_TRUE(refused(page)) << "a body shorter than it says";
    EXPECT_TRUE(refused(3 * page)) << "or longer";
    reply.returnDataOffset = 9 * page;
    EXPECT_TRUE(refused(2 * page)) << "not what was needed";
    reply.returnDataOffset = 5 * page;
    reply.returnDataSize = 5 * page;
    EXPECT_TRUE(refused(5 * page)) << "more than was allowed";
    reply.returnDataSize = ~u64{0} - page + 1;
    EXPECT_TRUE(refused(reply.returnDataSize)) << "a sum that overflows";
    reply.returnDataOffset = 8 * page + 1;
    EXPECT_TRUE(refused(2 * page)) << "not a page";
    reply.grantedAccess = K_READACCESS;
    EXPECT_TRUE(refused(2 * page)) << "too few rights";
    reply.returnAccessSize = page;
    EXPECT_TRUE(refused(2 * page)) << "rights for too little";
    reply.diag = 17;
    EXPECT_TRUE(refused(2 * page)) << "a diagnosis that is no error";
    for (const u64 outside : {5 * page, 14 * page, ~u64{0} - page + 1}) {
        reply.returnAccessOffset = outside;
        EXPECT_TRUE(refused(2 * page)) << "rights for something else";
    }
}

// A mapper's wish for more at once: whole pages, at least one, and no more than a message holds.
TEST_F(MapperProtocol, clusters) {
    for (const auto& [wish, cluster] : {std::pair<u64, u64>{0, page},
                                        {page - 1, page},
                                        {3 * page + 5, 3 * page},
                                        {u64{K_CMSGSIZEMAX} + 5 * page, K_CMSGSIZEMAX},
                                        {~u64{0}, K_CMSGSIZEMAX}}) {
        reply.inClusterSize = wish;
        EXPECT_EQ(read(2 * page).value().cluster, cluster) << wish;
    }
}

// The right to write: no more than what was asked for is needed, no less is taken.
TEST_F(MapperProtocol, rights_that_are_granted_later) {
    KnMpGetAccessReply granted{0, K_READACCESS | K_WRITEACCESS | K_RELEASE, 0, 8 * page, 2 * page, 0, 0};
    const auto read_granted = [&] {
        __builtin_memcpy(annex.data(), &granted, sizeof granted);
        return read_get_access(annex, asked, error);
    };
    EXPECT_TRUE(read_granted().value().wants_release);
    EXPECT_EQ(read_granted().value().extent, (Extent{8 * page, 2 * page}));
    EXPECT_NE(read_granted().value().extent, (Extent{8 * page, page}));
    EXPECT_NE(read_granted().value().extent, (Extent{7 * page, 2 * page}));
    granted.grantedAccess = K_WRITEACCESS;
    EXPECT_FALSE(read_granted().ok());
    EXPECT_EQ(error.code, K_EFAIL);
    granted.grantedAccess = K_READACCESS | K_WRITEACCESS;
    granted.returnAccessOffset = 14 * page;
    EXPECT_FALSE(read_granted().ok());
    granted.returnAccessOffset = 5 * page;
    EXPECT_FALSE(read_granted().ok());
    granted.returnAccessOffset = 8 * page + 8;
    EXPECT_FALSE(read_granted().ok());
}

TEST_F(MapperProtocol, its_own_errors_are_passed_on) {
    reply.diag = K_ENOMEM;
    EXPECT_FALSE(read(0).ok());
    EXPECT_EQ(error.code, K_ENOMEM);
    EXPECT_FALSE(read_get_access(annex, asked, error).ok());
    EXPECT_EQ(read_reply(annex, error), Status::invalid);
    EXPECT_EQ(error.code, K_ENOMEM);
    annex.fill(0);
    EXPECT_EQ(read_reply(annex, error), Status::ok);
}

} // namespace
} // namespace chorale
