// Descriptors, pipes, fifos, poll, locks.
#include "process.hpp"

#include "c_os/file/path.hpp"

#include <sys/select.h>

#include <functional>
#include <thread>

namespace chorale::c_os::test {
namespace {

struct Descriptors : FilesTest {
    Process p{root};

    struct Pair {
        int to_read, to_write;
    };
    Pair make_pipe(u32 flags = 0) {
        const UserPiece pair = p.piece(sizeof(Pair));
        EXPECT_EQ(p("pipe2", pair, flags), 0);
        return pair.value<Pair>();
    }
    struct Poll {
        int descriptor;
        u16 wanted, ready;
    };
};

TEST_F(Descriptors, TheLowestIsTaken) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(p("open", "/dev/null", 0), i);
    EXPECT_EQ(p("close", 2), 0);
    EXPECT_EQ(p("close", 2), -EBADF);
    EXPECT_EQ(p("close", -1), -EBADF);
    EXPECT_EQ(p("close", 100000), -EBADF);
    EXPECT_EQ(p("dup", 0), 2);
    EXPECT_EQ(p("dup", 9), -EBADF);
    EXPECT_EQ(p("dup2", 0, 70), 70);
    EXPECT_EQ(p("dup2", 0, 70), 70);
    EXPECT_EQ(p("dup2", 70, 70), 70);
    EXPECT_EQ(p("dup2", 71, 71), -EBADF);
    EXPECT_EQ(p("dup2", 0, 1024), -EBADF);
    EXPECT_EQ(p("dup2", 0, -1), -EBADF);
    EXPECT_EQ(p("dup3", 0, 0, 0), -EINVAL);
    EXPECT_EQ(p("dup3", 0, 5, 1), -EINVAL);
    EXPECT_EQ(p("fcntl", 0, 0, 60), 60);
    EXPECT_EQ(p("fcntl", 0, 0, 60), 61);
    EXPECT_EQ(p("fcntl", 0, 0, 1024), -EINVAL);
    p.context.files.set_limit(6);
    EXPECT_EQ(p("dup", 0), 5);
    EXPECT_EQ(p("dup", 0), -EMFILE);
    EXPECT_EQ(p("open", "/tmp/a", open_create | open_write_only, 0644), -EMFILE);
    EXPECT_EQ(p.listing("/tmp"), "error " + std::to_string(EMFILE));
    EXPECT_EQ(p("pipe", p.piece(8)), -EMFILE);
    EXPECT_EQ(p("close", 5), 0);
    EXPECT_EQ(p("pipe", p.piece(8)), -EMFILE);
    EXPECT_EQ(p.listing("/tmp"), ""); // no file was made
}

TEST_F(Descriptors, CloseOnExec) {
    EXPECT_EQ(p("open", "/dev/null", open_close_on_exec), 0);
    EXPECT_EQ(p("fcntl", 0, 1), 1);
    EXPECT_EQ(p("dup", 0), 1);
    EXPECT_EQ(p("fcntl", 1, 1), 0);
    EXPECT_EQ(p("fcntl", 1, 2, 1), 0);
    EXPECT_EQ(p("dup3", 0, 70, open_close_on_exec), 70);
    EXPECT_EQ(p("dup", 0), 2);
    EXPECT_EQ(p("ioctl", 2, 0x5451), 0);
    EXPECT_EQ(p("fcntl", 2, 1), 1);
    EXPECT_EQ(p("ioctl", 2, 0x5450), 0);
    p.context.close_marked();
    EXPECT_EQ(p("fcntl", 0, 1), -EBADF);
    EXPECT_EQ(p("fcntl", 1, 1), -EBADF);
    EXPECT_EQ(p("fcntl", 2, 1), 0);
    EXPECT_EQ(p("fcntl", 70, 1), -EBADF);
    for (int i = 3; i < 200; ++i) EXPECT_GE(p("dup", 2), 0);
    EXPECT_EQ(p("close_range", 10, 20, 4), 0);
    EXPECT_EQ(p("fcntl", 15, 1), 1);
    EXPECT_EQ(p("close_range", 3, ~0U, 0), 0);
    EXPECT_EQ(p("fcntl", 15, 1), -EBADF);
    EXPECT_EQ(p("fcntl", 2, 1), 0);
    EXPECT_EQ(p("close_range", 3, 2, 0), -EINVAL);
}

TEST_F(Descriptors, ChildrenShareFiles) {
    p.put("/tmp/a", "0123456789");
    EXPECT_EQ(p("open", "/tmp/a", open_read_only), 0);
    EXPECT_EQ(p("open", "/dev/null", open_close_on_exec), 1);
    p("umask", 027);
    p("chdir", "/tmp");
    Process child{root, 10, 10};
    ASSERT_TRUE(child.context.begin_as_child(p.context));
    EXPECT_EQ(child.read(0, 3), "012");
    EXPECT_EQ(p.read(0, 3), "345");
    EXPECT_EQ(child("fcntl", 1, 1), 1);
    EXPECT_EQ(child("umask", 0), 027);
    EXPECT_EQ(child("open", "a", open_read_only), 2);
    EXPECT_EQ(p("close", 0), 0);
    EXPECT_EQ(child.read(0, 3), "678");
    Process other{root};
    ASSERT_TRUE(other.context.begin_as_child(
        child.context, {.descriptors = false, .standard = {2, 1, 1}, .root = child.context.current()}));
    EXPECT_EQ(other.read(0, 3), "012");
    EXPECT_EQ(other("dup", 0), 3);
    EXPECT_EQ(other.contents("/a"), "0123456789");
    Process none{root};
    EXPECT_EQ(none.context.begin_as_child(child.context, {.standard = {99, -1, -1}}), failed(Error::ebadf));
}

TEST_F(Descriptors, StatusFlags) {
    EXPECT_EQ(p("open", "/tmp/a", open_create | open_read_write, 0644), 0);
    EXPECT_EQ(p("fcntl", 0, 3), open_read_write);
    EXPECT_EQ(p("fcntl", 0, 4, open_append | open_non_blocking | open_write_only), 0);
    EXPECT_EQ(p("fcntl", 0, 3), static_cast<long>(open_read_write | open_append | open_non_blocking));
    EXPECT_EQ(p("write", 0, "a", 1), 1);
    EXPECT_EQ(p("lseek", 0, 0, 0), 0);
    EXPECT_EQ(p("write", 0, "b", 1), 1);
    EXPECT_EQ(p.contents("/tmp/a"), "ab");
    EXPECT_EQ(p("ioctl", 0, 0x5421, p.piece_of(0)), 0);
    EXPECT_EQ(p("fcntl", 0, 3), static_cast<long>(open_read_write | open_append));
    EXPECT_EQ(p("fcntl", 0, 99), -EINVAL);
    EXPECT_EQ(p("open", "/tmp/a", open_write_only), 1);
    EXPECT_EQ(p("read", 1, p.piece(1), 1), -EBADF);
    EXPECT_EQ(p("open", "/tmp/a", open_read_only), 2);
    EXPECT_EQ(p("write", 2, "", 0), -EBADF);
    EXPECT_EQ(p("ftruncate", 2, 0), -EINVAL);
    EXPECT_EQ(p("lseek", 2, -1, 0), -EINVAL);
    EXPECT_EQ(p("lseek", 2, 1, 9), -EINVAL);
    EXPECT_EQ(p("lseek", 2, ~u64{0} >> 1, 2), -EOVERFLOW);
    EXPECT_EQ(p("fsync", 2), 0);
    EXPECT_EQ(p("ioctl", 2, 0x541b, p.piece(4)), 0);
    EXPECT_EQ(p("ioctl", 2, 0x5401, p.piece(60)), -ENOTTY);
}

TEST_F(Descriptors, Vectors) {
    EXPECT_EQ(p("open", "/tmp/a", open_create | open_read_write, 0644), 0);
    struct Piece {
        u64 address, size;
    };
    const UserPiece text = p.piece(64);
    std::memcpy(text.bytes(), "onetwothree", 11);
    const UserPiece pieces = p.piece(12 * sizeof(Piece));
    for (u64 i = 0; i < 12; ++i) pieces.set(Piece{text.address + i, i < 11 ? 1U : 0U}, i);
    EXPECT_EQ(p("writev", 0, pieces, 12), 11);
    EXPECT_EQ(p.contents("/tmp/a"), "onetwothree");
    const UserPiece into = p.piece(64);
    pieces.set(Piece{into.address, 2}, 0);
    pieces.set(Piece{into.address + 10, 0}, 1);
    pieces.set(Piece{into.address + 20, 50}, 2);
    EXPECT_EQ(p("preadv", 0, pieces, 3, 1), 10);
    EXPECT_EQ(into.text(2), "ne");
    EXPECT_EQ(std::string(reinterpret_cast<char*>(into.bytes()) + 20, 8), "twothree");
    EXPECT_EQ(p("preadv", 0, pieces, 3, -1), -EINVAL);
    EXPECT_EQ(p("readv", 0, pieces, 1025), -EINVAL);
    EXPECT_EQ(p("readv", 0, nullptr, 1), -EFAULT);
    EXPECT_EQ(p("readv", 0, pieces, 0), 0);
    pieces.set(Piece{0, ~u64{0}}, 0);
    EXPECT_EQ(p("writev", 0, pieces, 1), -EINVAL);
    pieces.set(Piece{text.address, 3}, 0);
    pieces.set(Piece{1, 3}, 1);
    EXPECT_EQ(p("pwritev", 0, pieces, 2, 0), -EFAULT); // one page, one piece of work
    EXPECT_EQ(p("preadv2", 0, pieces, 1, ~u64{0}, 0, 1), -EOPNOTSUPP);
}

TEST_F(Descriptors, Pipes) {
    const auto [to_read, to_write] = make_pipe(open_non_blocking);
    EXPECT_EQ(p("read", to_read, p.piece(1), 1), -EAGAIN);
    EXPECT_EQ(p("write", to_write, "hello", 5), 5);
    EXPECT_EQ(p("write", to_read, "x", 1), -EBADF);
    EXPECT_EQ(p("lseek", to_read, 0, 0), -ESPIPE);
    EXPECT_EQ(p("pread64", to_read, p.piece(1), 1, 0), -ESPIPE);
    const UserPiece waiting = p.piece(4);
    EXPECT_EQ(p("ioctl", to_read, 0x541b, waiting), 0);
    EXPECT_EQ(waiting.value<int>(), 5);
    EXPECT_EQ(p.read(to_read, 3), "hel");
    EXPECT_EQ(p.read(to_read, 30), "lo");
    const std::string much(70000, 'x');
    EXPECT_EQ(p("write", to_write, much, much.size()), 65536);
    EXPECT_EQ(p("write", to_write, "x", 1), -EAGAIN);
    EXPECT_EQ(p.read(to_read, 100).size(), 100U);
    EXPECT_EQ(p("write", to_write, much, 4096), -EAGAIN); // all of it or nothing
    EXPECT_EQ(p("write", to_write, much, 4097), 100);
    EXPECT_EQ(p("close", to_write), 0);
    EXPECT_EQ(p.read(to_read, 70000).size(), 65536U);
    EXPECT_EQ(p.read(to_read, 10), "");
    EXPECT_EQ(p("close", to_read), 0);
    const auto [reader, writer] = make_pipe();
    EXPECT_EQ(p("close", reader), 0);
    EXPECT_EQ(p("write", writer, "x", 1), -EPIPE);
    EXPECT_EQ(p("pipe2", p.piece(8), open_append), -EINVAL);
    EXPECT_EQ(p("pipe2", nullptr, 0), -EFAULT);
    EXPECT_EQ(p("fcntl", writer, 1032), 65536);
}

TEST_F(Descriptors, PipesWait) {
    const auto [to_read, to_write] = make_pipe();
    Process child{root};
    ASSERT_TRUE(child.context.begin_as_child(p.context));
    std::jthread writer{[&] {
        const std::string much(100000, 'y');
        EXPECT_EQ(child("write", to_write, much, much.size()), 100000);
        child.context.files.close_range(0, 10);
    }};
    EXPECT_EQ(p("close", to_write), 0);
    std::size_t sum = 0;
    for (std::string part; !(part = p.read(to_read, 5000)).empty();) sum += part.size();
    EXPECT_EQ(sum, 100000U);
    writer.join();
    const auto [reader, unused] = make_pipe();
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(p("read", reader, p.piece(1), 1), -EINTR);
    set_abort(nullptr);
    // A fault takes nothing out of the pipe, and puts nothing into it.
    EXPECT_EQ(p("write", unused, "abc", 3), 3);
    EXPECT_EQ(p("read", reader, 8, 3), -EFAULT);
    EXPECT_EQ(p("write", unused, 8, 3), -EFAULT);
    EXPECT_EQ(p.read(reader, 10), "abc");
}

TEST_F(Descriptors, Fifos) {
    EXPECT_EQ(p("mknod", "/tmp/f", 0010666, 0), 0);
    EXPECT_EQ(p("open", "/tmp/f", open_write_only | open_non_blocking), -ENXIO);
    const long reader = p("open", "/tmp/f", open_read_only | open_non_blocking);
    EXPECT_GE(reader, 0);
    EXPECT_EQ(p.read(static_cast<int>(reader), 1), "");
    const long writer = p("open", "/tmp/f", open_write_only | open_non_blocking);
    EXPECT_EQ(p("write", writer, "ab", 2), 2);
    EXPECT_EQ(p.read(static_cast<int>(reader), 5), "ab");
    p.context.files.close_range(0, 10);
    const long both = p("open", "/tmp/f", open_read_write);
    EXPECT_EQ(p("write", both, "xy", 2), 2);
    EXPECT_EQ(p.read(static_cast<int>(both), 5), "xy");
    p.context.files.close_range(0, 10);
    std::jthread other{[this] {
        Process q{root};
        const long file = q("open", "/tmp/f", open_write_only);
        EXPECT_GE(file, 0);
        EXPECT_EQ(q("write", file, "met", 3), 3);
    }};
    const long met = p("open", "/tmp/f", open_read_only);
    EXPECT_GE(met, 0);
    EXPECT_EQ(p.read(static_cast<int>(met), 5), "met");
    other.join();
    p.context.files.close_range(0, 10);
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(p("open", "/tmp/f", open_read_only), -EINTR);
    set_abort(nullptr);
    EXPECT_EQ(p("close", 0), -EBADF);
}

TEST_F(Descriptors, PollLooks) {
    const auto [to_read, to_write] = make_pipe();
    EXPECT_EQ(p("open", "/tmp/a", open_create | open_read_write, 0644), 2);
    const UserPiece polls = p.piece(4 * sizeof(Poll));
    polls.set(Poll{to_read, poll_in, 0xff}, 0);
    polls.set(Poll{to_write, poll_out, 0}, 1);
    polls.set(Poll{-1, poll_in, 0xff}, 2);
    polls.set(Poll{77, poll_in, 0}, 3);
    EXPECT_EQ(p("poll", polls, 4, -1), 2);
    EXPECT_EQ(polls.value<Poll>(0).ready, 0);
    EXPECT_EQ(polls.value<Poll>(1).ready, poll_out);
    EXPECT_EQ(polls.value<Poll>(2).ready, 0);
    EXPECT_EQ(polls.value<Poll>(3).ready, poll_invalid);
    EXPECT_EQ(p("poll", polls, 1, 0), 0);
    const u64 before = now();
    EXPECT_EQ(p("poll", polls, 1, 30), 0);
    EXPECT_GE(now() - before, 30'000'000U);
    EXPECT_EQ(p("write", to_write, "x", 1), 1);
    EXPECT_EQ(p("poll", polls, 1, -1), 1);
    EXPECT_EQ(polls.value<Poll>(0).ready, poll_in);
    EXPECT_EQ(p("close", to_write), 0);
    EXPECT_EQ(p("poll", polls, 1, -1), 1);
    EXPECT_EQ(polls.value<Poll>(0).ready, poll_in | poll_hang_up);
    EXPECT_EQ(p("poll", polls, 5000, 0), -EINVAL);
    EXPECT_EQ(p("poll", nullptr, 1, 0), -EFAULT);
    EXPECT_EQ(p("poll", nullptr, 0, 1), 0);
    struct Time {
        std::int64_t seconds, fraction;
    };
    const UserPiece limit = p.piece_of(Time{5, 0});
    EXPECT_EQ(p("ppoll", polls, 1, limit, nullptr, 8), 1);
    EXPECT_LE(limit.value<Time>().seconds, 4);
    EXPECT_EQ(p("ppoll", polls, 1, p.piece_of(Time{0, 1'000'000'000}), nullptr, 8), -EINVAL);
}

TEST_F(Descriptors, PollWaits) {
    const auto [to_read, to_write] = make_pipe();
    const auto [second_read, second_write] = make_pipe();
    const UserPiece polls = p.piece(2 * sizeof(Poll));
    polls.set(Poll{to_read, poll_in, 0}, 0);
    polls.set(Poll{second_read, poll_in, 0}, 1);
    Process child{root};
    ASSERT_TRUE(child.context.begin_as_child(p.context));
    std::jthread writer{[&] { EXPECT_EQ(child("write", second_write, "x", 1), 1); }};
    EXPECT_EQ(p("poll", polls, 2, -1), 1);
    EXPECT_EQ(polls.value<Poll>(1).ready, poll_in);
    writer.join();
    polls.set(Poll{to_read, poll_in, 0}, 1);
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(p("poll", polls, 2, -1), -EINTR);
    set_abort(nullptr);
}

TEST_F(Descriptors, Select) {
    const auto [to_read, to_write] = make_pipe();
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(to_read, &in);
    FD_SET(to_write, &out);
    FD_SET(100, &in); // behind the number that is given
    const UserPiece ins = p.piece_of(in), outs = p.piece_of(out);
    EXPECT_EQ(p("select", 2, ins, outs, nullptr, nullptr), 1);
    EXPECT_EQ(ins.value<u64>() & 3, 0U);
    EXPECT_EQ(outs.value<u64>() & 3, u64{1} << to_write);
    struct Time {
        std::int64_t seconds, fraction;
    };
    const UserPiece limit = p.piece_of(Time{0, 20'000});
    ins.set(in);
    EXPECT_EQ(p("select", 2, ins, nullptr, nullptr, limit), 0);
    EXPECT_EQ(limit.value<Time>().fraction, 0);
    ins.set(in);
    EXPECT_EQ(p("pselect6", 101, ins, nullptr, nullptr, p.piece_of(Time{0, 0}), nullptr), -EBADF);
    EXPECT_EQ(p("select", -1, nullptr, nullptr, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(p("select", 0, nullptr, nullptr, nullptr, p.piece_of(Time{0, -1})), -EINVAL);
    EXPECT_EQ(p("close", to_write), 0);
    ins.set(in);
    // The end of a file is to be read, and no exception.
    EXPECT_EQ(p("select", 1, nullptr, nullptr, ins, p.piece_of(Time{0, 0})), 0);
    ins.set(in);
    EXPECT_EQ(p("select", 1, ins, nullptr, nullptr, nullptr), 1);
}

TEST_F(Descriptors, Locks) {
    p.put("/tmp/a", "");
    Process q{root};
    constexpr int shared = 1, exclusive = 2, non_blocking = 4, unlock = 8;
    EXPECT_EQ(p("open", "/tmp/a", 0), 0);
    EXPECT_EQ(q("open", "/tmp/a", 0), 0);
    EXPECT_EQ(p("flock", 0, shared), 0);
    EXPECT_EQ(q("flock", 0, shared), 0);
    EXPECT_EQ(p("flock", 0, exclusive | non_blocking), -EAGAIN);
    EXPECT_EQ(q("flock", 0, unlock), 0);
    EXPECT_EQ(p("flock", 0, exclusive | non_blocking), 0);
    EXPECT_EQ(q("flock", 0, shared | non_blocking), -EAGAIN);
    EXPECT_EQ(q("flock", 0, 3), -EINVAL);
    EXPECT_EQ(p("dup", 0), 1);
    EXPECT_EQ(p("close", 0), 0);
    EXPECT_EQ(q("flock", 0, shared | non_blocking), -EAGAIN);
    std::jthread other{[&] { EXPECT_EQ(p("close", 1), 0); }};
    EXPECT_EQ(q("flock", 0, exclusive), 0);
}

TEST_F(Descriptors, Copies) {
    p.put("/tmp/a", std::string(10000, 'a'));
    EXPECT_EQ(p("open", "/tmp/a", open_read_only), 0);
    EXPECT_EQ(p("open", "/tmp/b", open_create | open_read_write, 0644), 1);
    EXPECT_EQ(p("sendfile", 1, 0, nullptr, 9000), 9000);
    EXPECT_EQ(p("sendfile", 1, 0, nullptr, 9000), 1000);
    EXPECT_EQ(p("sendfile", 1, 0, nullptr, 9000), 0);
    EXPECT_EQ(p.contents("/tmp/b"), std::string(10000, 'a'));
    const UserPiece offset = p.piece_of(u64{9990});
    EXPECT_EQ(p("sendfile", 1, 0, offset, 9000), 10);
    EXPECT_EQ(offset.value<u64>(), 10000U);
    EXPECT_EQ(p("lseek", 0, 0, 1), 10000);
    const auto [to_read, to_write] = make_pipe(open_non_blocking);
    EXPECT_EQ(p("lseek", 0, 0, 0), 0);
    EXPECT_EQ(p("sendfile", to_write, 0, nullptr, 5000), 5000);
    EXPECT_EQ(p.read(to_read, 6000).size(), 5000U);
    EXPECT_EQ(p("sendfile", to_write, 0, p.piece_of(~u64{0}), 5), -EINVAL);
    EXPECT_EQ(p("copy_file_range", 0, p.piece_of(u64{0}), 1, p.piece_of(u64{20000}), 100, 0), 100);
    EXPECT_EQ(p.contents("/tmp/b").size(), 20100U);
    EXPECT_EQ(p("copy_file_range", 0, nullptr, to_write, nullptr, 100, 0), -EINVAL);
    EXPECT_EQ(p("copy_file_range", 1, p.piece_of(u64{0}), 1, p.piece_of(u64{50}), 100, 0), -EINVAL);
    EXPECT_EQ(p("copy_file_range", 0, nullptr, 1, nullptr, 100, 1), -EINVAL);
}

} // namespace
} // namespace chorale::c_os::test
