// Replies of mappers: whatever the annex says and however long the body is, what is taken from it lies within
// what was asked for, covers what was needed and is backed by the body; and every error is one.
#include "kernel/mapper/protocol.hpp"

#include "fuzz/target.hpp"

namespace chorale::fuzz {
namespace {

[[nodiscard]] SegmentNeed read_need(Input& input) {
    SegmentNeed asked;
    const u64 base = input.number(3) * page_size;
    const u64 before = input.below(4), pages = 1 + input.below(16), after = input.below(4);
    asked.allowed = {base, (before + pages + after) * page_size};
    asked.need = {base + before * page_size, pages * page_size};
    asked.access = input.below(2) == 0 ? K_READACCESS : K_READACCESS | K_WRITEACCESS;
    return asked;
}

// Near what was asked, or anything at all.
[[nodiscard]] u64 read_word(Input& input, u64 near) {
    switch (input.below(4)) {
    case 0:
        return near;
    case 1:
        return near + (input.number(2) - 0x8000) * page_size;
    case 2:
        return near + input.number(2) - 0x8000;
    default:
        return input.number(8);
    }
}

void check_range(Extent got, const SegmentNeed& asked) {
    must(got.offset % page_size == 0 && got.size % page_size == 0, "whole pages");
    must(got.end() > got.offset, "not around the end of the numbers");
    must(asked.allowed.covers(got), "no more than was allowed");
    must(got.covers(asked.need), "no less than was needed");
}

void check_grant(const Grant& grant, const SegmentNeed& asked) {
    check_range(grant.extent, asked);
    must((asked.access & ~grant.access) == 0, "the rights that were needed");
    must((grant.access & ~(K_READACCESS | K_WRITEACCESS)) == 0, "rights and nothing else");
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale;
using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const SegmentNeed asked = read_need(input);
    KnMpPullInReply reply{};
    reply.diag = static_cast<int>(input.below(4) == 0 ? input.number(4) : 0);
    reply.grantedAccess = static_cast<VmFlags>(input.byte());
    reply.returnAccessOffset = read_word(input, asked.need.offset);
    reply.returnAccessSize = read_word(input, asked.need.size);
    reply.inClusterSize = read_word(input, page_size);
    reply.returnDataOffset = read_word(input, asked.need.offset);
    reply.returnDataSize = read_word(input, asked.need.size);
    const u64 body = read_word(input, reply.returnDataSize);
    u8 annex[K_CMSGANNEXSIZE]{};
    __builtin_memcpy(annex, &reply, sizeof reply);

    MapperError error;
    if (const auto pulled = read_pull_in(annex, body, asked, error); pulled.ok()) {
        check_grant(pulled.value().grant, asked);
        check_range(pulled.value().data, asked);
        must(pulled.value().data.size == body, "the body is the data");
        must(pulled.value().cluster >= page_size && pulled.value().cluster <= K_CMSGSIZEMAX,
             "a size to ask for");
    } else {
        must(error.code < 0 && error.code == static_cast<int>(error.code), "an error that a call may return");
        must(reply.diag == 0 || error.code == (reply.diag < 0 ? reply.diag : K_EFAIL), "the mapper's own");
    }
    KnMpGetAccessReply access{};
    __builtin_memcpy(&access, annex, sizeof access);
    if (const auto grant = read_get_access(annex, asked, error); grant.ok()) {
        check_grant(grant.value(), asked);
    } else {
        must(error.code < 0, "an error");
    }
    must((read_reply(annex, error) == Status::ok) == (reply.diag == 0), "diag decides");
    return 0;
}
