// A mapper for tests: it keeps the pages of its segments, and does what the test orders. What it has in
// common with others: how requests are read and answered; and what tests do with segments.
#pragma once

#include "tests/machine/stage.hpp"

#include <mem/chMapper.h>

#include <array>
#include <functional>
#include <map>
#include <set>

namespace chorale::test {

// ---- the protocol, for a thread whose actor has `room` ---------------------------------------------------

inline constexpr VirtAddr mapper_body = room, mapper_annex = room + 2 * page_size;

struct MapperRequest {
    int service;
    u64 offset;
};
// The next one at that port: its annex and body are there then. What the call returns.
[[nodiscard]] host::Task<long> receive_request(long li);
[[nodiscard]] host::Task<MapperRequest> read_request();

// The ranges of a reply are those of the request.
struct MapperAnswer {
    int diagnosis{};
    VmFlags rights{}; // when they were asked for
    u32 size{};       // of the body
    bool annexed{true};
};
[[nodiscard]] host::Task<void> answer_request(MapperRequest request, MapperAnswer answer);

// ---- one of them -----------------------------------------------------------------------------------------

class Mapper : public std::enable_shared_from_this<Mapper> {
  public:
    static constexpr KnKey key = 77;
    using Page = std::array<u64, page_size / sizeof(u64)>;
    // The word at a multiple of its size that nobody has written.
    [[nodiscard]] static constexpr u64 original(u64 offset) { return 0x5e6'0000'0000 + offset; }

    // In an actor of its own, on CPU 1. False: it could not be made.
    [[nodiscard]] host::Task<bool> start(StagePointer stage);
    [[nodiscard]] KnObjDesc part(u64 offset, u64 size) const { return {{port_, key}, offset, size}; }
    [[nodiscard]] KnCap segment() const { return {port_, key}; }
    [[nodiscard]] KnCap actor() const { return actor_; }
    // As it is here, which is what the nucleus has pushed out.
    [[nodiscard]] u64 word(u64 offset) const;
    [[nodiscard]] Page& page_at(u64 offset); // what will be pulled in

    // Orders.
    bool holds{};                                       // answers nothing until this is taken back
    VmFlags grants{K_READACCESS | K_WRITEACCESS};       // with each page
    VmFlags grants_later{K_READACCESS | K_WRITEACCESS}; // when it is asked for more
    std::map<u64, int> refuses;                         // pages, and the diagnosis
    std::map<u64, int> refuses_access, refuses_push;
    bool talks_nonsense{}; // annexes are left out
    // What it was asked.
    unsigned pulls{}, pushes{}, accesses{}, releases{};

  private:
    [[nodiscard]] host::Task<void> serve(long li);
    [[nodiscard]] host::Task<void> answer();
    KnCap actor_{};
    KnUniqueId port_{};
    std::map<u64, Page> pages_;
};

// ---- segments --------------------------------------------------------------------------------------------

// A region of the actor that shows part of the segment; where, or an error.
[[nodiscard]] host::Task<long> show(host::Call call, KnCap actor, KnRgnDesc wanted, KnObjDesc part);
[[nodiscard]] host::Task<long> with_part(host::Call call, KnObjDesc part, u64 a, u64 b = 0, u64 c = 0);

// A mapper, and two actors with `room`: the first is a system actor.
struct SegmentSetting {
    StagePointer stage = std::make_shared<Stage>();
    std::shared_ptr<Mapper> mapper = std::make_shared<Mapper>();
    KnCap actor{}, other{};
};
[[nodiscard]] host::Task<SegmentSetting> segment_setting();

using Work = std::function<host::Task<long>()>;
inline constexpr long unfinished = -1000;
// A thread of that actor does it; its result appears.
[[nodiscard]] host::Task<std::shared_ptr<long>> begin_work(StagePointer stage, KnCap actor, Work work,
                                                      unsigned stack, long* thread = nullptr);
// By the setting's first actor; its result, or `unfinished`.
[[nodiscard]] host::Task<long> within(const SegmentSetting& here, Work work);

} // namespace chorale::test
