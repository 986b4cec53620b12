// The bank, devices, random numbers, the tables of calls, /etc/security.
#include "c_os/calls/linux_call_number.hpp"
#include "c_os/file/random.hpp"
#include "c_os/security.hpp"
#include "process.hpp"

#include <file_layouts.hpp>

#include <set>
#include <vector>

namespace chorale::c_os::test {
namespace {

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string archive;
    const auto pad = [&] { archive.resize((archive.size() + 3) & ~std::size_t{3}); };
    const auto add = [&](const std::string& name, const std::string& data, unsigned mode) {
        char header[111];
        std::snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
                      0U, mode, 0U, 0U, 1U, 0U, data.size(), 0U, 0U, 0U, 0U, name.size() + 1, 0U);
        archive += header + name + '\0';
        pad();
        archive += data;
        pad();
    };
    for (const auto& [name, data] : files) add(name, data, data == "/" ? 040755 : 0100755);
    add("TRAILER!!!", "", 0);
    return archive;
}

const std::string archive = archive_of({{"bin/busybox", "\177ELF..."},
                                        {"sysadm.ini", "mount\n"},
                                        {"bin/script", "#!/bin/sh\n"},
                                        {"etc/deep/motd", "hello"},
                                        {"etc/deep", "no directory"},
                                        {"empty", "/"},
                                        {"bin/busybox/x", "below a file"}});

struct Bank : FilesTest {
    static RootSettings with_bank() {
        RootSettings settings = settings_of_tests();
        settings.bank = std::as_bytes(std::span{archive.data(), archive.size()});
        return settings;
    }
    Bank() : FilesTest{with_bank()} {}
    Process p{root};
};

TEST_F(Bank, IsAFolder) {
    EXPECT_EQ(log_text(), "c_os: 2 entries of the bank are bad or no files\n");
    EXPECT_EQ(p.listing("/image/sys_bank"), "bin empty etc sysadm.ini");
    EXPECT_EQ(p.listing("/image/sys_bank/etc/deep"), "motd");
    EXPECT_EQ(p.contents("/image/sys_bank/etc/deep/motd"), "hello");
    EXPECT_EQ(p.listing("/bin"), "busybox script");
    EXPECT_EQ(p.contents("/bin/script"), "#!/bin/sh\n");
    EXPECT_EQ(p("access", "/bin/busybox", 1), 0);
    EXPECT_EQ(p("open", "/bin/busybox", open_write_only), -EROFS);
    EXPECT_EQ(p("open", "/image/sys_bank/new", open_create | open_write_only, 0644), -EROFS);
    EXPECT_EQ(p("unlink", "/image/sys_bank/bin/busybox"), -EROFS);
    EXPECT_EQ(p("rename", "/image/sys_bank/bin/busybox", "/image/sys_bank/x"), -EROFS);
    EXPECT_EQ(p("chmod", "/image/sys_bank/bin/busybox", 0777), -EROFS);
    EXPECT_EQ(p("open", "/image/sys_bank/bin/busybox/x", 0), -ENOTDIR);
    EXPECT_EQ(p("open", "/image/sys_bank/nothing", 0), -ENOENT);
    EXPECT_EQ(p("chdir", "/image/sys_bank/etc/deep"), 0);
    const UserPiece to = p.piece(100);
    EXPECT_EQ(p("getcwd", to, 100), 25);
    EXPECT_EQ(to.text(24), "/image/sys_bank/etc/deep");
    EXPECT_EQ(p.listing("../../../.."), p.listing("/"));
    const long file = p("open", "motd", 0);
    EXPECT_EQ(p("lseek", file, -2, 2), 3);
    EXPECT_EQ(p.read(static_cast<int>(file), 10), "lo");
    EXPECT_EQ(p("pread64", file, to, 10, 1), 4);
    EXPECT_EQ(p("lseek", file, 0, 4), 5);
    EXPECT_EQ(p("lseek", file, 9, 3), -ENXIO);
    EXPECT_EQ(p("fallocate", file, 0, 0, 1), -EBADF);
    const long folder = p("open", ".", open_directory);
    EXPECT_EQ(p("getdents64", folder, to, 24), 24);
    EXPECT_EQ(p("getdents64", folder, to, 24), 24);
    EXPECT_EQ(p("getdents64", folder, to, 100), 24);
    EXPECT_EQ(to.text(24).substr(19, 4), "motd");
    EXPECT_EQ(p("getdents64", folder, to, 100), 0);
    EXPECT_EQ(p("statfs", ".", p.piece(120)), 0);
}

struct System : FilesTest {
    Process p{root};
};

