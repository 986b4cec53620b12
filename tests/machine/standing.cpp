#include "tests/machine/standing.hpp"

#include "tests/machine/stage.hpp"
#include "tests/machine/world.hpp"

#include <algorithm>

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] Task<void> receive_for_ever(int li) { static_cast<void>(co_await message_receive(li)); }
[[nodiscard]] Task<void> hold(int li) {
    static_cast<void>(co_await message_receive(li));
    co_await sleep(1'000 * millisecond);
}
[[nodiscard]] Task<void> call_port(KnUniqueId port) { static_cast<void>(co_await message_call(port)); }
[[nodiscard]] Task<void> sleep_for(u64 nanoseconds) { co_await sleep(nanoseconds); }
[[nodiscard]] Task<void> run_for_ever() {
    for (;;) co_await pause();
}

class Cast {
  public:
    explicit Cast(std::shared_ptr<Stage> stage, KnCap actor) : stage_{std::move(stage)}, name_{actor} {
        actor_ = find_actor(actor).value();
    }
    [[nodiscard]] Task<Thread*> add(Program program, CpuIndex cpu, unsigned priority = 100) {
        const long lid = co_await stage_->serve(name_, std::move(program), {cpu, priority, ++stack_});
        co_return thread(lid);
    }
    [[nodiscard]] Thread* thread(long lid) const {
        return actor_->tables.with(
            [&](Actor::Tables& all) { return all.threads[static_cast<unsigned>(lid)]; });
    }
    [[nodiscard]] Port* port(long li) const {
        return actor_->tables.with([&](Actor::Tables& all) { return all.ports[static_cast<unsigned>(li)]; });
    }
    [[nodiscard]] Actor* actor() const { return actor_; }

  private:
    std::shared_ptr<Stage> stage_;
    KnCap name_;
    Actor* actor_;
    unsigned stack_{};
};

[[nodiscard]] Task<void> queue_messages(KnUniqueId port, unsigned count) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({0, 8, data_base.raw(), 0, 0});
    co_await destination.set({port, {}});
    for (unsigned i = 0; i < count; ++i)
        static_cast<void>(
            co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()));
}

[[nodiscard]] Task<void> stand_still(std::function<void(Standing&)> look) {
    const auto stage = std::make_shared<Stage>();
    Standing all;
    all.name = co_await stage->actor();
    Cast cast{stage, all.name};
    all.actor = cast.actor();
    KnUniqueId waited{}, queued{}, near{}, far{};
    const int waited_li = static_cast<int>(co_await stage->port(all.name, waited));
    const long queued_li = co_await stage->port(all.name, queued);
    const int near_li = static_cast<int>(co_await stage->port(all.name, near));
    const int far_li = static_cast<int>(co_await stage->port(all.name, far));
    all.receiver = co_await cast.add([waited_li](u64) { return receive_for_ever(waited_li); }, 0);
    all.any_receiver = co_await cast.add([](u64) { return receive_for_ever(K_ANYENABLED); }, 1);
    all.sleeper = co_await cast.add([](u64) { return sleep_for(500 * millisecond); }, 1);
    all.late_sleeper = co_await cast.add([](u64) { return sleep_for(700 * millisecond); }, 1);
    all.server = co_await cast.add([near_li](u64) { return hold(near_li); }, 0);
    co_await sleep(millisecond); // they wait
    all.client = co_await cast.add([near](u64) { return call_port(near); }, 0, 90);
    all.slow_server = co_await cast.add([far_li](u64) { return hold(far_li); }, 2);
    all.slow_client = co_await cast.add([far](u64) { return call_port(far); }, 0, 91);
    co_await cast.add([queued](u64) { return queue_messages(queued, 3); }, 0);
    co_await sleep(millisecond);
    all.ready = co_await cast.add([](u64) { return run_for_ever(); }, 0, 200);
    static_cast<void>(co_await use_fpu());
    all.waited = cast.port(waited_li);
    all.queued = cast.port(queued_li);
    all.message = all.queued->queue.front();
    look(all);
    co_await stage->end();
}

[[nodiscard]] bool reported(const Findings& findings, unsigned number, const std::string& text) {
    return std::ranges::any_of(findings, [&](const std::string& finding) {
        return finding.starts_with(std::to_string(number) + ":") && finding.find(text) != std::string::npos;
    });
}

void report(const char* when, const Findings& findings) {
    for (const std::string& finding : findings) ADD_FAILURE() << when << ": " << finding;
}

} // namespace

void expect_reported(unsigned number, const std::string& text, Depth depth) {
    const Findings findings = check_invariants(depth);
    if (reported(findings, number, text)) return;
    ADD_FAILURE() << "not reported: " << number << ": " << text;
    report("but", findings);
}

void with_standing(const std::function<void(Standing&)>& look, bool whole_again) {
    const auto in_the_middle = [&](Standing& all) {
        report("before", check_invariants(Depth::whole));
        look(all);
        if (whole_again) report("afterwards", check_invariants(Depth::whole));
    };
    const Program scenario = [&](u64) { return stand_still(in_the_middle); };
    report("the scenario", run_once(scenario, plain_chooser()));
}

} // namespace chorale::test
