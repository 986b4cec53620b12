// Names: directories, renames, links, listings that others change.
#include "process.hpp"

#include <file_layouts.hpp>

#include <map>
#include <random>
#include <set>

namespace chorale::c_os::test {
namespace {

struct Names : FilesTest {
    Process p{root};

    LinuxStat stat_of(const std::string& path) {
        const UserPiece to = p.piece(sizeof(LinuxStat));
        EXPECT_EQ(p("lstat", path, to), 0) << path;
        return to.value<LinuxStat>();
    }
};

TEST_F(Names, Directories) {
    EXPECT_EQ(p("mkdir", "/tmp/d", 0777), 0);
    EXPECT_EQ(stat_of("/tmp/d").mode, 040755U);
    EXPECT_EQ(stat_of("/tmp/d").links, 2U);
    EXPECT_EQ(stat_of("/tmp").links, 3U);
    EXPECT_EQ(p("mkdir", "/tmp/d", 0777), -EEXIST);
    EXPECT_EQ(p("mkdir", "/", 0777), -EEXIST);
    EXPECT_EQ(p("mkdir", "/tmp/d/..", 0777), -EEXIST);
    EXPECT_EQ(p("mkdir", "/tmp/d/e/", 0777), 0);
    EXPECT_EQ(p("rmdir", "/tmp/d"), -ENOTEMPTY);
    EXPECT_EQ(p("rmdir", "/tmp/d/."), -EINVAL);
    EXPECT_EQ(p("rmdir", "/tmp/d/e/.."), -ENOTEMPTY);
    EXPECT_EQ(p("rmdir", "/"), -EBUSY);
    EXPECT_EQ(p("rmdir", "/dev"), -EBUSY);
    EXPECT_EQ(p("unlink", "/tmp/d"), -EISDIR);
    EXPECT_EQ(p("unlinkat", at_current_directory, "/tmp/d/e", at_remove_directory), 0);
    EXPECT_EQ(p("rmdir", "/tmp/d"), 0);
    EXPECT_EQ(stat_of("/tmp").links, 2U);
    p.put("/tmp/f", "");
    EXPECT_EQ(p("rmdir", "/tmp/f"), -ENOTDIR);
    EXPECT_EQ(p("mkdir", "/tmp/f/x", 0777), -ENOTDIR);
    EXPECT_EQ(p("unlink", "/tmp/f/"), -ENOTDIR);
}

TEST_F(Names, ARemovedDirectoryTakesNothing) {
    EXPECT_EQ(p("mkdir", "/tmp/d", 0777), 0);
    EXPECT_EQ(p("chdir", "/tmp/d"), 0);
    EXPECT_EQ(p("rmdir", "/tmp/d"), 0);
    EXPECT_EQ(p("open", "x", open_create | open_write_only, 0644), -ENOENT);
    EXPECT_EQ(p("mkdir", "x", 0755), -ENOENT);
    EXPECT_EQ(p("open", "..", open_read_only), -ENOENT);
    EXPECT_EQ(p("getcwd", p.piece(100), 100), -ENOENT);
    EXPECT_EQ(p.listing("."), "");
    p.put("/tmp/f", "");
    EXPECT_EQ(p("rename", "/tmp/f", "x"), -ENOENT);
    EXPECT_EQ(p("chdir", "/"), 0);
}

TEST_F(Names, RenamesFiles) {
    p.put("/tmp/a", "a");
    p.put("/tmp/b", "b");
    const u64 number = stat_of("/tmp/a").number;
    EXPECT_EQ(p("rename", "/tmp/a", "/tmp/b"), 0);
    EXPECT_EQ(stat_of("/tmp/b").number, number);
    EXPECT_EQ(p.contents("/tmp/b"), "a");
    EXPECT_EQ(p("rename", "/tmp/a", "/tmp/b"), -ENOENT);
    EXPECT_EQ(p("rename", "/tmp/b", "/etc/c"), 0);
    EXPECT_EQ(p.listing("/tmp"), "");
    EXPECT_EQ(p("rename", "/etc/c", "/dev/c"), -EXDEV);
    EXPECT_EQ(p("rename", "/etc/c", "/etc/d/"), -ENOTDIR);
    EXPECT_EQ(p("link", "/etc/c", "/etc/d"), 0);
    EXPECT_EQ(p("rename", "/etc/c", "/etc/d"), 0); // two names of one file: nothing happens
    EXPECT_EQ(p.listing("/etc"), "c d");
    EXPECT_EQ(
        p("renameat2", at_current_directory, "/etc/c", at_current_directory, "/etc/d", rename_no_replace),
        -EEXIST);
    EXPECT_EQ(p("renameat2", at_current_directory, "/etc/c", at_current_directory, "/etc/x", rename_exchange),
              -ENOENT);
    EXPECT_EQ(p("renameat2", at_current_directory, "/etc/c", at_current_directory, "/etc/x", 3), -EINVAL);
    EXPECT_EQ(p("rename", "/etc/.", "/etc/x"), -EBUSY);
    EXPECT_EQ(p("rename", "/etc/c", "/etc/" + std::string(256, 'x')), -ENAMETOOLONG);
    EXPECT_EQ(p("rename", "/etc/c", "/etc/" + std::string(255, 'x')), 0);
}

TEST_F(Names, RenamesDirectories) {
    for (const char* path : {"/tmp/a", "/tmp/a/b", "/tmp/a/b/c", "/tmp/d"})
        EXPECT_EQ(p("mkdir", path, 0755), 0);
    p.put("/tmp/f", "");
    EXPECT_EQ(p("rename", "/tmp/a", "/tmp/a/b/x"), -EINVAL);
    EXPECT_EQ(p("rename", "/tmp/a", "/tmp/a/x"), -EINVAL);
    EXPECT_EQ(p("rename", "/tmp/a/b", "/tmp/a"), -ENOTEMPTY);
    EXPECT_EQ(p("rename", "/tmp/d", "/tmp/a"), -ENOTEMPTY);
    EXPECT_EQ(p("rename", "/tmp/d", "/tmp/f"), -ENOTDIR);
    EXPECT_EQ(p("rename", "/tmp/f", "/tmp/d"), -EISDIR);
    EXPECT_EQ(p("rename", "/dev", "/tmp/dev"), -EBUSY);
    EXPECT_EQ(p("rename", "/tmp/a/b", "/tmp/d"), 0); // an empty one is replaced
    EXPECT_EQ(p.listing("/tmp/d"), "c");
    EXPECT_EQ(stat_of("/tmp").links, 4U);
    EXPECT_EQ(stat_of("/tmp/a").links, 2U);
    EXPECT_EQ(p("rename", "/tmp/d/c", "/tmp/a/c/"), 0);
    EXPECT_EQ(stat_of("/tmp/a").links, 3U);
    EXPECT_EQ(stat_of("/tmp/d").links, 2U);
    const u64 number = stat_of("/tmp/a").number;
    EXPECT_EQ(stat_of("/tmp/a/c/..").number, number);
    EXPECT_EQ(
        p("renameat2", at_current_directory, "/tmp/a/c", at_current_directory, "/tmp/f", rename_exchange), 0);
    EXPECT_EQ(stat_of("/tmp/a").links, 2U);
    EXPECT_EQ(stat_of("/tmp").links, 5U);
    EXPECT_EQ(
        p("renameat2", at_current_directory, "/tmp/a", at_current_directory, "/tmp/a/c", rename_exchange),
        -EINVAL);
}

TEST_F(Names, SymbolicLinks) {
    p.put("/tmp/a", "text");
    EXPECT_EQ(p("symlink", "a", "/tmp/l"), 0);
    EXPECT_EQ(p("symlink", "a", "/tmp/l"), -EEXIST);
    EXPECT_EQ(p("symlink", "", "/tmp/m"), -ENOENT);
    EXPECT_EQ(p("symlink", std::string(4096, 'x'), "/tmp/m"), -ENAMETOOLONG);
    EXPECT_EQ(p("symlink", std::string(4095, 'x'), "/tmp/m"), 0);
    EXPECT_EQ(p("open", "/tmp/m", open_read_only), -ENAMETOOLONG);
    EXPECT_EQ(p.contents("/tmp/l"), "text");
    EXPECT_EQ(p.contents("/tmp/l/"), "error " + std::to_string(ENOTDIR));
    const UserPiece to = p.piece(10);
    EXPECT_EQ(p("readlink", "/tmp/l", to, 10), 1);
    EXPECT_EQ(to.text(1), "a");
    EXPECT_EQ(p("readlink", "/tmp/m", to, 10), 10);
    EXPECT_EQ(p("readlink", "/tmp/a", to, 10), -EINVAL);
    EXPECT_EQ(p("readlink", "/tmp/l", to, 0), -EINVAL);
    EXPECT_EQ(p("open", "/tmp/l", open_no_follow), -ELOOP);
    EXPECT_EQ(stat_of("/tmp/l").mode, 0120777U);
    EXPECT_EQ(stat_of("/tmp/l").size, 1);
    EXPECT_EQ(p("link", "/tmp/l", "/tmp/l2"), 0); // the link itself
    EXPECT_EQ(stat_of("/tmp/l2").mode, 0120777U);
    EXPECT_EQ(p("linkat", at_current_directory, "/tmp/l", at_current_directory, "/tmp/l3", at_symlink_follow),
              0);
    EXPECT_EQ(stat_of("/tmp/l3").mode, 0100644U);
    EXPECT_EQ(p("rename", "/tmp/l", "/tmp/l4"), 0);
    EXPECT_EQ(p("unlink", "/tmp/l4"), 0);
    EXPECT_EQ(p.contents("/tmp/a"), "text");
}

TEST_F(Names, ListingsSurviveChanges) {
    std::set<std::string> kept;
    for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(i);
        p.put("/tmp/" + name, "");
        if (i % 2 == 0) kept.insert(name);
    }
    const long directory = p("open", "/tmp", open_directory);
    const UserPiece to = p.piece(300);
    std::map<std::string, int> seen;
    int next = 0;
    for (long size; (size = p("getdents64", directory, to, to.size)) > 0;) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            u16 length = 0;
            std::memcpy(&length, to.bytes() + at + 16, 2);
            ++seen[reinterpret_cast<const char*>(to.bytes() + at + 19)];
            at += length;
        }
        // Half of them go, others come.
        for (int i = 0; i < 10; ++i, ++next)
            if (next < 200 && next % 2 == 1) {
                EXPECT_EQ(p("unlink", "/tmp/" + std::to_string(next)), 0);
                p.put("/tmp/new" + std::to_string(next), "");
            }
    }
    for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
    for (const std::string& name : kept) EXPECT_EQ(seen.count(name), 1U) << name;
    EXPECT_EQ(p("lseek", directory, 0, 0), 0);
    EXPECT_EQ(p("getdents64", directory, to, 23), -EINVAL);
    EXPECT_GT(p("getdents64", directory, to, 24), 0);
    EXPECT_EQ(p("getdents64", directory, to, 24), 24);
    EXPECT_EQ(p("read", directory, to, 10), -EISDIR);
}

