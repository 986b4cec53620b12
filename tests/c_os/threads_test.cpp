// Calls of several threads at once.
#include "process.hpp"

#include "c_os/file/path.hpp"

#include <functional>
#include <thread>
#include <vector>

namespace chorale::c_os::test {
namespace {

struct Threads : FilesTest {
    Process p{root};

    static void run(std::vector<std::function<void()>> bodies) {
        std::vector<std::jthread> threads;
        for (auto& body : bodies) threads.emplace_back(std::move(body));
    }
};

// An abort that has ended a wait, while a waker has not seen that yet: the abort is told, and the next waiter
// gets what the first one was woken for.
TEST_F(Threads, AnAbortIsNotLostToAWakeUp) {
    Mutex mutex;
    Waiters waiters;
    Abort abort;
    std::atomic<int> waiting{};
    const auto wait = [&](Abort* own) {
        set_abort(own);
        const Lock lock{mutex};
        ++waiting; // seen by who has the mutex: it waits
        return waiters.wait(mutex);
    };
    const auto wait_for_waiters = [&](int count) {
        for (bool there = false; !there;) {
            const Lock lock{mutex};
            there = waiting == count;
        }
    };
    Woken first{}, second{};
    std::jthread aborted{[&] { first = wait(&abort); }};
    wait_for_waiters(1);
    std::jthread other{[&] { second = wait(nullptr); }};
    wait_for_waiters(2);
    {
        const Lock lock{mutex};
        abort_wait(abort);
        while (abort.asked != 0) std::this_thread::yield(); // its semaphore has told it; the mutex is missing
        waiters.wake_one();
    }
    aborted.join();
    other.join();
    EXPECT_EQ(first, Woken::aborted);
    EXPECT_EQ(second, Woken::yes);
    EXPECT_TRUE(waiters.empty());
}

// One closes and opens again what the others use.
TEST_F(Threads, DescriptorsAreClosedWhileInUse) {
    p.put("/tmp/a", "aaaa");
    p.put("/tmp/b", "bbbb");
    constexpr int rounds = 4000;
    const long first = p("open", "/tmp/a", open_read_only);
    ASSERT_EQ(first, 0);
    std::atomic<bool> over{};
    const auto reader = [&] {
        while (!over) {
            char bytes[4];
            const Result<FileUse> file = p.context.files.use_to_read(0);
            if (!file) continue;
            Buffer to = Buffer::of_memory(bytes, sizeof bytes);
            const Result<std::size_t> count = (*file)->read_at(0, to);
            ASSERT_TRUE(count && *count == 4);
            ASSERT_TRUE(bytes[0] == bytes[3] && (bytes[0] == 'a' || bytes[0] == 'b'));
        }
    };
    run({reader, reader, [&] {
             Process q{root};
             const Ref<OpenFile> files[2] = {*open_file(q.context, at_current_directory, "/tmp/a", 0),
                                             *open_file(q.context, at_current_directory, "/tmp/b", 0)};
             for (int i = 0; i < rounds; ++i) {
                 // Also the same file at the same place again.
                 ASSERT_TRUE(p.context.files.put(0, files[i % 3 == 0], false));
                 if (i % 2 == 0) ASSERT_TRUE(p.context.files.close(0));
                 if (i % 4 == 0)
                     ASSERT_TRUE(p.context.files.add(*open_file(q.context, at_current_directory, "/tmp/b", 0),
                                                     false));
             }
             over = true;
         }});
    p.context.files.close_range(0, 100);
    EXPECT_EQ(p("unlink", "/tmp/a"), 0);
    EXPECT_EQ(p("unlink", "/tmp/b"), 0);
    EXPECT_EQ(living_pages(), 0U);
}

// Who appends, and who reads on, by one open file: nothing twice, nothing lost.
TEST_F(Threads, AnOffsetIsShared) {
    const long file = p("open", "/tmp/a", open_create | open_read_write, 0644);
    ASSERT_EQ(file, 0);
    constexpr int each = 500;
    const auto writer = [&] {
        for (int i = 0; i < each; ++i) {
            const Result<FileUse> use = p.context.files.use_to_write(0);
            const u32 number = static_cast<u32>(i);
            Buffer from = Buffer::of_memory(&number, sizeof number);
            ASSERT_TRUE((*use)->write(from, ~u64{0}));
        }
    };
    run({writer, writer, writer});
    EXPECT_EQ(p("lseek", file, 0, 1), 3 * each * 4);
    ASSERT_EQ(p("lseek", file, 0, 0), 0);
    std::atomic<u64> sum{}, count{};
    const auto reader = [&] {
        for (;;) {
            u32 number = 0;
            const Result<FileUse> use = p.context.files.use_to_read(0);
            Buffer to = Buffer::of_memory(&number, sizeof number);
            if (*(*use)->read(to) != sizeof number) return;
            sum += number;
            ++count;
        }
    };
    run({reader, reader, reader});
    EXPECT_EQ(count, 3U * each);
    EXPECT_EQ(sum, 3U * each * (each - 1) / 2);
}

// Directories are moved into and out of one another, made and removed, names looked up and listed: it ends.
TEST_F(Threads, RenamesCannotDeadlock) {
    for (const char* path : {"/tmp/a", "/tmp/b", "/tmp/a/c", "/tmp/a/c/d"})
        ASSERT_EQ(p("mkdir", path, 0755), 0);
    const auto mover = [&](unsigned seed) {
        return [this, seed] {
            Process q{root};
            static constexpr const char* paths[] = {"/tmp/a",     "/tmp/b",   "/tmp/a/c",   "/tmp/a/c/d",
                                                    "/tmp/b/a",   "/tmp/b/c", "/tmp/b/c/d", "/tmp/c",
                                                    "/tmp/c/d/b", "/tmp/d"};
            unsigned random = seed;
            const auto any = [&] {
                random = random * 1103515245 + 12345;
                return paths[random / 65536 % std::size(paths)];
            };
            for (int i = 0; i < 1500; ++i) {
                const char* const from = any();
                switch (i % 5) {
                case 0:
                    q("mkdir", from, 0755);
                    break;
                case 1:
                    q("rmdir", from);
                    break;
                case 2:
                    EXPECT_NE(q.listing(from), "error 22");
                    break;
                default:
                    q("renameat2", at_current_directory, from, at_current_directory, any(),
                      i % 3 == 0 ? rename_exchange : 0);
                }
            }
        };
    };
    run({mover(1), mover(2), mover(3), mover(4)});
}

TEST_F(Threads, PipesCarryEverything) {
    const UserPiece pair = p.piece(8);
    ASSERT_EQ(p("pipe2", pair, 0), 0);
    constexpr u32 count = 20000;
    std::atomic<u64> sum{};
    const auto writer = [&] {
        for (u32 i = 0; i < count; ++i) {
            const Result<FileUse> use = p.context.files.use_to_write(1);
            Buffer from = Buffer::of_memory(&i, sizeof i);
            ASSERT_EQ(*(*use)->write(from, ~u64{0}), sizeof i);
        }
    };
    run({writer, writer, [&] {
             for (u32 i = 0; i < 2 * count; ++i) {
                 u32 number = 0;
                 const Result<FileUse> use = p.context.files.use_to_read(0);
                 Buffer to = Buffer::of_memory(&number, sizeof number);
                 ASSERT_EQ(*(*use)->read(to), sizeof number);
                 sum += number;
             }
         }});
    EXPECT_EQ(sum, u64{count} * (count - 1));
}

} // namespace
} // namespace chorale::c_os::test
