// What the threads of the load have in common: buffers, bodies, calls.
#include "tests/free/people.hpp"

#include "arch/host/user.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

Task<Buffer> allocate_buffer(uword pages) {
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.size = pages * page_size;
    wanted.options = K_WRITABLE | K_NODEMAND | K_ANYWHERE;
    co_await region.set(wanted);
    if (co_await call(Call::rgnAllocate, 0, region.at()) != K_OK) co_return Buffer{};
    const KnRgnDesc made = co_await region.get();
    co_return Buffer{VirtAddr{made.startAddr}, pages * page_size};
}

Task<long> free_buffer(Buffer buffer) {
    Local<KnRgnDesc> region;
    KnRgnDesc wanted{};
    wanted.startAddr = buffer.at.raw();
    wanted.size = buffer.size;
    co_await region.set(wanted);
    co_return co_await call(Call::rgnFree, 0, region.at());
}

Task<void> fill(Buffer buffer, uword size, u64 key) {
    co_await store(buffer.at, key);
    co_await store(buffer.at + (size - sizeof key), ~key);
}

Task<bool> holds(Buffer buffer, uword size, u64 key) {
    const u64 first = co_await load<u64>(buffer.at);
    const u64 last = co_await load<u64>(buffer.at + (size - sizeof key));
    co_return first == key&& last == ~key;
}

Task<void> call_with_body(Town& town, Random& random, Buffer buffer, uword size, int delay) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    const u64 key = random.next();
    co_await fill(buffer, size, key);
    const unsigned flags = random.one_in(2) ? K_ABORTABLE : 0;
    co_await request.set({0, static_cast<unsigned>(size), buffer.at.raw(), 0, 0});
    co_await reply.set({flags, static_cast<unsigned>(buffer.size), buffer.at.raw(), 0, 0});
    co_await destination.set({town.port(random), {}});
    const long result =
        co_await call(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(), reply.at(), delay);
    if (result < 0) {
        EXPECT_TRUE(town.error(result)) << result;
        co_return;
    }
    EXPECT_EQ(result, static_cast<long>(size));
    EXPECT_TRUE(co_await holds(buffer, size, key + 1));
    town.count(Event::big_calls);
}

} // namespace chorale::test
