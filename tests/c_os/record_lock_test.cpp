// Locks of parts of files: fcntl(), F_GETLK, F_SETLK, F_SETLKW.
#include "process.hpp"

#include <thread>

namespace chorale::c_os::test {
namespace {

constexpr int get_lock = 5, set_lock = 6, set_lock_waiting = 7;
constexpr std::int16_t read_lock = 0, write_lock = 1, unlock = 2;

struct Record {
    std::int16_t kind, whence;
    std::int64_t start, size;
    int process;
};

struct Records : FilesTest {
    Process p{root}, q{root};

    void SetUp() override {
        p.put("/tmp/a", std::string(100, 'a'));
        EXPECT_EQ(p("open", "/tmp/a", open_read_write), 0);
        EXPECT_EQ(q("open", "/tmp/a", open_read_write), 0);
        p.context.set_job({11, 11, 11});
        q.context.set_job({12, 12, 12});
    }
    long set(Process& process, std::int16_t kind, std::int64_t start, std::int64_t size,
             int command = set_lock, std::int16_t whence = 0) {
        return process("fcntl", 0, command, process.piece_of(Record{kind, whence, start, size, 0}));
    }
    Record get(Process& process, std::int16_t kind, std::int64_t start, std::int64_t size) {
        const UserPiece record = process.piece_of(Record{kind, 0, start, size, 0});
        EXPECT_EQ(process("fcntl", 0, get_lock, record), 0);
        return record.value<Record>();
    }
    // Whether another process could have the byte for itself.
    bool free(std::int64_t at) { return get(q, write_lock, at, 1).kind == unlock; }
    std::string picture(int bytes) {
        std::string text;
        for (int i = 0; i < bytes; ++i) text += free(i) ? '.' : 'x';
        return text;
    }
};

TEST_F(Records, KeepOthersOff) {
    EXPECT_EQ(set(p, write_lock, 10, 10), 0);
    EXPECT_EQ(set(q, write_lock, 19, 1), -EAGAIN);
    EXPECT_EQ(set(q, read_lock, 0, 11), -EAGAIN);
    EXPECT_EQ(set(q, write_lock, 0, 10), 0);
    EXPECT_EQ(set(q, write_lock, 20, 0), 0);
    EXPECT_EQ(set(p, read_lock, 10, 10), 0); // another kind
    EXPECT_EQ(set(q, read_lock, 10, 10), 0);
    EXPECT_EQ(set(p, write_lock, 10, 1), -EAGAIN);
    const Record found = get(p, write_lock, 0, 0);
    EXPECT_EQ(found.kind, write_lock);
    EXPECT_EQ(found.start, 0);
    EXPECT_EQ(found.size, 10);
    EXPECT_EQ(found.process, 12);
    EXPECT_EQ(get(p, read_lock, 30, 1).size, 0); // to the end, wherever that is
    EXPECT_EQ(get(p, read_lock, 10, 10).kind, unlock);
}

TEST_F(Records, AreCutAndReplaced) {
    EXPECT_EQ(set(p, write_lock, 2, 8), 0);
    EXPECT_EQ(picture(12), "..xxxxxxxx..");
    EXPECT_EQ(set(p, unlock, 4, 2), 0);
    EXPECT_EQ(picture(12), "..xx..xxxx..");
    EXPECT_EQ(set(p, unlock, 0, 3), 0);
    EXPECT_EQ(set(p, unlock, 9, 100), 0);
    EXPECT_EQ(picture(12), "...x..xxx...");
    EXPECT_EQ(set(p, write_lock, -90, 1, set_lock, 2), 0); // from the end
    EXPECT_EQ(set(p, write_lock, 1, -1), 0);               // before the place
    EXPECT_EQ(picture(12), "x..x..xxx.x.");
    EXPECT_EQ(p("lseek", 0, 5, 0), 5);
    EXPECT_EQ(set(p, write_lock, 0, 1, set_lock, 1), 0);
    EXPECT_EQ(picture(12), "x..x.xxxx.x.");
    EXPECT_EQ(set(p, unlock, 0, 0), 0);
    EXPECT_EQ(picture(12), "............");
}

TEST_F(Records, GoWithTheFirstDescriptor) {
    EXPECT_EQ(set(p, write_lock, 0, 0), 0);
    EXPECT_EQ(p("open", "/tmp/a", open_read_only), 1);
    EXPECT_FALSE(free(0));
    EXPECT_EQ(p("close", 1), 0);
    EXPECT_TRUE(free(0));
    EXPECT_EQ(set(p, write_lock, 0, 0), 0);
    EXPECT_EQ(p("dup2", 0, 1), 1);
    EXPECT_EQ(p("open", "/tmp/b", open_create | open_read_write, 0600), 2);
    EXPECT_EQ(p("close", 2), 0); // another file
    EXPECT_FALSE(free(0));
    EXPECT_EQ(p("open", "/tmp/b", open_read_only), 2);
    EXPECT_EQ(p("dup2", 2, 1), 1);
    EXPECT_TRUE(free(0));
}

TEST_F(Records, Errors) {
    EXPECT_EQ(set(p, 3, 0, 0), -EINVAL);
    EXPECT_EQ(set(p, -1, 0, 0), -EINVAL);
    EXPECT_EQ(set(p, write_lock, 0, 0, set_lock, 3), -EINVAL);
    EXPECT_EQ(set(p, write_lock, -1, 0), -EINVAL);
    EXPECT_EQ(set(p, write_lock, 5, -6), -EINVAL);
    EXPECT_EQ(set(p, unlock, 0, 0, get_lock), -EINVAL);
    EXPECT_EQ(set(p, write_lock, std::numeric_limits<std::int64_t>::max(), 2), -EOVERFLOW);
    EXPECT_EQ(p("fcntl", 0, set_lock, u64{1}), -EFAULT);
    EXPECT_EQ(p("open", "/tmp/a", open_read_only), 1);
    const UserPiece record = p.piece_of(Record{write_lock, 0, 0, 0, 0});
    EXPECT_EQ(p("fcntl", 1, set_lock, record), -EBADF);
    fail_allocation_after(1);
    EXPECT_EQ(set(p, read_lock, 0, 0), -ENOMEM);
    fail_allocation_after(0);
}

TEST_F(Records, AreLimitedForEach) {
    constexpr int limit = 1024;
    for (int i = 0; i < limit - 1; ++i) EXPECT_EQ(set(p, write_lock, 10 * i, 3), 0);
    EXPECT_EQ(set(p, unlock, 1, 1), 0); // makes two of one
    EXPECT_EQ(set(p, unlock, 11, 1), -ENOLCK);
    EXPECT_EQ(set(p, write_lock, 5, 1), -ENOLCK);
    EXPECT_EQ(set(p, read_lock, 10, 3), 0); // in the place of another
    EXPECT_EQ(set(q, write_lock, 5, 1), 0);
    EXPECT_EQ(set(p, unlock, 10, 3), 0);
    EXPECT_EQ(set(p, unlock, 0, 1), 0);
    EXPECT_EQ(set(p, write_lock, 6, 1), 0);
}

TEST_F(Records, WaitUntilTheyCanBeHad) {
    EXPECT_EQ(set(p, write_lock, 0, 10), 0);
    std::jthread other{[&] { EXPECT_EQ(set(q, write_lock, 5, 10, set_lock_waiting), 0); }};
    EXPECT_EQ(set(p, unlock, 0, 0), 0);
    other.join();
    EXPECT_EQ(set(p, write_lock, 5, 1), -EAGAIN);
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(set(p, write_lock, 5, 1, set_lock_waiting), -EINTR);
    set_abort(nullptr);
}

TEST_F(Records, NobodyWaitsForHimself) {
    EXPECT_EQ(set(p, write_lock, 0, 1), 0);
    EXPECT_EQ(set(q, write_lock, 1, 1), 0);
    // Each may come while the other waits: the one that comes later is told. This one's waits are short.
    std::jthread other{[&] {
        long locked = 0;
        do locked = set(q, write_lock, 0, 1, set_lock_waiting);
        while (locked == -EDEADLK);
        EXPECT_EQ(locked, 0);
    }};
    long result = 0;
    do {
        Abort abort;
        abort_wait(abort);
        set_abort(&abort);
        result = set(p, write_lock, 1, 1, set_lock_waiting);
        set_abort(nullptr);
    } while (result == -EINTR);
    EXPECT_EQ(result, -EDEADLK);
    EXPECT_EQ(set(p, unlock, 0, 0), 0);
}

} // namespace
} // namespace chorale::c_os::test
