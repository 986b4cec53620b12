// The system that C_INIT really runs on: the actor manager of C_OS, and the nucleus.
#pragma once

#include "c_init/actor_manager.hpp"

#include <chorus/types.h>

#include <pthread.h>

namespace chorale::c_init {

// One thread waits for the end of any actor that was started here, as only one waits for all of them at once;
// others wait for what it has noted.
class ChorusActorManager final : public ActorManager {
  public:
    // 0, or an errno.
    [[nodiscard]] int begin();

    int create(const StartRequest& request) override;
    int start(int aid) override;
    int kill(int aid) override;
    int list(std::vector<ActorEntry>& actors) override;
    int own_aid() override;
    End wait(int aid) override;
    bool ended(int aid, End& end) override;

  private:
    struct Child {
        int aid;
        KnCap capability;
        bool ended;
        End end;
    };

    [[nodiscard]] static void* reap(void* self);
    void note_ends();
    // Both under the mutex.
    [[nodiscard]] Child* find(int aid);
    [[nodiscard]] bool take(int aid, End& end);

    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER; // a child has come, or has ended
    std::vector<Child> children_;                       // under the mutex
};

class ChorusSite final : public Site {
  public:
    int number() override;
    int memory(MemoryStatistics& statistics) override;
    int stop(Stop how) override;
};

} // namespace chorale::c_init
