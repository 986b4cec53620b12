#include "kernel/mapper/protocol.hpp"

#include <type_traits>

namespace chorale {

namespace {

constexpr VmFlags accesses = K_READACCESS | K_WRITEACCESS;
constexpr u64 largest_cluster = K_CMSGSIZEMAX;

template <class T>
void store(Annex annex, const T& request) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= K_CMSGANNEXSIZE);
    __builtin_memset(annex.data(), 0, annex.size());
    __builtin_memcpy(annex.data(), &request, sizeof request);
}

template <class T>
[[nodiscard]] T load(ConstAnnex annex) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= K_CMSGANNEXSIZE);
    T reply;
    __builtin_memcpy(&reply, annex.data(), sizeof reply);
    return reply;
}

// A request without stray bytes in its padding: the annex goes to another actor.
template <class T>
[[nodiscard]] T blank(int service) {
    T request;
    __builtin_memset(&request, 0, sizeof request);
    request.service = service;
    return request;
}

[[nodiscard]] bool page_aligned(Extent extent) {
    return ((extent.offset | extent.size) & (page_size - 1)) == 0;
}

// No sum of hostile numbers overflows: size is looked at before it is added.
[[nodiscard]] bool sensible(Extent got, const SegmentNeed& asked) {
    if (!page_aligned(got) || got.offset < asked.allowed.offset || got.offset >= asked.allowed.end())
        return false;
    return got.size <= asked.allowed.end() - got.offset && got.covers(asked.need);
}

[[nodiscard]] bool failed(int diag, MapperError& error) {
    error.code = diag < 0 ? diag : K_EFAIL; // a positive diagnosis is none
    return diag != 0;
}

// The rights that a reply grants, as both kinds of reply tell them.
template <class Reply>
[[nodiscard]] Result<Grant> grant_of(const Reply& reply, const SegmentNeed& asked, MapperError& error) {
    if (failed(reply.diag, error)) return Status::invalid;
    const Grant grant{{reply.returnAccessOffset, reply.returnAccessSize},
                      reply.grantedAccess & accesses,
                      (reply.grantedAccess & K_RELEASE) != 0};
    if (!sensible(grant.extent, asked) || (asked.access & ~grant.access) != 0) return Status::invalid;
    return grant;
}

} // namespace

void compose_pull_in(Annex annex, const SegmentNeed& need, u64 id) {
    auto request = blank<KnMpPullIn>(KN_MPPULLIN);
    request.segkey = need.segment;
    request.lccap = need.cache;
    request.accessOffset = request.dataOffset = need.allowed.offset;
    request.accessSize = request.dataSize = need.allowed.size;
    request.requiredAccess = need.access;
    request.requiredAccessOffset = request.requiredDataOffset = need.need.offset;
    request.requiredAccessSize = request.requiredDataSize = need.need.size;
    request.pullInId = id;
    store(annex, request);
}

void compose_get_access(Annex annex, const SegmentNeed& need) {
    auto request = blank<KnMpGetAccess>(KN_MPGETACCESS);
    request.segkey = need.segment;
    request.lccap = need.cache;
    request.accessOffset = need.allowed.offset;
    request.accessSize = need.allowed.size;
    request.requiredAccess = need.access;
    request.requiredAccessOffset = need.need.offset;
    request.requiredAccessSize = need.need.size;
    store(annex, request);
}

void compose_push_out(Annex annex, KnKey segment, const KnCap& cache, Extent data) {
    auto request = blank<KnMpPushOut>(KN_MPPUSHOUT);
    request.segkey = segment;
    request.lccap = cache;
    request.dataOffset = data.offset;
    request.dataSize = data.size;
    store(annex, request);
}

void compose_release(Annex annex, KnKey segment, const KnCap& cache) {
    auto request = blank<KnMpRelease>(KN_MPRELEASE);
    request.segkey = segment;
    request.lccap = cache;
    store(annex, request);
}

Result<PulledIn> read_pull_in(ConstAnnex annex, u64 body_size, const SegmentNeed& asked, MapperError& error) {
    const auto reply = load<KnMpPullInReply>(annex);
    const Result<Grant> grant = grant_of(reply, asked, error);
    if (!grant.ok()) return grant.status();
    const Extent data{reply.returnDataOffset, reply.returnDataSize};
    if (!sensible(data, asked) || body_size != data.size) return Status::invalid;
    const u64 wish = reply.inClusterSize & ~u64{page_size - 1};
    const u64 cluster = wish < page_size ? page_size : wish > largest_cluster ? largest_cluster : wish;
    return PulledIn{grant.value(), data, cluster};
}

Result<Grant> read_get_access(ConstAnnex annex, const SegmentNeed& asked, MapperError& error) {
    return grant_of(load<KnMpGetAccessReply>(annex), asked, error);
}

Status read_reply(ConstAnnex annex, MapperError& error) {
    return failed(load<KnMpReply>(annex).diag, error) ? Status::invalid : Status::ok;
}

} // namespace chorale
