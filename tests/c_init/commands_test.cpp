// The other commands; files of commands; redirections; help.
#include "console_fixture.hpp"

#include "c_init/completion.hpp"
#include "c_init/session.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

namespace chorale::c_init {

namespace {

using ConsoleCommands = ConsoleTest;

TEST_F(ConsoleCommands, Variables) {
    EXPECT_EQ(run("setenv CHORALE_X 'a b'"), 0);
    EXPECT_EQ(run("echo $CHORALE_X"), 0);
    EXPECT_EQ(out, "a b\n");
    EXPECT_EQ(run("env"), 0);
    EXPECT_NE(out.find("\nCHORALE_X=a b\n"), std::string::npos);
    EXPECT_EQ(run("unsetenv CHORALE_X"), 0);
    EXPECT_EQ(run("echo .$CHORALE_X."), 0);
    EXPECT_EQ(out, "..\n");
    expect_error("setenv A", 2, "setenv: a variable and its value");
    expect_error("setenv 1A x", 1, "setenv: `1A` is not a variable's name");
    expect_error("setenv A=B x", 1, "setenv: `A=B` is not a variable's name");
    expect_error("setenv '' x", 1, "setenv: `` is not a variable's name");
    expect_error("unsetenv", 2, "unsetenv: a variable");
    expect_error("unsetenv A-", 1, "unsetenv: `A-` is not a variable's name");
    expect_error("env x", 2, "env: it takes no arguments");
}

TEST_F(ConsoleCommands, Mask) {
    const mode_t before = umask(027);
    EXPECT_EQ(run("umask"), 0);
    EXPECT_EQ(out, "0027\n");
    EXPECT_EQ(run("umask 077"), 0);
    EXPECT_EQ(umask(027), 077U);
    expect_error("umask 8", 1, "umask: `8` is not an octal mask of 0 to 777");
    expect_error("umask 1000", 1, "umask: `1000` is not an octal mask of 0 to 777");
    expect_error("umask u=rwx", 1, "umask: `u=rwx` is not an octal mask of 0 to 777");
    expect_error("umask 1 2", 2, "umask: at most one mask");
    umask(before);
}

TEST_F(ConsoleCommands, Limits) {
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(run("ulimit -S -n 64"), 0);
    EXPECT_EQ(run("ulimit -n"), 0);
    EXPECT_EQ(out, "64\n");
    EXPECT_EQ(run("ulimit -Hn"), 0);
    EXPECT_EQ(out, std::to_string(before.rlim_max) + "\n");
    EXPECT_EQ(run("ulimit -a"), 0);
    EXPECT_NE(out.find("-n: open files"), std::string::npos);
    EXPECT_NE(out.find("-f: file size"), std::string::npos);
    EXPECT_EQ(run("ulimit"), 0);
    EXPECT_EQ(out, "unlimited\n");
    expect_error("ulimit -q", 2, "ulimit: there is no option -q");
    expect_error("ulimit -f many", 1, "ulimit: `many` is neither a number nor `unlimited`");
    expect_error("ulimit -f 18446744073709551615", 1,
                 "ulimit: `18446744073709551615` is neither a number nor `unlimited`");
    expect_error("ulimit -a 3", 2, "ulimit: -a only lists");
    expect_error("ulimit 1 2", 2, "ulimit: at most one limit");
    setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(ConsoleCommands, Folders) {
    std::filesystem::create_directory("inner");
    EXPECT_EQ(run("cd inner"), 0);
    EXPECT_EQ(run("pwd"), 0);
    EXPECT_TRUE(out.ends_with("/inner\n")) << out;
    expect_error("cd nowhere", 1, "cd: nowhere: no such file or directory");
    expect_error("cd a b", 2, "cd: at most one folder");
    expect_error("pwd x", 2, "pwd: it takes no arguments");
}

TEST_F(ConsoleCommands, Memory) {
    EXPECT_EQ(run("memstat"), 0);
    EXPECT_EQ(out, "total memory:       134217728 bytes\n"
                   "free memory:         99000320 bytes\n"
                   "locked memory:           4096 bytes\n");
    site.result = -ENOSYS;
    expect_error("memstat", 1, "memstat: function not implemented");
    expect_error("memstat x", 2, "memstat: it takes no arguments");
}

TEST_F(ConsoleCommands, Stops) {
    expect_error("reboot", 1, "reboot: operation not permitted");
    expect_error("reboot x", 2, "reboot: it takes no arguments");
    expect_error("shutdown", 2, "shutdown: which level?");
    expect_error("shutdown -i", 2, "shutdown: -i without a level");
    expect_error("shutdown -i 1", 1, "shutdown: -i 1: there is no hot restart in this image");
    expect_error("shutdown -i 4", 1, "shutdown: -i 4: the levels are 0 to 3");
    expect_error("restart", 1,
                 "restart: there is no hot restart in this image; `reboot` starts the machine anew");
    EXPECT_EQ(site.stops, std::vector{Stop::reboot});
    EXPECT_TRUE(actors.killed.empty());
    EXPECT_EQ(run("shutdown -i0"), 1);
    EXPECT_EQ(out, "theirs (aid 4): ended\nam (aid 3): ended\n");
    EXPECT_EQ(actors.killed, (std::vector{4, 3}));
    EXPECT_EQ(site.stops.back(), Stop::power_off);
    EXPECT_EQ(run("shutdown -i 2"), 1);
    EXPECT_EQ(site.stops.back(), Stop::reboot);
}

TEST_F(ConsoleCommands, Words) {
    EXPECT_EQ(run("echo"), 0);
    EXPECT_EQ(out, "\n");
    EXPECT_EQ(run("echo -n a b"), 0);
    EXPECT_EQ(out, "a b");
    std::string many = "echo";
    for (int i = 0; i < 10000; ++i) many += " a";
    EXPECT_EQ(run(many), 0);
    EXPECT_EQ(out.size(), 20000U);
    expect_error("sleep x", 1, "sleep: `x` is not a number of 0 to 86400");
    expect_error("sleep 1 2", 2, "sleep: at most one number");
    EXPECT_EQ(run("sleep 0"), 0);
    EXPECT_EQ(run("console"), 0);
    shell.set_prompting();
    expect_error("console", 1, "console: this is the console already");
}

TEST_F(ConsoleCommands, Redirections) {
    EXPECT_EQ(run("echo one > f"), 0);
    EXPECT_EQ(out, "");
    EXPECT_EQ(run("echo two >> f"), 0);
    EXPECT_EQ(read("f"), "one\ntwo\n");
    EXPECT_EQ(run("echo three > f"), 0);
    EXPECT_EQ(read("f"), "three\n");
    EXPECT_EQ(run("akill x 2> e"), 1);
    EXPECT_EQ(error, "");
    EXPECT_EQ(read("e"), "akill: `x` is not an aid\n");
    EXPECT_EQ(run("akill y 2>> e"), 1);
    EXPECT_EQ(read("e"), "akill: `x` is not an aid\nakill: `y` is not an aid\n");
    expect_error("echo a < nowhere", 1, "echo: nowhere: no such file or directory");
    expect_error("echo a > f < nowhere", 1, "echo: nowhere: no such file or directory");
    expect_error("echo a > no/where", 1, "echo: no/where: no such file or directory");
    EXPECT_EQ(run("echo here"), 0);
    EXPECT_EQ(out, "here\n");
    EXPECT_EQ(run("echo a > /dev/full"), 1);
    EXPECT_EQ(error, "echo: output: no space left on device\n");
}

TEST_F(ConsoleCommands, RedirectionsWithFewDescriptors) {
    rlimit before{}, few{};
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 10;
    setrlimit(RLIMIT_NOFILE, &few);
    // Into a file, as catching the output would need descriptors too.
    const int status = shell.run_line("echo one > f 2> e < /dev/null");
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read("f"), "one\n");
}

TEST_F(ConsoleCommands, OnlyProgramsInTheBackground) {
    expect_error("echo a &", 2, "echo: only programs run in the background");
}

TEST_F(ConsoleCommands, SourceReportsPlaces) {
    write("s", "echo a\n\n# comment\nakill x\nnowhere\necho 'b\necho $?");
    EXPECT_EQ(run("source s"), 0);
    EXPECT_EQ(out, "a\n2\n");
    EXPECT_EQ(error, "s:4: akill: `x` is not an aid\n"
                     "s:5: nowhere: no such command, and no such program in /bin\n"
                     "s:6: syntax error: a ' without a second one\n");
    expect_error("source", 2, "source: one file");
    expect_error("source nothing", 1, "source: nothing: no such file or directory");
    expect_error("source .", 1, "source: .: is a directory");
}

TEST_F(ConsoleCommands, SourceIsBounded) {
    write("s", "source s\n");
    EXPECT_EQ(run("source s"), 1);
    EXPECT_EQ(error, "s:1: source: s: more than 16 files source each other\n");
    write("large", std::string(Shell::file_limit + 1, '\n'));
    expect_error("source large", 1, "source: large: file too large");
    write("nul", std::string{"echo a\0b\necho c\n", 16});
    expect_error("source nul", 1, "source: nul: not a text file");
    write("long", std::string(line_limit + 1, 'x'));
    expect_error("source long", 2, "long:1: syntax error: the line is too long: 65537 bytes, at most 65536");
}

TEST_F(ConsoleCommands, AnInterruptEndsTheFile) {
    write("s", "hello\necho after\n");
    actors.end = {End::Kind::event, SIGINT};
    EXPECT_EQ(run("source s"), 128 + SIGINT);
    EXPECT_EQ(out, "");
    EXPECT_EQ(error, "s:1: hello (aid 10): interrupted\n");
}

TEST_F(ConsoleCommands, Help) {
    EXPECT_EQ(run("help"), 0);
    for (const Command& command : commands()) {
        EXPECT_NE(out.find(std::string{"\n  "} + command.name + " "), std::string::npos) << command.name;
    }
    for (const Command& command : commands()) {
        const std::string name = command.name;
        EXPECT_EQ(run("help " + name), 0);
        const std::string text = out;
        EXPECT_TRUE(text.starts_with(name)) << text;
        if (!command.is_program) {
            EXPECT_EQ(run(name + " --help"), 0);
            EXPECT_EQ(out, text);
        }
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
            EXPECT_LE(end - begin, 84U) << text;
    }
    expect_error("help nothing", 1, "help: there is no command `nothing`; programs tell by --help");
    expect_error("help a b", 2, "help: at most one command");
}

// The page has the very words of the commands.
TEST_F(ConsoleCommands, ThePageSaysTheSame) {
    const std::string page = read(CHORALE_ROOT "/docs/console.md");
    EXPECT_NE(page.find("```\n" + overview() + "```\n"), std::string::npos) << overview();
    for (const Command& command : commands()) {
        EXPECT_NE(page.find("```\n" + help_text(command) + "```\n"), std::string::npos)
            << "docs/console.md has not this text of `help " << command.name << "`:\n"
            << help_text(command);
    }
}

TEST_F(ConsoleCommands, Completion) {
    write("file one", "");
    write("file2", "");
    std::filesystem::create_directory("folder");
    using Lines = std::vector<std::string>;
    EXPECT_EQ(completions("unsete"), Lines{"unsetenv "});
    EXPECT_EQ(completions("cat fi"), (Lines{"cat file2 ", "cat file\\ one "}));
    EXPECT_EQ(completions("cat file\\ o"), Lines{"cat file\\ one "});
    EXPECT_EQ(completions("cat > fo"), Lines{"cat > folder/"});
    EXPECT_EQ(completions("cat >fo"), Lines{"cat >folder/"});
    EXPECT_EQ(completions("help unse"), Lines{"help unsetenv "});
    EXPECT_EQ(completions("cat 'f"), Lines{});
    EXPECT_EQ(completions("./fold"), Lines{"./folder/"});
    EXPECT_EQ(completions("source /nowhere/x"), Lines{});
    EXPECT_EQ(completions(">f aki"), Lines{">f akill "});
}

TEST(Sessions, SecurityFile) {
    const std::string file = "# comment\n"
                             "root:TRUSTED:0:0::*:secret\n"
                             "guest::100:50:7,8:host:\n"
                             "console::::::\n"
                             "bad:MAYBE:1:1:::\n"
                             "worse::x:1:::\n"
                             "groups::1:1:a:::\n"
                             "short:TRUSTED\n"
                             "long:TRUSTED:1:1::::\n";
    Session session;
    ASSERT_TRUE(find_user(file, "root", session));
    EXPECT_TRUE(session.trusted);
    ASSERT_TRUE(find_user(file, "guest", session));
    EXPECT_FALSE(session.trusted);
    EXPECT_EQ(session.credentials.uid, 100U);
    EXPECT_EQ(session.credentials.gid, 50U);
    EXPECT_EQ(session.credentials.groups, (std::vector{7U, 8U}));
    setenv("CINIT_DEFAULTUID", "33", 1);
    setenv("CINIT_DEFAULTGID", "x", 1);
    ASSERT_TRUE(find_user(file, "console", session));
    EXPECT_EQ(session.credentials.uid, 33U);
    EXPECT_EQ(session.credentials.gid, 0U);
    unsetenv("CINIT_DEFAULTUID");
    unsetenv("CINIT_DEFAULTGID");
    for (const std::string_view nobody : {"bad", "worse", "groups", "short", "long", "other", ""})
        EXPECT_FALSE(find_user(file, nobody, session)) << nobody;
    const std::string_view any = "*:TRUSTED:::::\nguest::5:5:::\n";
    ASSERT_TRUE(find_user(any, "anybody", session));
    EXPECT_TRUE(session.trusted);
    EXPECT_EQ(session.user, "anybody");
    ASSERT_TRUE(find_user(any, "guest", session));
    EXPECT_FALSE(session.trusted);
    EXPECT_FALSE(find_user("", "root", session));
}

} // namespace

} // namespace chorale::c_init
