// Linux in the place of C_OS: actors are processes. For tests of the console without a machine.
#pragma once

#include "c_init/actor_manager.hpp"

namespace chorale::c_init {

class LinuxActorManager final : public ActorManager {
  public:
    int create(const StartRequest& request) override;
    int start(int aid) override;
    int kill(int aid) override;
    int list(std::vector<ActorEntry>& actors) override;
    int own_aid() override;
    End wait(int aid) override;
    bool ended(int aid, End& end) override;

  private:
    struct Child {
        int pid;
        int gate; // a socket; a byte through it starts the program; -1: it runs
        std::string name;
    };
    [[nodiscard]] Child* find(int pid);
    void forget(int pid);

    std::vector<Child> children_;
};

class LinuxSite final : public Site {
  public:
    int number() override { return 7; }
    int memory(MemoryStatistics& statistics) override {
        statistics = {134217728, 99000320, 4096};
        return 0;
    }
    int stop(Stop how) override;
};

} // namespace chorale::c_init
