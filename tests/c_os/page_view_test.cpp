// Views of a file's pages: what each shows while the file grows, shrinks and is divided.
#include "process.hpp"

#include "c_os/file/page_view.hpp"

#include <map>
#include <thread>

namespace chorale::c_os::test {
namespace {

class View final : public PageView {
  public:
    explicit View(PageRange range) : PageView{range} {}

    std::map<u64, std::byte*> pages;
    u64 room{100}; // so many pages can be shown
    bool going{};  // the address space is being deleted

    // The numbers of the pages that are there.
    [[nodiscard]] std::string picture() const {
        std::string text;
        for (const auto& [index, page] : pages) text += std::to_string(index) + " ";
        return text;
    }

  private:
    Done show(u64 index, std::byte* page) override {
        if (pages.size() >= room) return failed(Error::enomem);
        EXPECT_TRUE(pages.emplace(index, page).second);
        return {};
    }
    Done hide(u64 first) override {
        if (going) return failed(Error::esrch);
        pages.erase(pages.lower_bound(first), pages.end());
        return {};
    }
};

struct Views : FilesTest {
    Process p{root};
    Ref<Node> node;

    void SetUp() override {
        p.put("/tmp/a", std::string(3 * page_size + 10, 'a'));
        EXPECT_EQ(p("open", "/tmp/a", open_read_write), 0);
        const Result<FileUse> file = p.context.files.use(0);
        ASSERT_TRUE(file);
        node = Ref<Node>{(*file)->node()};
    }
};

TEST_F(Views, ShowWhatThereIs) {
    View all{{0, 10}}, part{{1, 2}}, behind{{4, 2}};
    ASSERT_TRUE(node->add_view(all) && node->add_view(part) && node->add_view(behind));
    EXPECT_EQ(all.picture(), "0 1 2 3 ");
    EXPECT_EQ(part.picture(), "1 2 ");
    EXPECT_EQ(behind.picture(), "");
    EXPECT_EQ(all.pages[2], part.pages[2]);
    EXPECT_EQ(p("pwrite64", 0, "xyz", 3, 2 * page_size), 3);
    EXPECT_EQ(static_cast<char>(all.pages[2][1]), 'y');
    all.pages[1][7] = std::byte{'q'};
    const UserPiece to = p.piece(1);
    EXPECT_EQ(p("pread64", 0, to, 1, page_size + 7), 1);
    EXPECT_EQ(to.text(1), "q");
    for (View* view : {&all, &part, &behind}) node->remove_view(*view);
}

TEST_F(Views, FollowTheFilesEnd) {
    View all{{0, 10}}, part{{1, 2}};
    ASSERT_TRUE(node->add_view(all) && node->add_view(part));
    all.pages[3][20] = std::byte{'t'}; // behind the end
    EXPECT_EQ(p("ftruncate", 0, 5 * page_size), 0);
    EXPECT_EQ(all.picture(), "0 1 2 3 4 ");
    EXPECT_EQ(all.pages[3][20], std::byte{});
    EXPECT_EQ(p("ftruncate", 0, page_size + 1), 0);
    EXPECT_EQ(all.picture(), "0 1 ");
    EXPECT_EQ(part.picture(), "1 ");
    EXPECT_EQ(all.pages[1][1], std::byte{});
    EXPECT_EQ(p("pwrite64", 0, "x", 1, 7 * page_size), 1); // with holes
    EXPECT_EQ(all.picture(), "0 1 2 3 4 5 6 7 ");
    EXPECT_EQ(p("fallocate", 0, 0, 0, 20 * page_size), 0);
    EXPECT_EQ(all.picture(), "0 1 2 3 4 5 6 7 8 9 ");
    EXPECT_EQ(part.picture(), "1 2 ");
    EXPECT_EQ(p("ftruncate", 0, 0), 0);
    EXPECT_EQ(all.picture(), "");
    node->remove_view(all);
    node->remove_view(part);
}

TEST_F(Views, AreDivided) {
    View whole{{0, 10}}, rest{{6, 4}};
    ASSERT_TRUE(node->add_view(whole));
    node->divide_view(whole, {1, 2}, &rest);
    EXPECT_EQ(p("ftruncate", 0, 8 * page_size), 0);
    EXPECT_EQ(whole.picture(), "0 1 2 3 "); // page 0 and 3 are not its any more
    EXPECT_EQ(rest.picture(), "6 7 ");
    EXPECT_EQ(p("ftruncate", 0, 2 * page_size), 0);
    EXPECT_EQ(rest.picture(), "");
    EXPECT_EQ(p("ftruncate", 0, 8 * page_size), 0);
    EXPECT_EQ(whole.picture(), "0 1 2 ");
    View last{{9, 1}};
    node->divide_view(rest, {6, 3}, &last);
    EXPECT_EQ(p("ftruncate", 0, 10 * page_size), 0);
    EXPECT_EQ(rest.picture() + last.picture(), "6 7 8 9 ");
    for (View* view : {&whole, &rest, &last}) node->remove_view(*view);
}

TEST_F(Views, CanHaveTooLittleMemory) {
    View small{{0, 10}};
    small.room = 2;
    EXPECT_EQ(node->add_view(small), failed(Error::enomem));
    EXPECT_EQ(small.picture(), "0 1 ");
    small.room = 100;
    EXPECT_EQ(p("ftruncate", 0, 4 * page_size), 0);
    EXPECT_EQ(small.picture(), "0 1 2 3 ");
    node->remove_view(small);
    EXPECT_EQ(p("open", "/dev/null", open_read_write), 1);
    const Result<FileUse> device = p.context.files.use(1);
    ASSERT_TRUE(device);
    EXPECT_EQ((*device)->node().add_view(small), failed(Error::enodev));
}

// The file is not cut before the last who may see its pages has gone.
TEST_F(Views, OfAnAddressSpaceThatGoes) {
    View view{{0, 10}};
    ASSERT_TRUE(node->add_view(view));
    view.going = true;
    Abort abort;
    abort_wait(abort);
    set_abort(&abort);
    EXPECT_EQ(p("ftruncate", 0, 0), -EINTR);
    set_abort(nullptr);
    EXPECT_EQ(view.picture(), "0 1 2 3 ");
    std::jthread end{[&] { node->remove_view(view); }};
    EXPECT_EQ(p("ftruncate", 0, 0), 0);
}

} // namespace
} // namespace chorale::c_os::test
