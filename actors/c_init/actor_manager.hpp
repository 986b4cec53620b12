// What the console asks of the system, so that it can be tried on any: actors made from files, and the site.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chorale::c_init {

// Whom actors are started for.
struct Credentials {
    unsigned uid{}, gid{};
    std::vector<unsigned> groups;
};

struct StartRequest {
    std::string path;
    std::vector<std::string> arguments; // with the program's name
    enum class Space { any, user, supervisor } space{Space::any};
    bool trusted{};
    Credentials credentials;
};

// How an actor ended.
struct End {
    enum class Kind { exit, event } kind{Kind::exit};
    int number{}; // the exit status; the event, AEVT_… of am/await.h
};

// What an actor does, as ps of BSD systems tells it: SIDL, SRUN, SSLEEP, SSTOP, SZOMB.
enum class ActorState { idle, running, sleeping, stopped, ended };

struct ActorEntry {
    int aid;
    unsigned uid;
    bool debugged;
    std::string name;
    ActorState state{ActorState::running};
};

// Calls return 0 or a positive result, else -errno.
class ActorManager {
  public:
    // A new actor with its program, which does not run yet: its aid. It has this program's files 0, 1 and 2,
    // environment and current folder.
    [[nodiscard]] virtual int create(const StartRequest& request) = 0;
    [[nodiscard]] virtual int start(int aid) = 0;
    [[nodiscard]] virtual int kill(int aid) = 0;
    [[nodiscard]] virtual int list(std::vector<ActorEntry>& actors) = 0;
    [[nodiscard]] virtual int own_aid() = 0;

    // The end of an actor that this program has created; each is told once.
    [[nodiscard]] virtual End wait(int aid) = 0;
    [[nodiscard]] virtual bool ended(int aid, End& end) = 0; // does not wait

  protected:
    ~ActorManager() = default;
};

struct MemoryStatistics {
    std::uint64_t total{}, free{}, locked{}; // bytes
};

enum class Stop { power_off, reboot };

class Site {
  public:
    [[nodiscard]] virtual int number() = 0;
    [[nodiscard]] virtual int memory(MemoryStatistics& statistics) = 0;
    // Does not return, or returns why not.
    [[nodiscard]] virtual int stop(Stop how) = 0;

  protected:
    ~Site() = default;
};

} // namespace chorale::c_init
