#include "fuzz/calls_check.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/environment.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/region.hpp"
#include "kernel/supervisor/system_stack.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

namespace chorale::fuzz {

namespace {

struct Error {
    long code;
    std::string_view name;
};
#define ERROR(name) {name, #name}
constexpr Error errors[] = {ERROR(K_EINVAL),   ERROR(K_EFAULT),   ERROR(K_ENOMEM),   ERROR(K_EBUSY),
                            ERROR(K_EABORT),   ERROR(K_ETIMEOUT), ERROR(K_EUNKNOWN), ERROR(K_EFULL),
                            ERROR(K_EPRIV),    ERROR(K_ENOPORT),  ERROR(K_ETOOMUCH), ERROR(K_ENOTIMP),
                            ERROR(K_EOVERLAP), ERROR(K_EADDR),    ERROR(K_EROUND),   ERROR(K_ESIZE),
                            ERROR(K_ECRASH),   ERROR(K_EFAIL)};
#undef ERROR

[[nodiscard]] bool lists(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const std::size_t end = list.find(' ');
        if (list.substr(0, end) == name) return true;
        list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    }
    return false;
}

} // namespace

void check_result(const CallInfo& call, long result) {
    if (result >= 0 || lists(call.errors, "any")) return;
    for (const Error& error : errors) {
        if (error.code == result && lists(call.errors, error.name)) return;
    }
    std::fprintf(stderr, "%s returned %ld, which is not in the call list\n", call.name, result);
    std::abort();
}

void check_findings(const test::Findings& findings) {
    if (findings.empty()) return;
    for (const std::string& finding : findings) std::fprintf(stderr, "%s\n", finding.c_str());
    std::abort();
}

// What a script has done to the strings that all actors share is undone: the next one finds them as ever.
using Strings = std::map<std::string, std::string>;

[[nodiscard]] static Strings read_environment() {
    Strings all;
    for (unsigned i = 0; i < environment::entry_limit; ++i) {
        char name[K_ENVNAMEMAX], value[K_ENVVALUEMAX];
        environment::name_at(i, name);
        if (name[0] == '\0') continue;
        must(environment::get(name, value).ok(), "an entry can be found by its name");
        must(all.emplace(name, value).second, "no two entries have the same name");
    }
    return all;
}

[[nodiscard]] static const Strings& original() {
    static const Strings strings = read_environment();
    return strings;
}

static void restore_environment() {
    for (const auto& [name, value] : read_environment()) {
        if (!original().contains(name)) must(environment::unset(name) == Status::ok, "an entry can go");
    }
    const Strings now = read_environment();
    for (const auto& [name, value] : original()) {
        const auto found = now.find(name);
        if (found != now.end() && found->second == value) continue;
        must(environment::set(name, value) == Status::ok, "an entry can be put back");
    }
}

Before look() {
    static_cast<void>(original()); // before the first script
    // System stacks are kept for the next thread, in rows that are a region each.
    const u64 regions = live_regions() - system_stack_regions();
    return {live_actors(), live_threads(), live_ports(), live_messages(), regions, live_laps()};
}

void check_after(const Before& before, const Script& script) {
    const bool changes =
        std::any_of(script.operations.begin(), script.operations.end(), [](const Operation& each) {
            const std::string_view name{call_of(each.number).name};
            return name == "sysSetEnv" || name == "sysUnsetEnv";
        });
    if (changes) restore_environment();
    check_findings(test::check_invariants(test::Depth::quiet));
    const Before after = look();
    if (after == before) return;
    std::fprintf(
        stderr, "left behind: %ld actors, %ld threads, %ld ports, %ld messages, %ld regions, %ld LAPs\n",
        static_cast<long>(after.actors - before.actors), static_cast<long>(after.threads - before.threads),
        static_cast<long>(after.ports - before.ports), static_cast<long>(after.messages - before.messages),
        static_cast<long>(after.regions - before.regions), static_cast<long>(after.laps - before.laps));
    std::abort();
}

} // namespace chorale::fuzz
