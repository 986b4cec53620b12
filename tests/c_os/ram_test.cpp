// The RAM file system through the calls: contents, sizes, holes, times, links, permissions.
#include "process.hpp"

#include <file_layouts.hpp>

#include <random>
#include <vector>

namespace chorale::c_os::test {
namespace {

struct Ram : FilesTest {
    Process p{root};

    LinuxStat stat_of(const std::string& path) {
        const UserPiece to = p.piece(sizeof(LinuxStat));
        EXPECT_EQ(p("lstat", path, to), 0) << path;
        return to.value<LinuxStat>();
    }
    long make(const std::string& path, u32 flags = 0, u32 mode = 0644) {
        return p("open", path, open_create | open_read_write | flags, mode);
    }
};

TEST_F(Ram, TheTreeAtTheStart) {
    EXPECT_EQ(p.listing("/"), "bin dev etc home image mnt proc root run sbin tmp usr var");
    EXPECT_EQ(p.listing("/dev"), "console full null random shm tty urandom zero");
    EXPECT_EQ(stat_of("/dev/shm/.").mode & 07777, 01777U);
    EXPECT_EQ(stat_of("/tmp").mode & 07777, 01777U);
    EXPECT_EQ(p.listing("/nowhere"), "error 2");
}

TEST_F(Ram, ReadsWhatWasWritten) {
    p.put("/tmp/a", "hello");
    EXPECT_EQ(p.contents("/tmp/a"), "hello");
    const long file = make("/tmp/a", open_append);
    EXPECT_EQ(p("write", file, "!?", 2), 2);
    EXPECT_EQ(p("lseek", file, 0, 0), 0);
    EXPECT_EQ(p.read(static_cast<int>(file), 100), "hello!?");
    EXPECT_EQ(p.read(static_cast<int>(file), 100), "");
    EXPECT_EQ(p("pwrite64", file, "J", 1, 0), 1); // appends, as Linux does
    EXPECT_EQ(p.contents("/tmp/a"), "hello!?J");
    EXPECT_EQ(p("write", file, "", 0), 0);
    EXPECT_EQ(p("close", file), 0);
    EXPECT_EQ(p("read", file, p.piece(1), 1), -EBADF);
}

TEST_F(Ram, HolesAreZerosAndUseNoPages) {
    const long file = make("/tmp/sparse");
    const u64 far = u64{1} << 40;
    EXPECT_EQ(p("pwrite64", file, "x", 1, far), 1);
    const LinuxStat stat = stat_of("/tmp/sparse");
    EXPECT_EQ(stat.size, static_cast<std::int64_t>(far + 1));
    EXPECT_LE(stat.blocks, 5 * 8); // a page and the tables above it
    const UserPiece to = p.piece(16);
    EXPECT_EQ(p("pread64", file, to, 16, far - 15), 16);
    EXPECT_EQ(to.text(16), std::string(15, '\0') + "x");
    constexpr int data = 3, hole = 4;
    EXPECT_EQ(p("lseek", file, 0, data), static_cast<long>(far));
    EXPECT_EQ(p("lseek", file, 5, hole), 5);
    EXPECT_EQ(p("lseek", file, far, hole), static_cast<long>(far + 1));
    EXPECT_EQ(p("lseek", file, far + 1, data), -ENXIO);
    EXPECT_EQ(p("ftruncate", file, 10), 0);
    EXPECT_EQ(stat_of("/tmp/sparse").blocks, 0);
    EXPECT_EQ(p("ftruncate", file, far), 0);
    EXPECT_EQ(p("pread64", file, to, 16, far - 8), 8);
    EXPECT_EQ(to.text(8), std::string(8, '\0'));
    EXPECT_EQ(p("ftruncate", file, u64{1} << 50), -EFBIG);
    EXPECT_EQ(p("ftruncate", file, ~u64{0}), -EINVAL);
}

TEST_F(Ram, WhatWasCutOffIsZeroLater) {
    const long file = make("/tmp/a");
    EXPECT_EQ(p("write", file, std::string(5000, 'x'), 5000), 5000);
    EXPECT_EQ(p("ftruncate", file, 4100), 0);
    EXPECT_EQ(p("ftruncate", file, 5000), 0);
    EXPECT_EQ(p.contents("/tmp/a"), std::string(4100, 'x') + std::string(900, '\0'));
}

TEST_F(Ram, AFaultLeavesZerosBehindTheEnd) {
    const long file = make("/tmp/a");
    const u64 end = user_base + user_size;
    std::memset(user_memory() + user_size - 10, 'y', 10);
    // The copy may have begun before it failed.
    EXPECT_EQ(p("write", file, end - 10, 20), -EFAULT);
    EXPECT_EQ(stat_of("/tmp/a").blocks, 0);
    EXPECT_EQ(p("write", file, end - 5000, 6000), 4096);
    EXPECT_EQ(p("ftruncate", file, 8192), 0);
    const std::string text = p.contents("/tmp/a");
    EXPECT_EQ(text.substr(4096), std::string(4096, '\0'));
    EXPECT_EQ(p("pread64", file, end - 5000, 6000, 0), 4096); // as much as goes
    EXPECT_EQ(p("pread64", file, end, 1, 0), -EFAULT);
}

// Random writes, reads and truncations against a string.
TEST_F(Ram, AgreesWithAModel) {
    std::mt19937 random{7};
    std::string model;
    const long file = make("/tmp/a");
    const auto below = [&](u64 limit) { return random() % limit; };
    for (int step = 0; step < 3000; ++step) {
        const u64 at = below(3) == 0 ? below(40000) : below(9000);
        const u64 size = below(6000);
        switch (below(4)) {
        case 0: {
            EXPECT_EQ(p("ftruncate", file, at), 0);
            model.resize(at);
            break;
        }
        case 1: {
            const UserPiece to = p.piece(size);
            const std::size_t left = at < model.size() ? model.size() - at : 0;
            const std::size_t wanted = std::min<std::size_t>(size, left);
            ASSERT_EQ(p("pread64", file, to, size, at), static_cast<long>(wanted));
            ASSERT_EQ(to.text(wanted), wanted == 0 ? "" : model.substr(at, wanted));
            break;
        }
        default: {
            const UserPiece from = p.piece(size);
            for (std::size_t i = 0; i < size; ++i) from.bytes()[i] = static_cast<std::byte>(random());
            ASSERT_EQ(p("pwrite64", file, from, size, at), static_cast<long>(size));
            if (size == 0) break;
            if (model.size() < at + size) model.resize(at + size);
            model.replace(at, size, from.text(size));
        }
        }
        ASSERT_EQ(stat_of("/tmp/a").size, static_cast<std::int64_t>(model.size()));
    }
}

TEST_F(Ram, UnlinkedFilesLiveAsLongAsTheyAreOpen) {
    const long file = make("/tmp/a");
    EXPECT_EQ(p("write", file, "data", 4), 4);
    EXPECT_EQ(p("unlink", "/tmp/a"), 0);
    EXPECT_EQ(p("unlink", "/tmp/a"), -ENOENT);
    const UserPiece to = p.piece(sizeof(LinuxStat));
    EXPECT_EQ(p("fstat", file, to), 0);
    EXPECT_EQ(to.value<LinuxStat>().links, 0U);
    EXPECT_EQ(p("pread64", file, to, 4, 0), 4);
    EXPECT_EQ(to.text(4), "data");
    EXPECT_EQ(p("linkat", file, "", at_current_directory, "/tmp/b", at_empty_path), -ENOENT);
    EXPECT_NE(living_pages(), 0U);
    EXPECT_EQ(p("close", file), 0);
    EXPECT_EQ(living_pages(), 0U);
}

TEST_F(Ram, HardLinks) {
    p.put("/tmp/a", "one");
    EXPECT_EQ(p("link", "/tmp/a", "/tmp/b"), 0);
    EXPECT_EQ(stat_of("/tmp/a").links, 2U);
    EXPECT_EQ(stat_of("/tmp/a").number, stat_of("/tmp/b").number);
    EXPECT_EQ(p("link", "/tmp/a", "/tmp/b"), -EEXIST);
    EXPECT_EQ(p("link", "/tmp", "/tmp/c"), -EPERM);
    EXPECT_EQ(p("link", "/tmp/a", "/dev/c"), -EXDEV);
    EXPECT_EQ(p("unlink", "/tmp/a"), 0);
    EXPECT_EQ(p.contents("/tmp/b"), "one");
    EXPECT_EQ(stat_of("/tmp/b").links, 1U);
}

TEST_F(Ram, AFileHasSoManyNames) {
    Process q{root};
    p.put("/tmp/a", "");
    for (int i = 1; i < 65000; ++i) ASSERT_EQ(p("link", "/tmp/a", "/tmp/" + std::to_string(i)), 0) << i;
    EXPECT_EQ(p("link", "/tmp/a", "/tmp/more"), -EMLINK);
    EXPECT_EQ(p("unlink", "/tmp/17"), 0);
    EXPECT_EQ(p("link", "/tmp/a", "/tmp/more"), 0);
}

TEST_F(Ram, TimesAreThoseOfTheClock) {
    set_file_time(100);
    p.put("/tmp/a", "x");
    EXPECT_EQ(stat_of("/tmp/a").modified, 100);
    EXPECT_EQ(stat_of("/tmp").modified, 100);
    set_file_time(200);
    EXPECT_EQ(p.contents("/tmp/a"), "x");
    EXPECT_EQ(stat_of("/tmp/a").accessed, 200);
    EXPECT_EQ(stat_of("/tmp/a").modified, 100);
    set_file_time(300);
    EXPECT_EQ(p("chmod", "/tmp/a", 0600), 0);
    EXPECT_EQ(stat_of("/tmp/a").changed, 300);
    EXPECT_EQ(stat_of("/tmp/a").modified, 100);
    struct Times {
        std::int64_t values[4];
    };
    EXPECT_EQ(p("utimensat", at_current_directory, "/tmp/a", p.piece_of(Times{{7, 8, 9, 10}}), 0), 0);
    EXPECT_EQ(stat_of("/tmp/a").accessed, 7);
    EXPECT_EQ(stat_of("/tmp/a").modified_nanoseconds, 10);
    EXPECT_EQ(p("utimensat", at_current_directory, "/tmp/a", p.piece_of(Times{{7, 1'000'000'000, 9, 0}}), 0),
              -EINVAL);
    constexpr std::int64_t now = 0x3fffffff, omit = 0x3ffffffe;
    EXPECT_EQ(p("utimensat", at_current_directory, "/tmp/a", p.piece_of(Times{{1, now, 1, omit}}), 0), 0);
    EXPECT_EQ(stat_of("/tmp/a").accessed, 300);
    EXPECT_EQ(stat_of("/tmp/a").modified, 9);
    EXPECT_EQ(p("utimes", "/tmp/a", p.piece_of(Times{{-5, 1, 6, 2}})), 0);
    EXPECT_EQ(stat_of("/tmp/a").accessed, -5);
    EXPECT_EQ(stat_of("/tmp/a").modified_nanoseconds, 2000);
    EXPECT_EQ(p("utime", "/tmp/a", nullptr), 0);
    EXPECT_EQ(stat_of("/tmp/a").modified, 300);
}

TEST_F(Ram, Allocates) {
    const long file = make("/tmp/a");
    EXPECT_EQ(p("fallocate", file, 0, 4096, 4097), 0);
    EXPECT_EQ(stat_of("/tmp/a").size, 8193);
    EXPECT_EQ(p("fallocate", file, 1, 0, 65536), 0);
    EXPECT_EQ(stat_of("/tmp/a").size, 8193);
    EXPECT_EQ(p("fallocate", file, 3, 0, 1), -EOPNOTSUPP);
    EXPECT_EQ(p("fallocate", file, 0, 0, 0), -EINVAL);
    EXPECT_EQ(p("fallocate", file, 0, 1, ~u64{0} >> 1), -EFBIG);
}

} // namespace
} // namespace chorale::c_os::test
