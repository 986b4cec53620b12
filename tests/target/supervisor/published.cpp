// Programs as published, in a supervisor actor: an actor that calls what the nucleus does not offer would not
// be loaded.
#include "../published/supervisor.h"
#include "../published/user.h"
#include "groups.hpp"

extern "C" int use_all_calls_in_c(KnCap* actor, char* text);

namespace chorale::test {

namespace {

volatile bool run; // never

void programs_link(Report& report) {
    int result = 0;
    if (run) {
        result = use_published_calls(K_MYACTOR, nullptr) + use_supervisor_calls(K_MYACTOR, nullptr) +
                 use_all_calls_in_c(K_MYACTOR, nullptr);
    }
    CHECK_EQ(result, 0);
}

// The objects and the private data of the library work in supervisor mode too.
void library(Report& report) {
    KnSem semaphore;
    KnMutex mutex;
    CHECK_EQ(semInit(&semaphore, 1), K_OK);
    CHECK_EQ(semP(&semaphore, K_NOBLOCK), K_OK);
    CHECK_EQ(semV(&semaphore), K_OK);
    CHECK_EQ(mutexInit(&mutex), K_OK);
    CHECK_EQ(mutexTry(&mutex), 1);
    CHECK_EQ(mutexTry(&mutex), 0);
    CHECK_EQ(mutexRel(&mutex), K_OK);
    PdKey key{};
    void* value = nullptr;
    REQUIRE_EQ(ptdKeyCreate(&key, nullptr), 0);
    CHECK_EQ(ptdSet(key, &key), 0);
    CHECK(ptdGet(key) == &key);
    CHECK_EQ(ptdRemoteGet(K_MYACTOR, threadSelf(), key, &value), 0);
    CHECK(value == &key);
    CHECK_EQ(ptdKeyDelete(key), 0);
    CHECK(ptdGet(key) == nullptr);
    uint64_f frequency = 0;
    hrTimerFrequency(&frequency);
    CHECK(frequency > 1000);
}

constexpr Case cases[] = {
    {"programs_link", programs_link},
    {"library", library},
};

} // namespace

const std::span<const Case> published_cases{cases};

} // namespace chorale::test
