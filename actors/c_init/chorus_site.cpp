#include "c_init/chorus_site.hpp"

#include <am/acap.h>
#include <am/afexec.h>
#include <am/astat.h>
#include <am/await.h>
#include <chorus.h>
#include <exec/chReboot.h>

#include <span>

#include <errno.h>
#include <unistd.h>

extern char** environ;

namespace chorale::c_init {

namespace {

class Locked {
  public:
    explicit Locked(pthread_mutex_t& mutex) : mutex_{mutex} { pthread_mutex_lock(&mutex_); }
    ~Locked() { pthread_mutex_unlock(&mutex_); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

  private:
    pthread_mutex_t& mutex_;
};

[[nodiscard]] int result(int value) { return value < 0 ? -errno : value; }

[[nodiscard]] End end_of(int status) {
    if (IS_EXIT_EVT(status)) return {End::Kind::exit, GET_EXIT_EVT(status)};
    return {End::Kind::event, GET_KILL_EVT(status)};
}

[[nodiscard]] AcParam parameters(const StartRequest& request, cx_cred_t& credentials) {
    credentials.cr_uid = request.credentials.uid;
    credentials.cr_gid = request.credentials.gid;
    for (const unsigned group : request.credentials.groups) {
        if (credentials.cr_ngroups < CX_NGROUPS) credentials.cr_groups[credentials.cr_ngroups++] = group;
    }
    AcParam param{};
    param.acFlags = AFX_STOPPED;
    if (request.space == StartRequest::Space::user) param.acFlags |= AFX_USER_SPACE;
    if (request.space == StartRequest::Space::supervisor) param.acFlags |= AFX_SUPERVISOR_SPACE;
    if (request.trusted) param.acFlags |= AFX_TRUSTED;
    param.acCred = &credentials;
    return param;
}

} // namespace

int ChorusActorManager::begin() {
    pthread_t thread{};
    return pthread_create(&thread, nullptr, reap, this);
}

void* ChorusActorManager::reap(void* self) {
    static_cast<ChorusActorManager*>(self)->note_ends();
    return nullptr;
}

void ChorusActorManager::note_ends() {
    for (;;) {
        {
            const Locked locked{mutex_};
            const auto runs = [this] {
                for (const Child& child : children_) {
                    if (!child.ended) return true;
                }
                return false;
            };
            while (!runs()) pthread_cond_wait(&changed_, &mutex_);
        }
        KnCap capability{};
        int status = 0;
        const int aid = await(&capability, &status);
        const Locked locked{mutex_};
        if (aid > 0) {
            if (Child* const child = find(aid); child != nullptr) {
                child->ended = true;
                child->end = end_of(status);
            }
        } else if (errno == ECHILD) {
            // Nobody is left to wait for: whatever is expected still was taken by somebody else.
            for (Child& child : children_) child.ended = true;
        }
        pthread_cond_broadcast(&changed_);
    }
}

ChorusActorManager::Child* ChorusActorManager::find(int aid) {
    for (Child& child : children_) {
        if (child.aid == aid) return &child;
    }
    return nullptr;
}

// The actor is noted under the same lock under which it is made: its end cannot be noted before.
int ChorusActorManager::create(const StartRequest& request) {
    cx_cred_t credentials{};
    const AcParam param = parameters(request, credentials);
    std::vector<char*> arguments;
    for (const std::string& argument : request.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const Locked locked{mutex_};
    KnCap capability{};
    const int aid = afexecve(request.path.c_str(), &capability, &param, arguments.data(), environ);
    if (aid < 0) return -errno;
    children_.push_back({aid, capability, false, {}});
    pthread_cond_broadcast(&changed_);
    return aid;
}

int ChorusActorManager::start(int aid) {
    KnCap capability{};
    if (acap(aid, &capability) < 0) return -errno;
    return result(astart(&capability));
}

int ChorusActorManager::kill(int aid) {
    KnCap capability{};
    if (acap(aid, &capability) < 0) return -errno;
    return result(akill(&capability));
}

namespace {

[[nodiscard]] ActorState state_of(const astatEntry& entry) {
    switch (ASTAT_STATE(entry.astatFlags)) {
    case ASTAT_IDLE:
        return ActorState::idle;
    case ASTAT_SLEEPING:
        return ActorState::sleeping;
    case ASTAT_STOPPED:
        return ActorState::stopped;
    case ASTAT_ENDED:
        return ActorState::ended;
    default:
        return ActorState::running;
    }
}

} // namespace

int ChorusActorManager::list(std::vector<ActorEntry>& actors) {
    std::vector<astatEntry> entries(64);
    int count = 0;
    for (;;) {
        count = astat(entries.data(), static_cast<int>(entries.size()));
        if (count < 0) return -errno;
        if (static_cast<std::size_t>(count) <= entries.size()) break;
        entries.resize(static_cast<std::size_t>(count) + 16);
    }
    for (const astatEntry& entry : std::span{entries}.first(static_cast<std::size_t>(count)))
        actors.push_back({entry.astatAid, static_cast<unsigned>(entry.astatUid),
                          (entry.astatFlags & ASTAT_DEBUGGED_CACTOR) != 0, entry.astatName, state_of(entry)});
    return 0;
}

int ChorusActorManager::own_aid() { return agetId(); }

bool ChorusActorManager::take(int aid, End& end) {
    for (std::size_t i = 0; i < children_.size(); ++i) {
        if (children_[i].aid != aid) continue;
        if (!children_[i].ended) return false;
        end = children_[i].end;
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
    }
    return true;
}

End ChorusActorManager::wait(int aid) {
    const Locked locked{mutex_};
    End end;
    while (!take(aid, end)) pthread_cond_wait(&changed_, &mutex_);
    return end;
}

bool ChorusActorManager::ended(int aid, End& end) {
    const Locked locked{mutex_};
    return take(aid, end);
}

int ChorusSite::number() {
    int site = 0;
    return uiLocalSite(&site) == K_OK ? site : 0;
}

int ChorusSite::memory(MemoryStatistics& statistics) {
    KnVmStat memory{};
    if (vmStat(&memory) != K_OK) return -ENOSYS;
    statistics = {memory.hostMem, memory.freeMem, memory.lockMem};
    return 0;
}

int ChorusSite::stop(Stop how) {
    const KnRebootDesc descriptor{how == Stop::reboot ? K_REBOOT_COLD : K_REBOOT_SUCCESS};
    return sysReboot(&descriptor) == K_EPRIV ? -EPERM : -EIO;
}

} // namespace chorale::c_init
