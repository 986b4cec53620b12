// Message spaces of supervisor actors, whose interrupt handlers put messages.
#include "groups.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {

namespace {

constexpr KnTimeVal patience{30, 0}, millisecond{0, K_NPERM};
constexpr unsigned rounds = 8;

struct Sender {
    KnTimeout timeout; // first: what the handler is given
    int space;
    char* message;
    char* spare;
    int get_result, put_result, wrong_result, free_result, remove_result;
};
Sender sender;

void on_time(void* argument, void*) {
    auto* const self = reinterpret_cast<Sender*>(argument);
    char* nothing = nullptr;
    self->get_result = msgGet(self->space, 0, K_NOBLOCK, &nothing, nullptr);
    self->put_result = msgPut(self->space, 1, self->message, 2);
    self->wrong_result = msgPut(self->space, 0, self->message, 7);
    self->remove_result = msgRemove(self->space, 1, self->message, 2);
    self->put_result += msgPut(self->space, 0, self->message, 7);
    self->free_result = msgFree(self->space, self->spare);
}

// To a thread that waits, and in one case to nobody.
void messages_from_interrupt_level(Report& report) {
    constexpr KnMsgPool pool{200, 2};
    sender.space = msgSpaceCreate(K_PRIVATEID, 2, 1, &pool);
    REQUIRE(sender.space > 0);
    KnLapDesc lap{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, on_time, nullptr, K_LAP_SAMEHOST, &lap), K_OK);
    for (unsigned i = 0; i < rounds; ++i) {
        REQUIRE_EQ(msgAllocate(sender.space, 0, 200, K_NOBLOCK, &sender.message), K_OK);
        REQUIRE_EQ(msgAllocate(sender.space, 0, 200, K_NOBLOCK, &sender.spare), K_OK);
        sender.message[199] = static_cast<char>(i);
        REQUIRE_EQ(svSysTimeoutSet(&sender.timeout, &millisecond, 0, &lap), K_OK);
        char *got = nullptr, *spare = nullptr;
        KnUniqueId source{};
        if (i % 2 == 0) { // one of the two is freed there
            CHECK_EQ(msgAllocate(sender.space, 0, 1, &patience, &spare), K_OK);
            CHECK(spare == sender.spare);
            CHECK_EQ(msgFree(sender.space, spare), K_OK);
        }
        CHECK_EQ(msgGet(sender.space, 0, &patience, &got, &source), K_OK);
        CHECK(got == sender.message && got[199] == static_cast<char>(i));
        KnCap self{};
        actorSelf(&self);
        CHECK(source.uiHead == self.ui.uiHead && source.uiTail == self.ui.uiTail);
        REQUIRE_EQ(msgFree(sender.space, got), K_OK);
        CHECK_EQ(sender.get_result, K_EINVAL); // at interrupt level nothing waits
        CHECK_EQ(sender.put_result, K_OK);
        CHECK_EQ(sender.wrong_result, K_EINVAL);
        CHECK_EQ(sender.remove_result, K_OK);
        CHECK_EQ(sender.free_result, K_OK);
        KnMsgPoolStat stat{};
        CHECK_EQ(msgPoolStat(sender.space, 0, &stat), K_OK);
        CHECK_EQ(stat.msgFree, 2);
    }
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

constexpr Case all[] = {{"point_11_put_from_interrupts", messages_from_interrupt_level}};

} // namespace

const std::span<const Case> message_cases{all};

} // namespace chorale::test
