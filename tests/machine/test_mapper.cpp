#include "tests/machine/test_mapper.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] int diagnosis(const std::map<u64, int>& refused, u64 offset) {
    const auto found = refused.find(offset);
    return found == refused.end() ? 0 : found->second;
}

} // namespace

Task<long> receive_request(long li) {
    Local<KnMsgDesc> in;
    co_await in.set({0, page_size, mapper_body.raw(), mapper_annex.raw(), 0});
    co_return (co_await attempt(message_receive(static_cast<int>(li), -1, 0, in.at()))).size;
}

Task<MapperRequest> read_request() {
    const int service = co_await load<int>(mapper_annex);
    switch (service) {
    case KN_MPPULLIN:
        co_return MapperRequest{service, (co_await load<KnMpPullIn>(mapper_annex)).requiredDataOffset};
    case KN_MPGETACCESS:
        co_return MapperRequest{service, (co_await load<KnMpGetAccess>(mapper_annex)).requiredAccessOffset};
    case KN_MPPUSHOUT:
        co_return MapperRequest{service, (co_await load<KnMpPushOut>(mapper_annex)).dataOffset};
    default:
        co_return MapperRequest{service, 0};
    }
}

Task<void> answer_request(MapperRequest request, MapperAnswer answer) {
    if (request.service == KN_MPPULLIN) {
        KnMpPullInReply reply{};
        reply.diag = answer.diagnosis;
        reply.grantedAccess = answer.rights;
        reply.returnAccessOffset = reply.returnDataOffset = request.offset;
        reply.returnAccessSize = reply.returnDataSize = page_size;
        co_await store(mapper_annex, reply);
    } else if (request.service == KN_MPGETACCESS) {
        KnMpGetAccessReply reply{};
        reply.diag = answer.diagnosis;
        reply.grantedAccess = answer.rights;
        reply.returnAccessOffset = request.offset;
        reply.returnAccessSize = page_size;
        co_await store(mapper_annex, reply);
    } else {
        co_await store(mapper_annex, KnMpReply{answer.diagnosis});
    }
    Local<KnMsgDesc> out;
    co_await out.set({0, answer.size, mapper_body.raw(), answer.annexed ? mapper_annex.raw() : 0, 0});
    static_cast<void>(co_await attempt(Call::ipcReply, out.at()));
}

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
    const MapperRequest request = co_await read_request();
    const u64 offset = request.offset;
    MapperAnswer answer{.annexed = !talks_nonsense};
    switch (request.service) {
    case KN_MPPULLIN:
        ++pulls;
        answer.diagnosis = diagnosis(refuses, offset);
        answer.rights = grants;
        answer.size = page_size;
        co_await store(mapper_body, page_at(offset));
        break;
    case KN_MPGETACCESS:
        ++accesses;
        answer.diagnosis = diagnosis(refuses_access, offset);
        answer.rights = grants_later;
        break;
    case KN_MPPUSHOUT:
        ++pushes;
        page_at(offset) = co_await load<Page>(mapper_body);
        answer.diagnosis = diagnosis(refuses_push, offset);
        break;
    default:
        ++releases;
    }
    co_await answer_request(request, answer);
}

Task<void> Mapper::serve(long li) {
    while (co_await receive_request(li) >= 0) {
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

Task<long> with_part(Call call, KnObjDesc part, u64 a, u64 b, u64 c) {
    Local<KnObjDesc> segment;
    co_await segment.set(part);
    co_return co_await attempt(call, segment.at(), a, b, c);
}

Task<SegmentSetting> segment_setting() {
    SegmentSetting made;
    EXPECT_TRUE(co_await made.mapper->start(made.stage));
    made.actor = co_await made.stage->actor(true, K_SYSTEMACTOR);
    made.other = co_await made.stage->actor(true);
    co_return made;
}

Task<std::shared_ptr<long>> begin_work(StagePointer stage, KnCap actor, Work work, unsigned stack,
                                       long* thread) {
    const auto result = std::make_shared<long>(unfinished);
    const Program program = [=](u64) -> Task<void> { *result = co_await work(); };
    const long made = co_await stage->serve(actor, program, {stack % 4, 100, stack});
    if (thread != nullptr) *thread = made;
    co_return result;
}

Task<long> within(const SegmentSetting& here, Work work) {
    const auto result = co_await begin_work(here.stage, here.actor, std::move(work), 42);
    for (unsigned waited = 0; waited < 100 && *result == unfinished; ++waited)
        co_await rest(50 * microsecond);
    co_return *result;
}

} // namespace chorale::test