TEST_F(System, Devices) {
    const long zero = p("open", "/dev/zero", open_read_write);
    EXPECT_EQ(p.read(static_cast<int>(zero), 5000), std::string(5000, '\0'));
    EXPECT_EQ(p("write", zero, "x", 1), 1);
    const long full = p("open", "/dev/full", open_read_write);
    EXPECT_EQ(p("write", full, "x", 1), -ENOSPC);
    EXPECT_EQ(p("lseek", full, 5, 0), 0);
    EXPECT_EQ(p.contents("/dev/null"), "");
    EXPECT_EQ(p("read", zero, 8, 1), -EFAULT);
    EXPECT_EQ(p("mknod", "/dev/none", 0020666, device_number(200, 1)), 0);
    EXPECT_EQ(p("open", "/dev/none", 0), -ENXIO);
    const UserPiece to = p.piece(sizeof(LinuxStat));
    EXPECT_EQ(p("stat", "/dev/null", to), 0);
    EXPECT_EQ(to.value<LinuxStat>().mode, 020666U);
    EXPECT_EQ(to.value<LinuxStat>().special, 0x103U);
    for (const u64 number :
         {device_number(4095, 255), device_number(70000, 1'000'000), device_number(1, 256)})
        EXPECT_EQ(device_number(device_major(number), device_minor(number)), number);
}

TEST_F(System, RandomNumbers) {
    EXPECT_TRUE(start_random());
    const long random = p("open", "/dev/urandom", open_read_write);
    EXPECT_EQ(p("write", random, "entropy", 7), 7);
    std::set<std::string> seen;
    for (int i = 0; i < 3000; ++i) seen.insert(p.read(static_cast<int>(random), 16));
    EXPECT_EQ(seen.size(), 3000U);
    // As many ones as zeros, but for a deviation that comes once in 10^9 times.
    const std::string text = p.read(static_cast<int>(random), 100'000);
    long ones = 0;
    for (const char byte : text) ones += __builtin_popcount(static_cast<unsigned char>(byte));
    EXPECT_NEAR(static_cast<double>(ones), 400'000.0, 6 * 447.0);
    u8 long_one[10000];
    random_bytes(long_one, sizeof long_one);
    EXPECT_NE(std::memcmp(long_one, long_one + 5000, 5000), 0);
}

TEST(Calls, AreFoundByNumber) {
    static_assert(linux_call_number("read") == 0 && linux_call_number("openat") == 257);
    static_assert(linux_call_number("nonsense") == -1);
    EXPECT_EQ(linux_call_name(0), "read");
    EXPECT_EQ(linux_call_name(100000), "");
    std::set<std::string_view> names;
    for (const NamedFileCall& call : file_calls::table) {
        EXPECT_TRUE(names.insert(call.name).second) << call.name;
        EXPECT_GE(linux_call_number(call.name), 0) << call.name;
    }
    std::set<u32> numbers;
    for (const LinuxCall& call : linux_calls) EXPECT_TRUE(numbers.insert(call.number).second) << call.name;
}

// Whatever the arguments: an answer, and nothing but the user's memory touched.
TEST_F(System, CallsSurviveNonsense) {
    u64 seed = 1;
    const auto any = [&]() -> u64 {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        const u64 value = seed >> 33;
        switch (value % 7) {
        case 0:
            return user_base + value % user_size;
        case 1:
            return ~u64{0} - value % 9;
        case 2:
            return u64{1} << value % 64;
        default:
            return value % 12;
        }
    };
    for (u64 i = 0; i < user_size / 8; ++i) {
        const u64 word = i % 3 == 0 ? 0x612f706d742f0000 : any(); // "/tmp/a"
        std::memcpy(user_memory() + i * 8, &word, 8);
    }
    for (int i = 0; i < 40000; ++i) {
        const NamedFileCall& call = file_calls::table[any() % std::size(file_calls::table)];
        // They may wait for ever.
        if (call.name.contains("poll") || call.name.contains("select")) continue;
        Abort abort;
        abort_wait(abort);
        set_abort(&abort);
        const Result<u64> result = call.function(p.context, {{any(), any(), any(), any(), any(), any()}});
        if (!result) EXPECT_NE(static_cast<int>(result.error()), 0);
        set_abort(nullptr);
        if (i % 100 == 0) p.context.files.close_range(0, ~0U);
    }
}

using Security = System;

TEST_F(Security, Mode) {
    Process user{root, 10, 10};
    EXPECT_FALSE(secured(p.context));
    EXPECT_TRUE(may_load_supervisor(user.context));
    p.put("/etc/security", "joe::10:10::*:\n", 0640);
    EXPECT_FALSE(secured(p.context)); // not everybody may read it
    EXPECT_EQ(p("chmod", "/etc/security", 0644), 0);
    EXPECT_TRUE(secured(user.context));
    EXPECT_EQ(may_load_supervisor(user.context), failed(Error::eperm));
    EXPECT_TRUE(may_load_supervisor(p.context));
}

} // namespace
} // namespace chorale::c_os::test
