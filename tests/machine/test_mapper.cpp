#include "tests/machine/test_mapper.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr body = room, annex = room + 2 * page_size;

[[nodiscard]] int diagnosis(const std::map<u64, int>& refused, u64 offset) {
    const auto found = refused.find(offset);
    return found == refused.end() ? 0 : found->second;
}

} // namespace

Task<bool> Mapper::start(StagePointer stage) {
    actor_ = co_await stage->actor(true);
    const long li = co_await Stage::port(actor_, port_);
    if (li < 0) co_return false;
    const auto self = shared_from_this();
    co_return co_await stage->serve(actor_, [self, li](u64) { return self->serve(li); },
                                    {.cpu = 1, .stack = 1}) > 0;
}

Mapper::Page& Mapper::page_at(u64 offset) {
    const auto [place, fresh] = pages_.try_emplace(offset);
    if (fresh)
        for (u64 i = 0; i < place->second.size(); ++i) place->second[i] = original(offset + i * sizeof(u64));
    return place->second;
}

u64 Mapper::word(u64 offset) const {
    const auto found = pages_.find(offset / page_size * page_size);
    return found == pages_.end() ? original(offset) : found->second[offset % page_size / sizeof(u64)];
}

Task<void> Mapper::answer() {
    const int service = co_await load<int>(annex);
    u32 size = 0;
    if (service == KN_MPPULLIN) {
        const u64 offset = (co_await load<KnMpPullIn>(annex)).requiredDataOffset;
        ++pulls;
        KnMpPullInReply reply{};
        reply.diag = diagnosis(refuses, offset);
        reply.grantedAccess = grants;
        reply.returnAccessOffset = reply.returnDataOffset = offset;
        reply.returnAccessSize = reply.returnDataSize = size = page_size;
        co_await store(body, page_at(offset));
        co_await store(annex, reply);
    } else if (service == KN_MPGETACCESS) {
        const u64 offset = (co_await load<KnMpGetAccess>(annex)).requiredAccessOffset;
        ++accesses;
        KnMpGetAccessReply reply{};
        reply.diag = diagnosis(refuses_access, offset);
        reply.grantedAccess = grants_later;
        reply.returnAccessOffset = offset;
        reply.returnAccessSize = page_size;
        co_await store(annex, reply);
    } else if (service == KN_MPPUSHOUT) {
        const u64 offset = (co_await load<KnMpPushOut>(annex)).dataOffset;
        ++pushes;
        page_at(offset) = co_await load<Page>(body);
        co_await store(annex, KnMpReply{diagnosis(refuses_push, offset)});
    } else {
        ++releases;
        co_await store(annex, KnMpReply{0});
    }
    Local<KnMsgDesc> out;
    co_await out.set({0, size, body.raw(), talks_nonsense ? 0 : annex.raw(), 0});
    static_cast<void>(co_await attempt(Call::ipcReply, out.at()));
}

Task<void> Mapper::serve(long li) {
    Local<KnMsgDesc> in;
    for (;;) {
        co_await in.set({0, page_size, body.raw(), annex.raw(), 0});
        if ((co_await attempt(message_receive(static_cast<int>(li), -1, 0, in.at()))).size < 0) co_return;
        while (holds) co_await rest(10 * microsecond);
        co_await answer();
    }
}

Task<long> show(Call call, KnCap actor, KnRgnDesc wanted, KnObjDesc part) {
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnObjDesc> segment;
    co_await owner.set(actor);
    co_await region.set(wanted);
    co_await segment.set(part);
    const long result = co_await attempt(call, owner.at(), region.at(), segment.at());
    if (result != K_OK) co_return result;
    co_return static_cast<long>((co_await region.get()).startAddr);
}

} // namespace chorale::test
