#include "fuzz/messages_model.hpp"

#include <algorithm>
#include <utility>

namespace chorale::fuzz {

namespace {

// What a message of that content may do with the memory that the descriptor tells of.
struct Expected {
    bool stored{}; // it does not fit the registers
    bool fault{};
    long size{};
    Bytes area; // in_area, afterwards
};

[[nodiscard]] bool fits_words(const Content& content) {
    return content.body.size() <= 64 && !content.has_annex;
}

void copy_to_area(Bytes& area, u64 at, const Bytes& bytes, std::size_t size) {
    if (size != 0)
        std::copy_n(bytes.begin(), size, area.begin() + static_cast<std::ptrdiff_t>(at - in_area.raw()));
}

// `words`: a message in registers goes there rather than to the descriptor's memory.
[[nodiscard]] Expected expect(const Content& content, const KnMsgDesc* room, bool words) {
    Expected made;
    made.size = static_cast<long>(content.body.size());
    made.area.assign(area_size, untouched);
    if (words && fits_words(content)) return made;
    if (room == nullptr) {
        made.size = std::min(made.size, 64L);
        return made;
    }
    made.stored = true;
    if (content.has_annex && room->annexAddr != 0) {
        made.fault = !reachable(room->annexAddr, K_CMSGANNEXSIZE);
        if (made.fault) return made;
        copy_to_area(made.area, room->annexAddr, content.annex, K_CMSGANNEXSIZE);
    }
    const std::size_t size = std::min<std::size_t>(content.body.size(), room->bodySize);
    if (room->bodyAddr == 0) return made;
    // Of no bytes of a long body even the address does not matter.
    made.fault = (size != 0 || content.body.size() <= 64) && !reachable(room->bodyAddr, size);
    if (!made.fault) copy_to_area(made.area, room->bodyAddr, content.body, size);
    return made;
}

} // namespace

const char* difference(const Content& content, const KnMsgDesc* room, bool words,
                       const host::MessageResult& result, const Bytes& area) {
    const Expected expected = expect(content, room, words);
    if (expected.fault) return result.size == K_EFAULT ? nullptr : "memory that is not there is a fault";
    if (result.bytes() != expected.size) return "the size is as it was sent";
    if (words && result.stored() != expected.stored) return "where the body is, is told";
    if (!expected.stored) {
        const std::size_t size = std::min<std::size_t>(content.body.size(), 64);
        const auto* const got = reinterpret_cast<const u8*>(result.words.word);
        if (!std::equal(got, got + size, content.body.begin())) return "the words are as they were sent";
    }
    return area == expected.area ? nullptr : "memory is as it was sent, and no more is written";
}

Sent& Model::sends(unsigned sender, unsigned server, Content content, bool call) {
    Sent sent{};
    sent.server = server;
    sent.content = std::move(content);
    sent.call = call;
    sent_[sender].push_back(std::move(sent));
    return sent_[sender].back();
}

// Each server has a port of its own, so that the messages of one sender come in order, if any do.
Sent& Model::arrives(unsigned sender, unsigned server, const Compare& compare) {
    const char* wrong = "a message arrives once, and only if it was sent";
    for (Sent& sent : sent_[sender]) {
        if (sent.server != server || sent.arrived || sent.refused) continue;
        wrong = compare(sent);
        sent.arrived = wrong == nullptr;
        if (sent.arrived) return sent;
        if (ordered_) break;
    }
    must(false, wrong);
    std::abort();
}

bool Model::under_way(unsigned sender) const {
    return std::any_of(sent_[sender].begin(), sent_[sender].end(),
                       [](const Sent& sent) { return !sent.refused && !sent.arrived; });
}

unsigned Model::left_waiting() const {
    unsigned count = 0;
    for (const auto& all : sent_) {
        if (all.empty()) continue;
        const Sent& last = all.back();
        if (last.arrived && last.call && !last.returned && last.reply.error == K_EFAIL) ++count;
    }
    return count;
}

void Model::check_all_arrived() const {
    for (const auto& all : sent_) {
        for (const Sent& sent : all) must(!sent.accepted || sent.arrived, "what was accepted arrives");
    }
}

} // namespace chorale::fuzz