TEST_F(Names, Nodes) {
    EXPECT_EQ(p("mknod", "/tmp/f", 0010644, 0), 0);
    EXPECT_EQ(stat_of("/tmp/f").mode, 0010644U);
    EXPECT_EQ(p("mknod", "/tmp/n", 0020666, device_number(1, 3)), 0);
    EXPECT_EQ(p.contents("/tmp/n"), "");
    EXPECT_EQ(p("mknod", "/tmp/d", 0040666, 0), -EPERM);
    EXPECT_EQ(p("mknod", "/tmp/x", 0050666, 0), -EINVAL);
    EXPECT_EQ(p("mknod", "/tmp/b", 0060666, 5), 0);
    EXPECT_EQ(p("open", "/tmp/b", 0), -ENXIO);
    EXPECT_EQ(p("mknod", "/tmp/r", 0644, 0), 0);
    EXPECT_EQ(stat_of("/tmp/r").mode, 0100644U);
    Process user{root, 5, 5};
    EXPECT_EQ(user("mknod", "/tmp/m", 0020666, device_number(1, 3)), -EPERM);
    EXPECT_EQ(user("mknod", "/tmp/m", 0010666, 0), 0);
}

// Deeper than any stack, and taken away again at the end of the test.
TEST_F(Names, DeepTrees) {
    EXPECT_EQ(p("chdir", "/tmp"), 0);
    for (int i = 0; i < 3000; ++i) {
        ASSERT_EQ(p("mkdir", "d", 0755), 0) << i;
        ASSERT_EQ(p("chdir", "d"), 0);
    }
    EXPECT_EQ(p("getcwd", p.piece(4096), 4096), -ENAMETOOLONG);
    std::string up;
    for (int i = 0; i < 1000; ++i) up += "../";
    EXPECT_EQ(p("chdir", up), 0);
    EXPECT_EQ(p("chdir", up), 0);
    EXPECT_EQ(p("chdir", up), 0);
    EXPECT_EQ(p.listing("."), "d");
    const UserPiece to = p.piece(8);
    EXPECT_EQ(p("getcwd", to, 8), 5);
    EXPECT_EQ(to.text(5), std::string("/tmp\0", 5));
    EXPECT_EQ(p("getcwd", to, 4), -ERANGE);
}

} // namespace
} // namespace chorale::c_os::test
