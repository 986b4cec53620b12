// Walks: roots, links, mounts, limits.
#include "process.hpp"

#include "c_os/file/path.hpp"

#include <file_layouts.hpp>

namespace chorale::c_os::test {
namespace {

struct Paths : FilesTest {
    Process p{root};
    std::string current() {
        const UserPiece to = p.piece(4096);
        const long size = p("getcwd", to, 4096);
        return size < 0 ? "error " + std::to_string(-size) : to.text(static_cast<std::size_t>(size) - 1);
    }
};

TEST_F(Paths, Spellings) {
    p.put("/tmp/a", "x");
    for (const char* path : {"/tmp/a", "//tmp///a", "/./tmp/./a", "/tmp/../tmp/a", "/../../tmp/a", "tmp/a"})
        EXPECT_EQ(p.contents(path), "x") << path;
    EXPECT_EQ(p("open", "", 0), -ENOENT);
    EXPECT_EQ(p("open", "/tmp/a/.", 0), -ENOTDIR);
    EXPECT_EQ(p("open", "/tmp/a/..", 0), -ENOTDIR);
    EXPECT_EQ(p("open", "/tmp/x/..", 0), -ENOENT);
    EXPECT_EQ(p("open", "/" + std::string(256, 'x'), 0), -ENAMETOOLONG);
    EXPECT_EQ(p("open", "/" + std::string(255, 'x'), 0), -ENOENT);
    EXPECT_EQ(p("open", std::string(4096, '/'), 0), -ENAMETOOLONG);
    EXPECT_GE(p("open", std::string(4095, '/'), 0), 0);
    user_memory()[user_size - 1] = std::byte{'x'};
    EXPECT_EQ(p("open", user_base + user_size - 1, 0), -EFAULT);
    EXPECT_EQ(p("open", nullptr, 0), -EFAULT);
}

TEST_F(Paths, Links) {
    EXPECT_EQ(p("mkdir", "/tmp/d", 0755), 0);
    p.put("/tmp/d/f", "f");
    EXPECT_EQ(p("symlink", "d", "/tmp/l"), 0);
    EXPECT_EQ(p("symlink", "/tmp/l/../d/", "/tmp/abs"), 0);
    EXPECT_EQ(p.contents("/tmp/l/f"), "f");
    EXPECT_EQ(p.contents("/tmp/abs/f"), "f");
    EXPECT_EQ(p.contents("/tmp/abs//f"), "f");
    EXPECT_EQ(p.contents("/tmp/l/../d/f"), "f");
    EXPECT_EQ(p("symlink", "loop", "/tmp/loop"), 0);
    EXPECT_EQ(p("open", "/tmp/loop", 0), -ELOOP);
    EXPECT_EQ(p("open", "/tmp/loop/x", 0), -ELOOP);
    EXPECT_EQ(p("open", "/tmp/loop", open_create | open_write_only, 0644), -ELOOP);
    // 40 links are followed, 41 are not.
    EXPECT_EQ(p("symlink", "d", "/tmp/l1"), 0);
    for (int i = 2; i <= 41; ++i)
        EXPECT_EQ(p("symlink", "l" + std::to_string(i - 1), "/tmp/l" + std::to_string(i)), 0);
    EXPECT_EQ(p.contents("/tmp/l40/f"), "f");
    EXPECT_EQ(p("open", "/tmp/l41/f", 0), -ELOOP);
    EXPECT_EQ(p("symlink", "//", "/tmp/root"), 0);
    EXPECT_EQ(p.contents("/tmp/root/tmp/d/f"), "f");
    EXPECT_EQ(p("rmdir", "/tmp/l"), -ENOTDIR);
    EXPECT_EQ(p("unlink", "/tmp/l/"), -ENOTDIR);
}

// Each link of 2000 bytes leaves 2000 more behind it: together more than the text holds.
TEST_F(Paths, LongLinks) {
    std::string here;
    for (int i = 0; i < 999; ++i) here += "./";
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        const std::string next{static_cast<char>(name[0] + 1)};
        EXPECT_EQ(p("symlink", here + next + "/" + here, std::string{"/tmp/"} + name), 0);
    }
    EXPECT_EQ(p("mkdir", "/tmp/f", 0755), 0);
    p.put("/tmp/f/x", "x");
    EXPECT_EQ(p.contents("/tmp/e/x"), "x");
    EXPECT_EQ(p.contents("/tmp/c/x"), "x");
    EXPECT_EQ(p("open", "/tmp/a/" + here + "x", 0), -ENAMETOOLONG);
}

TEST_F(Paths, CreationThroughALink) {
    EXPECT_EQ(p("symlink", "made", "/tmp/l"), 0);
    EXPECT_EQ(p("open", "/tmp/l", open_create | open_exclusive | open_write_only, 0644), -EEXIST);
    EXPECT_EQ(p("open", "/tmp/l", open_create | open_no_follow | open_write_only, 0644), -ELOOP);
    EXPECT_GE(p("open", "/tmp/l", open_create | open_write_only, 0644), 0);
    EXPECT_EQ(p.listing("/tmp"), "l made");
    EXPECT_EQ(p("open", "/tmp/new/", open_create | open_write_only, 0644), -EISDIR);
    EXPECT_EQ(p("open", "/tmp", open_create | open_write_only, 0644), -EISDIR);
    EXPECT_EQ(p("open", "/tmp/.", open_create | open_write_only, 0644), -EISDIR);
    EXPECT_EQ(p("open", "/", open_write_only), -EISDIR);
    EXPECT_EQ(p("open", "/tmp/made", open_directory), -ENOTDIR);
    EXPECT_EQ(p("open", "/tmp/x", open_create | open_directory, 0644), -EINVAL);
    EXPECT_EQ(p("open", "/tmp", open_temporary | open_directory | open_write_only, 0644), -EOPNOTSUPP);
    EXPECT_EQ(p("open", "/tmp/made", open_access_mode), -EINVAL);
}

TEST_F(Paths, DescriptorsOfDirectories) {
    const long directory = p("open", "/tmp", open_directory);
    const long file = p("openat", directory, "a", open_create | open_write_only, 0644);
    EXPECT_GE(file, 0);
    EXPECT_EQ(p("openat", file, "x", 0), -ENOTDIR);
    EXPECT_EQ(p("openat", 99, "x", 0), -EBADF);
    EXPECT_GE(p("openat", 99, "/tmp/a", 0), 0);
    EXPECT_EQ(p("mkdirat", directory, "d", 0755), 0);
    EXPECT_EQ(p("fchdir", directory), 0);
    EXPECT_EQ(current(), "/tmp");
    EXPECT_EQ(p("fchdir", file), -ENOTDIR);
    EXPECT_EQ(p("renameat", directory, "a", at_current_directory, "b"), 0);
    EXPECT_EQ(p.listing("."), "b d");
    const UserPiece to = p.piece(sizeof(LinuxStat));
    EXPECT_EQ(p("newfstatat", file, "", to, at_empty_path), 0);
    EXPECT_EQ(p("newfstatat", file, "", to, 0), -ENOENT);
    EXPECT_EQ(p("newfstatat", at_current_directory, "b", to, 0x8000), -EINVAL);
    const long place = p("open", "/tmp", open_path | open_directory);
    EXPECT_EQ(p("newfstatat", place, "b", to, 0), 0);
    EXPECT_EQ(p("getdents64", place, to, to.size), -EBADF);
    EXPECT_EQ(p("fchmod", place, 0777), -EBADF);
    EXPECT_EQ(p("fchdir", place), 0);
}

TEST_F(Paths, RootsAreNotLeft) {
    for (const char* path : {"/tmp/jail", "/tmp/jail/etc", "/tmp/out"}) EXPECT_EQ(p("mkdir", path, 0755), 0);
    EXPECT_EQ(p("symlink", "/etc", "/tmp/jail/link"), 0);
    EXPECT_EQ(p("symlink", "../../../..", "/tmp/jail/up"), 0);
    p.put("/tmp/jail/etc/inside", "");
    EXPECT_EQ(p("chdir", "/tmp/jail/etc"), 0);
    EXPECT_EQ(p("chroot", "/tmp/jail"), 0);
    EXPECT_EQ(current(), "/etc");
    EXPECT_EQ(p.listing("/.."), "etc link up");
    EXPECT_EQ(p.listing("../../../.."), "etc link up");
    EXPECT_EQ(p.listing("/link"), "inside");
    EXPECT_EQ(p.listing("/up"), "etc link up");
    // Who holds a directory outside is outside, and has no path there.
    Process outside{root};
    EXPECT_EQ(outside("chdir", "/tmp/out"), 0);
    p.context.set_current(outside.context.current());
    EXPECT_EQ(current(), "error 2");
    EXPECT_EQ(p.listing(".."), "jail out");
}

TEST_F(Paths, Mounts) {
    EXPECT_EQ(p("chdir", "/image/sys_bank"), 0);
    EXPECT_EQ(current(), "/image/sys_bank");
    EXPECT_EQ(p("chdir", ".."), 0);
    EXPECT_EQ(current(), "/image");
    EXPECT_EQ(p("chdir", "/dev"), 0);
    EXPECT_EQ(p("chdir", "../dev/../dev"), 0);
    EXPECT_EQ(current(), "/dev");
    EXPECT_EQ(p("mkdir", "/image/sys_bank/x", 0755), -EROFS);
    const UserPiece to = p.piece(sizeof(LinuxStat));
    EXPECT_EQ(p("stat", "/dev", to), 0);
    EXPECT_EQ(to.value<LinuxStat>().device, device_number(0, 2));
}

TEST_F(Paths, ExtendedStatus) {
    p.put("/tmp/a", "12345");
    const UserPiece to = p.piece(256);
    EXPECT_EQ(p("statx", at_current_directory, "/tmp/a", 0, 0x7ff, to), 0);
    EXPECT_EQ(to.value<u64>(5), 5U);
    EXPECT_EQ(to.value<u16>(14), 0100644U);
    EXPECT_EQ(p("statx", at_current_directory, "/tmp/a", 0, 0x80000000U, to), -EINVAL);
    EXPECT_EQ(p("statx", at_current_directory, "/tmp/a", 1, 0, to), -EINVAL);
    EXPECT_EQ(p("statfs", "/tmp", to), 0);
    EXPECT_EQ(to.value<u64>(0), 0x858458f6U);
    EXPECT_EQ(to.value<u64>(1), 4096U);
}

} // namespace
} // namespace chorale::c_os::test
