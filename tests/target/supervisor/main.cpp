// The server of the supervisor tests.
#include "cases.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {

namespace {

const std::span<const Case>* const usual_groups[] = {
    &call_cases,    &thread_cases,          &actor_cases,      &memory_cases,
    &region_cases,  &lending_cases,         &lap_cases,        &interrupt_cases,
    &timeout_cases, &virtual_time_cases,    &published_cases,  &handler_cases,
    &message_cases, &message_handler_cases, &gone_owner_cases, &end_notice_cases};
const std::span<const Case>* const leak_groups[] = {&leak_cases};

const Case* case_of(const SupervisorRequest& request, unsigned& count) {
    const Case* found = nullptr;
    count = 0;
    const bool leaks = request.group == SupervisorGroup::leaks;
    const std::span<const std::span<const Case>* const> groups =
        leaks ? std::span{leak_groups} : std::span<const std::span<const Case>* const>{usual_groups};
    for (const std::span<const Case>* const group : groups) {
        for (const Case& each : *group) {
            if (count++ == request.number) {
                found = &each;
            }
        }
    }
    return found;
}

void copy_text(char* to, std::size_t size, const char* from) { format_text(to, size, "%s", from); }

SupervisorOutcome answer(const SupervisorRequest& request) {
    SupervisorOutcome outcome{};
    const Case* const found = case_of(request, outcome.count);
    if (found == nullptr) {
        return outcome;
    }
    copy_text(outcome.name, sizeof(outcome.name), found->name);
    Report report{"supervisor", found->name};
    found->run(report);
    outcome.failures = report.failed() ? 1 : 0;
    copy_text(outcome.detail, sizeof(outcome.detail), report.detail());
    return outcome;
}

void panic_if_asked() {
    if (environment_number("supervisor.panic", 0) != 0) {
        static const unsigned long arguments[2] = {0x1234, 0xabcd};
        svSysPanic(77, arguments, sizeof(arguments), "as the test asks", "main.cpp", 12);
    }
}

int serve() {
    panic_if_asked();
    KnUniqueId name{};
    int port = portCreate(K_MYACTOR, &name);
    if (port < 0 || publish_port(supervisor_port, name) < 0) {
        print("supervisor tests: no port: %d\n", port);
        return 1;
    }
    if (!offer_laps() || !offer_traps()) {
        print("supervisor tests: no LAPs\n");
    }
    if (!offer_message_handler()) {
        print("supervisor tests: no message handler\n");
    }
    for (;;) {
        SupervisorRequest request{};
        KnMsgDesc message{};
        message.bodyAddr = reinterpret_cast<VmAddr>(&request);
        message.bodySize = sizeof(request);
        const int size = ipcReceive(&message, &port, -1);
        if (size < 0) {
            print("supervisor tests: ipcReceive: %d\n", size);
            return 1;
        }
        SupervisorOutcome outcome = answer(request);
        KnMsgDesc reply{};
        reply.bodyAddr = reinterpret_cast<VmAddr>(&outcome);
        reply.bodySize = sizeof(outcome);
        ipcReply(&reply);
    }
}

} // namespace

} // namespace chorale::test

extern "C" int main() { return chorale::test::serve(); }
