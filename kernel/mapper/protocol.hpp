// What a mapper may answer (<mem/chMapper.h>). A mapper is an actor like any other: it may lie about offsets
// and sizes, send a body of another length or none, or an annex of noise. Whatever gets past this file is
// true of the reply: ranges are page-aligned, lie within what was allowed, cover what was required, and the
// body is as long as the data it claims to be.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>
#include <mem/chMapper.h>

#include <span>

namespace chorale {

// A range of a segment.
struct Extent {
    u64 offset{};
    u64 size{};

    [[nodiscard]] constexpr u64 end() const { return offset + size; }
    [[nodiscard]] constexpr bool covers(Extent other) const {
        return offset <= other.offset && other.end() <= end();
    }
    friend constexpr bool operator==(Extent, Extent) = default;
};

// What the nucleus asks for: `need` at least, `allowed` at most; both page-aligned, need inside allowed.
struct SegmentNeed {
    KnKey segment{};
    KnCap cache{};
    Extent need, allowed;
    VmFlags access{}; // K_READACCESS, K_WRITEACCESS
};

struct Grant {
    Extent extent;
    VmFlags access{};
    bool wants_release{};
};

struct PulledIn {
    Grant grant;
    Extent data;
    u64 cluster{}; // how much to ask for next time: at least a page
};

using Annex = std::span<u8, K_CMSGANNEXSIZE>;
using ConstAnnex = std::span<const u8, K_CMSGANNEXSIZE>;

void compose_pull_in(Annex annex, const SegmentNeed& need, u64 id);
void compose_get_access(Annex annex, const SegmentNeed& need);
void compose_push_out(Annex annex, KnKey segment, const KnCap& cache, Extent data);
void compose_release(Annex annex, KnKey segment, const KnCap& cache);

// A reply as an error that reaches whoever touched the memory: negative and an int, whatever the mapper
// wrote.
struct MapperError {
    long code{};
};

// The mapper's answer to a request for `asked`; `body_size`: of the reply. `error` is set when the result is
// not ok: the mapper's own diagnosis, or K_EFAIL when the reply makes no sense.
[[nodiscard]] Result<PulledIn> read_pull_in(ConstAnnex annex, u64 body_size, const SegmentNeed& asked,
                                            MapperError& error);
[[nodiscard]] Result<Grant> read_get_access(ConstAnnex annex, const SegmentNeed& asked, MapperError& error);
[[nodiscard]] Status read_reply(ConstAnnex annex, MapperError& error);

} // namespace chorale
