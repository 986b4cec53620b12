// A shell with actors that are made up: what is asked for is noted, how they end is set.
#pragma once

#include "c_init/shell.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace chorale::c_init {

class MadeUpActors final : public ActorManager {
  public:
    int create(const StartRequest& request) override {
        requests.push_back(request);
        if (const auto found = refused.find(request.path); found != refused.end()) return -found->second;
        if (!programs.contains(request.path)) return -ENOENT;
        const int aid = next_aid++;
        actors.push_back({aid, request.credentials.uid, false, request.arguments.front()});
        return aid;
    }
    int start(int aid) override { return started.insert(aid).second ? 0 : -EBUSY; }
    int kill(int aid) override {
        killed.push_back(aid);
        return 0;
    }
    int list(std::vector<ActorEntry>& all) override {
        all = actors;
        return list_result;
    }
    int own_aid() override { return 2; }
    End wait(int aid) override {
        waited.push_back(aid);
        return end;
    }
    bool ended(int aid, End& how) override {
        how = end;
        return gone.contains(aid);
    }

    std::set<std::string> programs{"/bin/hello", "here", "/a/b"};
    std::map<std::string, int> refused;
    std::vector<ActorEntry> actors{{2, 0, false, "C_INIT"}, {3, 0, true, "am"}, {4, 20, false, "theirs"}};
    std::vector<StartRequest> requests;
    std::vector<int> killed, waited;
    std::set<int> started, gone;
    End end;
    int next_aid{10}, list_result{};
};

class MadeUpSite final : public Site {
  public:
    int number() override { return 7; }
    int memory(MemoryStatistics& statistics) override {
        statistics = {134217728, 99000320, 4096};
        return result;
    }
    int stop(Stop how) override {
        stops.push_back(how);
        return -EPERM;
    }

    std::vector<Stop> stops;
    int result{};
};

// Each test has a folder of its own, in which it is.
class ConsoleTest : public testing::Test {
  protected:
    ConsoleTest() {
        session.user = "console";
        session.trusted = true;
        std::string folder = (std::filesystem::temp_directory_path() / "c_init-XXXXXX").string();
        folder_ = mkdtemp(folder.data());
        std::filesystem::current_path(folder_);
    }
    ~ConsoleTest() override {
        std::filesystem::current_path("/");
        std::filesystem::remove_all(folder_);
    }

    // Runs a line; what it printed is in out and error.
    int run(std::string_view line) {
        shell.set_session(session);
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int status = shell.run_line(line);
        std::fflush(stdout);
        out = testing::internal::GetCapturedStdout();
        error = testing::internal::GetCapturedStderr();
        return status;
    }
    void expect_error(std::string_view line, int status, const std::string& text) {
        EXPECT_EQ(run(line), status) << line;
        EXPECT_EQ(out, "") << line;
        EXPECT_EQ(error.substr(0, error.find('\n')), text) << line;
    }
    static void write(const std::string& path, const std::string& text) { std::ofstream{path} << text; }
    static std::string read(const std::string& path) {
        std::ifstream file{path};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    std::string reported() {
        testing::internal::CaptureStdout();
        shell.report_ended();
        return testing::internal::GetCapturedStdout();
    }

    MadeUpActors actors;
    MadeUpSite site;
    Terminal terminal;
    Session session;
    Shell shell{actors, site, terminal, session};
    std::string out, error;

  private:
    std::string folder_;
};

} // namespace chorale::c_init
