#include "fuzz/messages_model.hpp"

#include <algorithm>
#include <utility>

namespace chorale::fuzz {

Sent& Model::sends(unsigned sender, unsigned server, Content content, bool call) {
    Sent sent{};
    sent.server = server;
    sent.content = std::move(content);
    sent.call = call;
    sent_[sender].push_back(std::move(sent));
    return sent_[sender].back();
}

// Each server has a port of its own, so the messages of one sender come in order.
Sent& Model::arrives(unsigned sender, unsigned server) {
    for (Sent& sent : sent_[sender]) {
        if (sent.server != server || sent.arrived || sent.refused) continue;
        sent.arrived = true;
        return sent;
    }
    must(false, "a message arrives once, and only if it was sent");
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
