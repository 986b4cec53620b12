// Who may do what, and how much of it.
#include "process.hpp"

#include <file_layouts.hpp>

namespace chorale::c_os::test {
namespace {

struct Permissions : FilesTest {
    Process admin{root};
    Process user{root, 10, 20};
    Process other{root, 11, 21};

    LinuxStat stat_of(const std::string& path) {
        const UserPiece to = admin.piece(sizeof(LinuxStat));
        EXPECT_EQ(admin("lstat", path, to), 0) << path;
        return to.value<LinuxStat>();
    }
};

TEST_F(Permissions, OwnerGroupOthers) {
    Credentials credentials;
    credentials.uid = 11;
    credentials.gid = 99;
    credentials.groups[credentials.group_count++] = 20;
    for (u32 mode = 0; mode < 01000; ++mode) {
        const Attributes attributes{.mode = mode, .uid = 10, .gid = 20};
        for (unsigned access = 1; access < 8; ++access) {
            EXPECT_EQ(permitted(attributes, user.context.credentials(), access).has_value(),
                      (mode >> 6 & access) == access);
            EXPECT_EQ(permitted(attributes, credentials, access).has_value(), (mode >> 3 & access) == access);
            EXPECT_EQ(permitted(attributes, other.context.credentials(), access).has_value(),
                      (mode & access) == access);
            EXPECT_EQ(permitted(attributes, admin.context.credentials(), access).has_value(),
                      (access & access_execute) == 0 || (mode & 0111) != 0);
        }
    }
}

TEST_F(Permissions, CountWhenOpening) {
    user.put("/tmp/a", "x", 0640);
    EXPECT_EQ(stat_of("/tmp/a").uid, 10U);
    EXPECT_EQ(other("open", "/tmp/a", open_read_only), -EACCES);
    EXPECT_EQ(user("chmod", "/tmp/a", 0444), 0);
    EXPECT_EQ(other.contents("/tmp/a"), "x");
    EXPECT_EQ(user("open", "/tmp/a", open_write_only), -EACCES);
    EXPECT_EQ(user("open", "/tmp/a", open_read_only | open_truncate), -EACCES);
    EXPECT_EQ(user("truncate", "/tmp/a", 0), -EACCES);
    EXPECT_GE(admin("open", "/tmp/a", open_write_only), 0);
    EXPECT_EQ(other("chmod", "/tmp/a", 0777), -EPERM);
    // Of a file that it makes, whatever its mode.
    EXPECT_GE(user("open", "/tmp/b", open_create | open_read_write, 0), 0);
    EXPECT_EQ(user("open", "/tmp/b", open_create | open_read_write, 0), -EACCES);
    EXPECT_EQ(user("access", "/tmp/a", 4), 0);
    EXPECT_EQ(user("access", "/tmp/a", 2), -EACCES);
    EXPECT_EQ(user("access", "/tmp/a", 8), -EINVAL);
    EXPECT_EQ(admin("access", "/tmp/a", 1), -EACCES);
    EXPECT_EQ(user("open", "/root", open_read_only), -EACCES);
    EXPECT_EQ(user("open", "/root/x", open_read_only), -EACCES);
    EXPECT_EQ(user("chdir", "/root"), -EACCES);
    EXPECT_EQ(user("mkdir", "/etc/x", 0755), -EACCES);
    EXPECT_EQ(user("chroot", "/tmp"), -EPERM);
}

TEST_F(Permissions, AccessAsksWithTheRealIds) {
    admin.put("/tmp/a", "x", 0600);
    Credentials credentials = admin.context.credentials();
    credentials.real_uid = credentials.real_gid = 10;
    admin.context.set_credentials(credentials);
    EXPECT_EQ(admin("access", "/tmp/a", 4), -EACCES);
    EXPECT_EQ(admin("faccessat2", at_current_directory, "/tmp/a", 4, at_effective_access), 0);
    EXPECT_EQ(admin("access", "/root/x", 0), -EACCES);
}

TEST_F(Permissions, StickyDirectories) {
    user.put("/tmp/a", "");
    other.put("/tmp/b", "");
    EXPECT_EQ(other("unlink", "/tmp/a"), -EPERM);
    EXPECT_EQ(other("rename", "/tmp/a", "/tmp/c"), -EPERM);
    EXPECT_EQ(other("rename", "/tmp/b", "/tmp/a"), -EPERM);
    EXPECT_EQ(user("mkdir", "/tmp/d", 0777), 0);
    EXPECT_EQ(other("rmdir", "/tmp/d"), -EPERM);
    EXPECT_EQ(user("unlink", "/tmp/a"), 0);
    EXPECT_EQ(admin("unlink", "/tmp/b"), 0);
}

TEST_F(Permissions, Owners) {
    user.put("/tmp/a", "", 06755);
    EXPECT_EQ(stat_of("/tmp/a").mode, 0106755U);
    EXPECT_EQ(user("chown", "/tmp/a", 11, ~u32{0}), -EPERM);
    EXPECT_EQ(user("chown", "/tmp/a", ~u32{0}, 21), -EPERM);
    EXPECT_EQ(user("chown", "/tmp/a", 10, 20), 0);
    EXPECT_EQ(stat_of("/tmp/a").mode, 0100755U); // the rights of an owner go with him
    EXPECT_EQ(admin("lchown", "/tmp/a", 11, 77), 0);
    EXPECT_EQ(stat_of("/tmp/a").uid, 11U);
    EXPECT_EQ(other("chmod", "/tmp/a", 02755), 0); // no member of the file's group
    EXPECT_EQ(stat_of("/tmp/a").mode, 0100755U);
    EXPECT_EQ(admin("chmod", "/tmp/a", 06777), 0);
    const long file = user("open", "/tmp/a", open_write_only);
    EXPECT_EQ(user("write", file, "x", 1), 1);
    EXPECT_EQ(stat_of("/tmp/a").mode, 0100777U); // who writes to a program does not get its rights
    EXPECT_EQ(user("utimensat", at_current_directory, "/tmp/a", nullptr, 0), 0);
    struct Times {
        std::int64_t values[4];
    };
    EXPECT_EQ(user("utimensat", at_current_directory, "/tmp/a", user.piece_of(Times{{1, 1, 1, 1}}), 0),
              -EPERM);
    EXPECT_EQ(admin("chmod", "/tmp/a", 0700), 0);
    EXPECT_EQ(user("utimensat", at_current_directory, "/tmp/a", nullptr, 0), -EACCES);
    EXPECT_EQ(user("open", "/tmp/a", open_no_access_time), -EACCES);
}

TEST_F(Permissions, GroupsOfDirectories) {
    EXPECT_EQ(admin("mkdir", "/tmp/d", 0777), 0);
    EXPECT_EQ(admin("chown", "/tmp/d", 0, 55), 0);
    EXPECT_EQ(admin("chmod", "/tmp/d", 02777), 0);
    user.put("/tmp/d/a", "");
    EXPECT_EQ(stat_of("/tmp/d/a").gid, 55U);
    EXPECT_EQ(user("mkdir", "/tmp/d/e", 0755), 0);
    EXPECT_EQ(stat_of("/tmp/d/e").mode, 042755U);
    EXPECT_EQ(user("umask", 077), 022);
    EXPECT_EQ(user("mkdir", "/tmp/f", 0777), 0);
    EXPECT_EQ(stat_of("/tmp/f").mode, 040700U);
}

TEST_F(Permissions, SizesHaveALimit) {
    user.context.set_file_size_limit(10);
    const long file = user("open", "/tmp/a", open_create | open_read_write, 0600);
    EXPECT_EQ(user("write", file, std::string(20, 'x'), 20), 10);
    EXPECT_EQ(user("write", file, "x", 1), -EFBIG);
    EXPECT_EQ(user("ftruncate", file, 11), -EFBIG);
    EXPECT_EQ(user("truncate", "/tmp/a", 11), -EFBIG);
}

struct Quotas : FilesTest {
    static RootSettings limited() {
        RootSettings settings = settings_of_tests();
        settings.pages = 64;
        settings.nodes = 64;
        settings.pages_of_user = 16;
        settings.nodes_of_user = 8;
        return settings;
    }
    Quotas() : FilesTest{limited()} {}
    Process admin{root};
    Process user{root, 10, 20};

