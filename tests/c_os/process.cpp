#include "process.hpp"

#include "c_os/file/device.hpp"

#include <algorithm>
#include <vector>

namespace chorale::c_os::test {

Process::Process(u32 slot, Ref<Node> root, u32 uid, u32 gid)
    : own_{user_base + u64{slot % slots} * slot_size}, piece_{own_}, next_{own_} {
    Credentials credentials;
    credentials.uid = credentials.real_uid = credentials.saved_uid = uid;
    credentials.gid = credentials.real_gid = credentials.saved_gid = gid;
    context.begin(std::move(root), credentials);
}

std::string Process::contents(const std::string& path) {
    const long descriptor = (*this)("open", path, open_read_only);
    if (descriptor < 0) return "error " + std::to_string(-descriptor);
    std::string text;
    for (;;) {
        const std::string part = read(static_cast<int>(descriptor), 4096);
        if (part.empty()) break;
        text += part;
    }
    EXPECT_EQ((*this)("close", descriptor), 0);
    return text;
}

void Process::put(const std::string& path, const std::string& text, u32 mode) {
    const long descriptor = (*this)("open", path, open_write_only | open_create | open_truncate, mode);
    ASSERT_GE(descriptor, 0) << path;
    ASSERT_EQ((*this)("write", descriptor, text, text.size()), static_cast<long>(text.size()));
    ASSERT_EQ((*this)("close", descriptor), 0);
}

std::string Process::listing(const std::string& path) {
    const long descriptor = (*this)("open", path, open_read_only | open_directory);
    if (descriptor < 0) return "error " + std::to_string(-descriptor);
    std::vector<std::string> names;
    const UserPiece to = piece(1024);
    for (;;) {
        const long size = (*this)("getdents64", descriptor, to, to.size);
        if (size <= 0) break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            u16 length = 0;
            std::memcpy(&length, to.bytes() + at + 16, sizeof length);
            names.emplace_back(reinterpret_cast<const char*>(to.bytes() + at + 19));
            at += length;
        }
    }
    EXPECT_EQ((*this)("close", descriptor), 0);
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names)
        if (name != "." && name != "..") text += (text.empty() ? "" : " ") + name;
    return text;
}

RootSettings FilesTest::settings_of_tests() {
    return {.clock = file_time, .bank = {}, .pages = 4096, .nodes = 4096, .secret = {1, 2}};
}

FilesTest::FilesTest(const RootSettings& settings) {
    set_user_end();
    fail_allocation_after(0);
    EXPECT_TRUE(register_memory_devices());
    EXPECT_EQ(log_text(), "");
    Result<Ref<Node>> made = make_root(settings);
    EXPECT_TRUE(made);
    if (made) root = std::move(*made);
}

FilesTest::~FilesTest() {
    fail_allocation_after(0);
    root = nullptr;
    end_root();
    EXPECT_EQ(living_pages(), 0U);
}

} // namespace chorale::c_os::test
