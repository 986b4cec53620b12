// Message spaces: where each message is, who waits, whose the memory is.
#include "kernel/mipc/opening.hpp"
#include "tests/machine/inspection.hpp"

#include <array>

namespace chorale::test {

namespace {

using Is = MessageState::Is;

[[nodiscard]] bool empty(const MessageQueue& queue) {
    for (const MessageList& level : queue.levels) {
        if (!level.empty()) return false;
    }
    return true;
}

} // namespace

void Inspection::check_message_space(const MessageSpace& space, u64 openers) {
    const Place where{"message space", nullptr, space.name()};
    std::vector<unsigned> places(space.message_count());
    const auto links = space.links();
    const auto state_of = [&](u32 message) { return space.record(message).state.load(); };
    for (u32 i = 0; i < space.pool_count(); ++i) {
        const MessagePool& pool = space.pool(i);
        u32 count = 0;
        pool.free.for_each(links, [&](u32 message) {
            ++count;
            ++places[message];
            expect(message - pool.first < pool.number, 70, where, ": a message is in another pool");
            expect(state_of(message).is() == Is::free, 70, where, ": a message of somebody's is in its pool");
        });
        expect(count == pool.free.count(), 70, where, ": pool ", i, " counts ", pool.free.count(),
               " free messages and has ", count);
    }
    for (u32 i = 0; i < space.queue_count(); ++i) {
        const MessageQueue& queue = space.queue(i);
        u32 length = 0;
        for (u32 level = 0; level < queue.levels.size(); ++level) {
            const MessageList& list = queue.levels[level];
            const u32 last = list.for_each(links, [&](u32 message, u32 before) {
                ++length;
                ++places[message];
                expect(space.record(message).link.previous.load() == before, 70, where,
                       ": a message does not know what is before it");
                expect(state_of(message) == MessageState::queued(i, level), 70, where,
                       ": a message is in another queue than it knows");
            });
            expect(last == list.last(), 70, where, ": a queue has another last message");
            expect(list.empty() || (queue.word.load() >> level & 1) != 0, 70, where, ": level ", level,
                   " of queue ", i, " has messages and is not marked");
        }
        expect(length == queue.length(), 70, where, ": queue ", i, " counts ", queue.length(),
               " messages and has ", length);
    }
    for (u32 message = 0; message < places.size(); ++message) {
        const bool held = state_of(message).is() == Is::held;
        expect(places[message] == (held ? 0 : 1), 70, where, ": message ", message, " is in ",
               places[message], " places");
        expect(!held || (openers >> state_of(message).holder() & 1) != 0, 70, where, ": message ", message,
               " is held by nobody");
    }
}

// What it waits for is not there, and whoever brings it will know.
void Inspection::check_message_waiter(const Thread& thread,
                                      const std::map<const MessageSpace*, u64>& spaces) {
    const u64 key = thread.sync.waiter.key.load();
    if (thread.doing() != Doing::blocked || thread.sync.waiter.wanted != Wanted::message || key == 0) return;
    bool found = false;
    for (const auto& [space, openers] : spaces) {
        for (u32 i = 0; i < space->pool_count(); ++i) {
            const MessagePool& pool = space->pool(i);
            if (key != MessageSpace::key_of(pool)) continue;
            found = true;
            expect(pool.free.somebody_waits() && pool.free.count() == 0, 71, name(thread),
                   " waits for a pool that does not know, or is not empty");
        }
        for (u32 i = 0; i < space->queue_count(); ++i) {
            const MessageQueue& queue = space->queue(i);
            const bool any = key == space->key();
            if (key != MessageSpace::key_of(queue) && !any) continue;
            found = true;
            const u64 mark = any ? MessageQueue::any : MessageQueue::waited;
            expect((queue.word.load() & mark) != 0 && empty(queue), 71, name(thread),
                   " waits for a queue that does not know, or is not empty");
        }
    }
    expect(found, 71, name(thread), " waits for a message of no space");
}

void Inspection::check_message_spaces() {
    std::map<const MessageSpace*, u64> spaces;
    for (const Actor* const actor : actors_) {
        for (const Opening& opening : actor->message_spaces.openings) {
            if (opening.state == Opening::State::unused) continue;
            u64& openers = spaces[opening.target];
            const u64 slot = u64{1} << opening.slot;
            expect((openers & slot) == 0, 72, name(*actor), " has a message space in somebody else's place");
            openers |= slot;
            const MessageSpace* const space = opening.space.load();
            expect(space == nullptr || space == opening.target, 72, name(*actor),
                   " has another message space");
        }
    }
    for (const auto& [space, openers] : spaces) {
        expect((space->openers & ~openers) == 0, 72, "message space ", space->name(), " is open to nobody");
        for (u32 i = 0; i < space->frame_count(); ++i)
            share(space->frame(i), 0, false, {"message space", nullptr, space->name()});
        space->for_each_page([&](PhysAddr page) { own(page, 0, {"message space", nullptr, space->name()}); });
        if (space->built() && space->openers != 0) check_message_space(*space, openers);
    }
    expect(spaces.size() == live_message_spaces(), 72, live_message_spaces(), " message spaces exist and ",
           spaces.size(), " are known");
    for (const Thread* const thread : threads_) check_message_waiter(*thread, spaces);
}

} // namespace chorale::test