    std::string statistics() {
        const UserPiece to = admin.piece(120);
        EXPECT_EQ(admin("statfs", "/", to), 0);
        return std::to_string(to.value<u64>(3)) + " " + std::to_string(to.value<u64>(6));
    }
};

TEST_F(Quotas, OfPages) {
    const std::string before = statistics();
    const long file = user("open", "/tmp/a", open_create | open_read_write, 0600);
    // 16 pages, one of which is a table.
    EXPECT_EQ(user("write", file, std::string(80000, 'x'), 80000), 15 * 4096);
    EXPECT_EQ(user("write", file, "x", 1), -EDQUOT);
    EXPECT_EQ(user("mkdir", "/tmp/d", 0755), 0);
    const long more = admin("open", "/tmp/b", open_create | open_read_write, 0666);
    EXPECT_EQ(admin("write", more, std::string(190000, 'x'), 190000), 190000);
    EXPECT_EQ(admin("chown", "/tmp/b", 10, 20), -EDQUOT);
    EXPECT_EQ(admin("write", more, std::string(190000, 'x'), 190000), 47 * 4096 - 190000);
    EXPECT_EQ(admin("write", more, "x", 1), -ENOSPC);
    EXPECT_EQ(statistics().substr(0, 2), "0 ");
    EXPECT_EQ(user("ftruncate", file, 0), 0);
    EXPECT_EQ(admin("write", more, "x", 1), 1);
    EXPECT_EQ(admin("chown", "/tmp/a", 0, 0), 0);
    EXPECT_EQ(admin("unlink", "/tmp/a"), 0);
    EXPECT_EQ(admin("unlink", "/tmp/b"), 0);
    EXPECT_EQ(admin("rmdir", "/tmp/d"), 0);
    EXPECT_EQ(admin("close", more), 0);
    EXPECT_EQ(user("close", file), 0);
    EXPECT_EQ(statistics(), before);
}

TEST_F(Quotas, OfNodes) {
    const std::string before = statistics();
    for (int i = 0; i < 8; ++i) user.put("/tmp/" + std::to_string(i), "");
    EXPECT_EQ(user("mkdir", "/tmp/d", 0755), -EDQUOT);
    EXPECT_EQ(user("symlink", "x", "/tmp/d"), -EDQUOT);
    EXPECT_EQ(user("link", "/tmp/1", "/tmp/d"), 0); // no node
    int made = 0;
    while (admin("mknod", "/tmp/n" + std::to_string(made), 0644, 0) == 0) ++made;
    EXPECT_EQ(admin("mknod", "/tmp/n", 0644, 0), -ENOSPC);
    EXPECT_EQ(admin("unlink", "/tmp/2"), 0);
    EXPECT_EQ(admin("mknod", "/tmp/n", 0644, 0), 0);
    EXPECT_EQ(user("mknod", "/tmp/2", 0644, 0), -ENOSPC);
    for (int i = 0; i < made; ++i) EXPECT_EQ(admin("unlink", "/tmp/n" + std::to_string(i)), 0);
    for (int i = 0; i < 8; ++i)
        if (i != 2) EXPECT_EQ(admin("unlink", "/tmp/" + std::to_string(i)), 0);
    EXPECT_EQ(admin("unlink", "/tmp/n"), 0);
    EXPECT_EQ(admin("unlink", "/tmp/d"), 0);
    EXPECT_EQ(statistics(), before);
}

// A directory's names are paid for with pages.
TEST_F(Quotas, OfNames) {
    user.put("/tmp/a", "");
    EXPECT_EQ(user("mkdir", "/tmp/d", 0755), 0);
    int made = 0;
    while (user("link", "/tmp/a", "/tmp/d/" + std::to_string(made) + std::string(200, 'x')) == 0) ++made;
    EXPECT_EQ(user("link", "/tmp/a", "/tmp/d/" + std::to_string(made) + std::string(200, 'x')), -EDQUOT);
    EXPECT_GT(made, 200);
    EXPECT_LT(made, 300);
    for (int i = 0; i < made; ++i)
        EXPECT_EQ(user("unlink", "/tmp/d/" + std::to_string(i) + std::string(200, 'x')), 0);
    const UserPiece to = admin.piece(sizeof(LinuxStat));
    EXPECT_EQ(admin("stat", "/tmp/d", to), 0);
    EXPECT_EQ(to.value<LinuxStat>().blocks, 0);
}

} // namespace
} // namespace chorale::c_os::test
