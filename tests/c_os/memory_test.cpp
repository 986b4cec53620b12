// Every allocation of every call fails once: the call says enomem or does without, nothing changes by half,
// and nothing is lost.
#include "process.hpp"

#include "c_os/base/owned.hpp"

#include <functional>

namespace chorale::c_os::test {
namespace {

struct Memory : FilesTest {
    Process p{root};

    std::string state() {
        std::string all;
        for (const char* path : {"/tmp", "/tmp/d", "/etc"}) all += p.listing(path) + "; ";
        return all + p.contents("/tmp/a");
    }
    // Runs the call with the first allocation failing, then the second, and so on, until none fails.
    void each_fails(const char* what, const std::function<long()>& call) {
        const std::string before = state();
        for (u64 i = 1;; ++i) {
            fail_allocation_after(i);
            const long result = call();
            const bool failed = allocation_failed();
            fail_allocation_after(0);
            if (!failed) {
                EXPECT_GE(result, 0) << what;
                EXPECT_GT(i, 1U) << what << " allocates nothing";
                break;
            }
            if (result >= 0) break; // it did without
            EXPECT_EQ(result, -ENOMEM) << what << " " << i;
            ASSERT_EQ(state(), before) << what << " " << i;
        }
    }
};

TEST_F(Memory, IsAskedForAndRefused) {
    p.put("/tmp/a", "a");
    ASSERT_EQ(p("mkdir", "/tmp/d", 0755), 0);
    ASSERT_EQ(p("symlink", "/tmp/a", "/tmp/l"), 0);
    ASSERT_EQ(p("mknod", "/tmp/f", 0010644, 0), 0);
    const long file = p("open", "/tmp/d/f", open_create | open_read_write, 0644);
    ASSERT_GE(file, 0);
    const UserPiece place = p.piece(4096);

    each_fails("open", [&] { return p("open", "/tmp/a", open_read_only); });
    each_fails("open of a link", [&] { return p("open", "/tmp/l", open_read_only); });
    each_fails("open of a fifo", [&] { return p("open", "/tmp/f", open_read_write); });
    each_fails("open of a device", [&] { return p("open", "/dev/zero", open_read_only); });
    each_fails("open of a place", [&] { return p("open", "/tmp", open_path); });
    each_fails("open of a directory", [&] { return p("open", "/tmp", open_directory); });
    each_fails("open of the bank", [&] { return p("open", "/image/sys_bank", open_directory); });
    each_fails("creat", [&] {
        const long made = p("creat", "/tmp/d/new", 0644);
        // Without memory for the open file there is a new file all the same.
        if (made < 0) p("unlink", "/tmp/d/new");
        return made;
    });
    each_fails("mkdir", [&] { return p("mkdir", "/tmp/d/e", 0755); });
    each_fails("mknod", [&] { return p("mknod", "/etc/n", 0010644, 0); });
    each_fails("symlink", [&] { return p("symlink", std::string(300, 'x'), "/etc/s"); });
    each_fails("link", [&] { return p("link", "/tmp/a", "/tmp/d/b"); });
    each_fails("rename", [&] { return p("rename", "/tmp/d/b", "/etc/c"); });
    each_fails("write", [&] { return p("pwrite64", file, "x", 1, u64{1} << 40); });
    each_fails("fallocate", [&] { return p("fallocate", file, 0, 1 << 20, 10000); });
    each_fails("getcwd", [&] { return p("getcwd", place, 4096); });
    each_fails("pipe", [&] { return p("pipe2", place, 0); });
    const int to_write = place.value<int>(1);
    each_fails("write to a pipe", [&] { return p("write", to_write, "x", 1); });
    each_fails("flock", [&] { return p("flock", file, 1); });
    each_fails("poll", [&] { return p("poll", p.piece(8), 0, 0); });
    each_fails("select",
               [&] { return p("select", 0, nullptr, nullptr, nullptr, p.piece_of(std::pair{0L, 0L})); });
    const long source = p("open", "/tmp/a", open_read_only);
    each_fails("sendfile", [&] { return p("sendfile", file, source, nullptr, 1); });
    each_fails("readv", [&] {
        std::memset(place.bytes(), 0, 9 * 16);
        return p("readv", file, place, 9);
    });
    each_fails("dup2", [&] { return p("dup2", file, 1000); });
    each_fails("a child", [&] {
        const Owned<FileContext> child{new FileContext};
        const Done done = child->begin_as_child(p.context);
        return done ? 0L : -static_cast<long>(done.error());
    });
    Process user{root, 5, 5};
    each_fails("chown", [&] { return p("chown", "/tmp/a", 77, 77); });
}

// Many names: the tables grow.
TEST_F(Memory, TablesOfNamesGrow) {
    p.put("/tmp/a", "a");
    ASSERT_EQ(p("mkdir", "/tmp/d", 0755), 0);
    for (int i = 0; i < 300; ++i) {
        const std::string name = "/tmp/d/" + std::to_string(i);
        fail_allocation_after(static_cast<u64>(i % 5) + 1);
        long result = p("link", "/tmp/a", name);
        fail_allocation_after(0);
        if (result == -ENOMEM) result = p("link", "/tmp/a", name);
        ASSERT_EQ(result, 0);
    }
    for (int i = 0; i < 300; ++i) ASSERT_EQ(p("unlink", "/tmp/d/" + std::to_string(i)), 0);
}

// The whole tree.
TEST(MemoryAtTheStart, IsAskedForAndRefused) {
    for (u64 i = 1;; ++i) {
        fail_allocation_after(i);
        const Result<Ref<Node>> root = make_root(FilesTest::settings_of_tests());
        const bool failed = allocation_failed();
        fail_allocation_after(0);
        if (root) {
            EXPECT_FALSE(failed);
            break;
        }
        ASSERT_TRUE(failed);
        ASSERT_EQ(root.error(), Error::enomem) << i;
    }
    end_root();
}

} // namespace
} // namespace chorale::c_os::test
