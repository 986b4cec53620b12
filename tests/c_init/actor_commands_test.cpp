// arun, akill, aps; programs by their names.
#include "console_fixture.hpp"

#include <am/await.h>

#include <csignal>

namespace chorale::c_init {

namespace {

using ActorCommands = ConsoleTest;
using Words = std::vector<std::string>;

TEST_F(ActorCommands, RunWaitsForTheEnd) {
    actors.end = {End::Kind::exit, 5};
    EXPECT_EQ(run("arun hello a 'b c'"), 5);
    EXPECT_EQ(out, "Started aid = 10\n");
    EXPECT_EQ(error, "");
    EXPECT_EQ(actors.waited, std::vector{10});
    ASSERT_EQ(actors.requests.size(), 1U);
    EXPECT_EQ(actors.requests[0].path, "/bin/hello");
    EXPECT_EQ(actors.requests[0].arguments, (Words{"/bin/hello", "a", "b c"}));
    EXPECT_FALSE(actors.requests[0].trusted);
    EXPECT_TRUE(actors.started.contains(10));
}

TEST_F(ActorCommands, RunLooksInBinThenHere) {
    EXPECT_EQ(run("arun -q here"), 0);
    EXPECT_EQ(out, "");
    EXPECT_EQ(actors.requests[0].path, "/bin/here");
    EXPECT_EQ(actors.requests[1].path, "here");
    EXPECT_EQ(actors.requests[1].arguments, Words{"here"});
    EXPECT_EQ(run("arun /a/b"), 0);
    EXPECT_EQ(actors.requests[2].path, "/a/b");
}

TEST_F(ActorCommands, RunInTheBackground) {
    EXPECT_EQ(run("arun hello &"), 0);
    EXPECT_EQ(out, "Started aid = 10\n");
    EXPECT_TRUE(actors.waited.empty());
    EXPECT_EQ(reported(), "");
    actors.gone.insert(10);
    actors.end = {End::Kind::event, AEVT_PROTECTION};
    EXPECT_EQ(reported(), "hello (aid 10): memory protection\n");
    EXPECT_EQ(reported(), "");
}

TEST_F(ActorCommands, EveryRunOption) {
    EXPECT_EQ(run("arun -U -T -k -D -Z -xip -q hello -x"), 0);
    EXPECT_EQ(actors.requests[0].space, StartRequest::Space::user);
    EXPECT_TRUE(actors.requests[0].trusted);
    EXPECT_EQ(actors.requests[0].arguments, (Words{"/bin/hello", "-x"}));
    EXPECT_EQ(run("arun -ST hello"), 0);
    EXPECT_EQ(actors.requests[1].space, StartRequest::Space::supervisor);
    EXPECT_EQ(run("arun -d hello"), 0);
    EXPECT_FALSE(actors.started.contains(12));
    EXPECT_EQ(run("arun -- hello"), 0);
}

TEST_F(ActorCommands, RunErrors) {
    expect_error("arun", 2, "arun: which program?");
    EXPECT_NE(error.find("usage: arun [-g rgid] [-S|-U]"), std::string::npos);
    expect_error("arun -w hello", 2, "arun: there is no option -w");
    expect_error("arun -S -U hello", 2, "arun: -S and -U exclude each other");
    expect_error("arun -g", 2, "arun: -g without a group");
    expect_error("arun -g 0 hello", 1,
                 "arun: -g: there is no hot restart in this image: no restartable actors");
    expect_error("arun /bin/x", 127, "arun: /bin/x: no such file or directory");
    expect_error("arun x", 127, "arun: x: no such file or directory");
    actors.refused["/a/b"] = ENOEXEC;
    expect_error("arun /a/b", 126, "arun: /a/b: exec format error");
    actors.refused["/a/b"] = E2BIG;
    expect_error("arun /a/b", 126, "arun: /a/b: argument list too long");
}

TEST_F(ActorCommands, EventsAreTold) {
    actors.end = {End::Kind::event, AEVT_ILLEGAL};
    EXPECT_EQ(run("arun -q hello"), 128 + AEVT_ILLEGAL);
    EXPECT_EQ(error, "hello (aid 10): illegal instruction\n");
    actors.end = {End::Kind::event, 99};
    EXPECT_EQ(run("/a/b"), 128 + 99);
    EXPECT_EQ(error, "b (aid 11): event 99\n");
    EXPECT_EQ(run("echo $?"), 0);
    EXPECT_EQ(out, "227\n");
}

TEST_F(ActorCommands, NamesArePrograms) {
    EXPECT_EQ(run("hello world"), 0);
    EXPECT_EQ(out, "");
    EXPECT_EQ(actors.requests[0].path, "/bin/hello");
    expect_error("here", 127, "here: no such command, and no such program in /bin");
    expect_error("./x", 127, "./x: no such file or directory");
    actors.refused["/bin/hello"] = EACCES;
    expect_error("hello", 126, "/bin/hello: permission denied");
}

TEST_F(ActorCommands, ProgramsThatAskTheNucleusAreTrusted) {
    actors.programs.insert("/bin/chorusStat");
    EXPECT_EQ(run("cs -a --help"), 0);
    EXPECT_EQ(actors.requests[0].path, "/bin/chorusStat");
    EXPECT_EQ(actors.requests[0].arguments, (Words{"cs", "-a", "--help"}));
    EXPECT_TRUE(actors.requests[0].trusted);
    EXPECT_EQ(run("chorusStat --help &"), 0);
    EXPECT_EQ(actors.waited.size(), 1U);
    session.trusted = false;
    expect_error("cs", 1, "cs: permission denied: the user `console` is not trusted");
}

TEST_F(ActorCommands, Kill) {
    EXPECT_EQ(run("akill 3 4"), 0);
    EXPECT_EQ(actors.killed, (std::vector{3, 4}));
    EXPECT_EQ(run("akill -s 7 3"), 0);
    EXPECT_EQ(run("akill -c 3"), 0);
    EXPECT_TRUE(actors.started.contains(3));
    expect_error("akill -c 3", 1, "akill: 3: it runs already");
}

TEST_F(ActorCommands, KillErrors) {
    expect_error("akill", 2, "akill: which actors?");
    expect_error("akill 2", 1, "akill: 2: that is C_INIT itself");
    expect_error("akill 77", 1, "akill: 77: no such actor");
    for (const std::string word : {"x", "0", "-", "99999999999999999999", "3x"})
        expect_error("akill " + word, 1, "akill: `" + word + "` is not an aid");
    expect_error("akill -s", 2, "akill: -s without a number");
    expect_error("akill -s x 3", 2, "akill: `x` is not a site");
    expect_error("akill -s 8 3", 1, "akill: site 8: only actors of this site, 7, can be reached");
    expect_error("akill -g 1", 1, "akill: -g: there is no hot restart in this image: no restartable actors");
    expect_error("akill -z 3", 2, "akill: there is no option -z");
    EXPECT_TRUE(actors.killed.empty());
    EXPECT_EQ(run("akill 77 3"), 1);
    EXPECT_EQ(actors.killed, std::vector{3});
}

TEST_F(ActorCommands, List) {
    actors.actors.push_back({30000, 100000, false, "a-name-that-is-long"});
    EXPECT_EQ(run("aps"), 0);
    EXPECT_EQ(out, "   UID   PID NAME                DBG STAT GROUP\n"
                   "     0     2 C_INIT              no  SRUN -\n"
                   "     0     3 am                  yes SRUN -\n"
                   "    20     4 theirs              no  SRUN -\n"
                   "100000 30000 a-name-that-is-long no  SRUN -\n");
    actors.actors = {{2, 0, false, "C_INIT"},
                     {3, 0, false, "a", ActorState::idle},
                     {4, 0, false, "b", ActorState::sleeping},
                     {5, 0, false, "c", ActorState::stopped},
                     {6, 0, false, "d", ActorState::ended}};
    EXPECT_EQ(run("aps"), 0);
    EXPECT_EQ(out, "UID  PID NAME         DBG STAT   GROUP\n"
                   "  0    2 C_INIT       no  SRUN   -\n"
                   "  0    3 a            no  SIDL   -\n"
                   "  0    4 b            no  SSLEEP -\n"
                   "  0    5 c            no  SSTOP  -\n"
                   "  0    6 d            no  SZOMB  -\n");
    expect_error("aps x", 2, "aps: it takes no arguments");
    actors.list_result = -ENOSYS;
    EXPECT_EQ(run("aps"), 1);
    EXPECT_EQ(error, "aps: function not implemented\n");
}

TEST_F(ActorCommands, UsersWhoAreNotTrusted) {
    session.trusted = false;
    session.user = "guest";
    session.credentials.uid = 20;
    expect_error("arun -T hello", 1,
                 "arun: hello: permission denied: only trusted users start trusted actors");
    expect_error("arun -S hello", 1,
                 "arun: hello: permission denied: only trusted users start trusted actors");
    expect_error("akill 3", 1, "akill: 3: permission denied: another user's actor");
    expect_error("reboot", 1, "reboot: permission denied: the user `guest` is not trusted");
    expect_error("shutdown -i 0", 1, "shutdown: permission denied: the user `guest` is not trusted");
    EXPECT_TRUE(actors.killed.empty());
    EXPECT_TRUE(site.stops.empty());
    EXPECT_EQ(run("akill 4"), 0);
    EXPECT_EQ(run("arun hello"), 0);
    EXPECT_EQ(actors.requests[0].credentials.uid, 20U);
    session.trusted = true;
    expect_error("arun -S hello", 1, "arun: hello: permission denied: only user 0 starts supervisor actors");
}

} // namespace

} // namespace chorale::c_init
