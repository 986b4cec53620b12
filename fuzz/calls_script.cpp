#include "fuzz/calls_script.hpp"

#include "arch/host/user.hpp"

#include <algorithm>
#include <string_view>

namespace chorale::fuzz {

namespace {

using chorus::ArgumentInfo;
using chorus::Direction;

constexpr ArgumentInfo number(const char* name, const char* type = "u64", std::size_t size = 8) {
    return {Direction::value, name, type, size};
}
constexpr ArgumentInfo control = number("control", "control");
constexpr ArgumentInfo descriptor = CHORUS_INOUT(KnMsgDesc, descriptor);

#define CALL(number, name, flow, privilege, level, errors, ...)                                              \
    CallInfo{number, #name, errors, std::array<ArgumentInfo, argument_limit>{__VA_ARGS__}},

// In the first three the names that go in registers are taken from user memory, as any other.
constexpr CallInfo calls[] = {
    {0,
     "message_call",
     "K_EINVAL K_EFAULT K_EUNKNOWN K_EFULL K_ENOMEM K_EABORT K_ENOPORT K_ECRASH K_EFAIL",
     {CHORUS_IN(KnUniqueId, port), control, descriptor}},
    {1,
     "message_reply_receive",
     "K_EINVAL K_EFAULT K_ENOMEM K_EABORT K_ENOPORT",
     {number("portli", "int", 4), control, descriptor}},
    {MESSAGE_SEND,
     "message_send",
     "K_EINVAL K_EUNKNOWN K_EFULL K_ENOMEM",
     {CHORUS_IN(KnUniqueId, port), control, number("source", "int", 4)}},
    CHORUS_LEAF_CALLS(CALL) CHORUS_BLOCK_CALLS(CALL){special_pause, "pause", "", {}},
    {special_fpu, "fpu", "", {number("value")}},
    {special_touch, "touch", "", {number("address", "VmAddr"), number("write")}},
    {special_fail_allocation, "fail_allocation", "", {number("after")}},
    {special_fail_copy, "fail_copy", "", {number("after")}},
    {special_number,
     "number",
     "K_ENOTIMP",
     {number("number"), number("a"), number("b"), number("c"), number("d"), number("e")}},
    {special_repeat, "repeat", "", {number("times")}},
    {special_enter, "enter", "K_EINVAL K_EFAULT K_EABORT K_EFAIL K_ENOMEM", {number("count")}},
    {special_start,
     "start",
     "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL",
     {number("list"), number("priority")}},
    {special_invoke, "invoke", "K_EINVAL K_EABORT K_EFAIL", {number("lap"), number("arg", "VmAddr")}},
    {special_copy,
     "copy",
     "K_EFAULT K_ENOMEM",
     {number("which"), number("at", "VmAddr"), number("size", "VmSize")}},
    {special_line, "line", "", {number("line")}},
};
#undef CALL

constexpr CallInfo nobody{
    0, "nobody", "K_ENOTIMP", {number("a"), number("b"), number("c"), number("d"), number("e"), number("f")}};

[[nodiscard]] u8 byte(Chance& chance) { return static_cast<u8>(chance.below(256)); }
[[nodiscard]] u32 word(Chance& chance) { return static_cast<u32>(chance.below(u64{1} << 32)); }

void put(std::vector<u8>& to, u64 value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) to.push_back(static_cast<u8>(value >> 8 * i));
}

[[nodiscard]] Operation random_operation(const Script& script, Chance& chance) {
    const std::span<const CallInfo> all = known_calls();
    Operation made{};
    made.list = static_cast<u8>(chance.below(script.threads.size()));
    made.number = static_cast<u16>(all[chance.below(all.size())].number);
    // Messages are what the threads have in common.
    using host::Call;
    constexpr Call messages[] = {Call::message_call,      Call::message_reply_receive, Call::ipcCallMessage,
                                 Call::ipcReceiveMessage, Call::ipcReceiveMessage,     Call::ipcReply,
                                 Call::message_send,      Call::ipcSendMessage};
    if (chance.one_in(3)) made.number = static_cast<u16>(messages[chance.below(std::size(messages))]);
    for (u32& choice : made.choices) choice = word(chance);
    return made;
}

// Calls that are only to be had in supervisor mode, and what else is done there.
[[nodiscard]] u16 supervisor_number(Chance& chance) {
    for (;;) {
        const CallInfo& call = calls[chance.below(std::size(calls))];
        const std::string_view name{call.name};
        const bool special = call.number >= special_start && call.number <= special_line;
        if (special || name.starts_with("sv") || name.starts_with("lap") || name.starts_with("site") ||
            name == "actorCreate" || name == "threadCreate")
            return static_cast<u16>(call.number);
    }
}

// A thread of the script goes into supervisor mode and does something there.
[[nodiscard]] std::vector<Operation> random_visit(const Script& script, Chance& chance) {
    Operation enter = random_operation(script, chance);
    enter.number = special_enter;
    std::vector<Operation> made{enter};
    for (unsigned left = entered(enter); left != 0; --left) {
        Operation next = random_operation(script, chance);
        next.list = enter.list;
        if (!chance.one_in(4)) next.number = supervisor_number(chance);
        made.push_back(next);
    }
    return made;
}

[[nodiscard]] ThreadSetup random_setup(Chance& chance) {
    return {static_cast<u8>(chance.below(fuzz_actors)), static_cast<u8>(chance.below(fuzz_cpus)),
            byte(chance)};
}

void change_operation(Script& script, Operation& operation, Chance& chance) {
    u32& choice = operation.choices[chance.below(std::max(1u, call_of(operation.number).count()))];
    switch (chance.below(6)) {
    case 0:
        operation.list = static_cast<u8>(chance.below(script.threads.size()));
        break;
    case 1: {
        const Operation other = random_operation(script, chance);
        operation.number = other.number;
        break;
    }
    case 2:
        choice = word(chance);
        break;
    default: {
        const unsigned shift = 8 * static_cast<unsigned>(chance.below(4));
        choice = (choice & ~(0xffu << shift)) | static_cast<u32>(chance.below(256)) << shift;
        break;
    }
    }
}

void change_order(Script& script, Chance& chance) {
    switch (chance.below(5)) {
    case 0:
        script.pace = byte(chance);
        break;
    case 1:
        script.seed = byte(chance);
        break;
    case 2:
        script.end = byte(chance);
        break;
    case 3:
        script.schedule.resize(chance.below(64), byte(chance));
        break;
    default:
        if (!script.schedule.empty()) {
            script.schedule[chance.below(script.schedule.size())] = byte(chance);
        } else {
            put(script.schedule, word(chance), 4);
        }
        break;
    }
}

void change_threads(Script& script, Chance& chance) {
    ThreadSetup& thread = script.threads[chance.below(script.threads.size())];
    switch (chance.below(3)) {
    case 0:
        if (script.threads.size() < list_limit) script.threads.push_back(random_setup(chance));
        break;
    case 1:
        if (script.threads.size() > 1) script.threads.pop_back();
        break;
    default:
        thread = random_setup(chance);
        break;
    }
}

void change_order_of_operations(std::vector<Operation>& operations, Chance& chance) {
    const std::size_t at = chance.below(operations.size());
    switch (chance.below(4)) {
    case 0:
        operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(at));
        break;
    case 1: {
        const Operation copy = operations[at];
        operations.insert(operations.begin() + static_cast<std::ptrdiff_t>(chance.below(operations.size())),
                          copy);
        break;
    }
    case 2:
        std::swap(operations[at], operations[chance.below(operations.size())]);
        break;
    default: {
        const std::size_t end = at + chance.below(8);
        operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(at),
                         operations.begin() + static_cast<std::ptrdiff_t>(std::min(end, operations.size())));
        break;
    }
    }
}

} // namespace

std::span<const CallInfo> known_calls() { return calls; }

const CallInfo& call_of(unsigned number) {
    for (const CallInfo& call : calls) {
        if (call.number == number) return call;
    }
    return nobody;
}

Script decode(std::span<const u8> bytes) {
    Input input{bytes.data(), bytes.size()};
    Script script;
    const unsigned threads = 1 + input.byte() % list_limit;
    script.end = input.byte();
    script.pace = input.byte();
    script.seed = input.byte();
    for (unsigned i = 0; i < threads; ++i) {
        const u8 place = input.byte();
        script.threads.push_back({static_cast<u8>(place % fuzz_actors),
                                  static_cast<u8>(place / fuzz_actors % fuzz_cpus), input.byte()});
    }
    const unsigned operations = input.byte();
    for (unsigned i = 0; i < operations && i < operation_limit && !input.empty(); ++i) {
        Operation operation{};
        operation.list = static_cast<u8>(input.byte() % threads);
        operation.number = static_cast<u16>(input.number(2));
        const unsigned count = call_of(operation.number).count();
        for (unsigned argument = 0; argument < count; ++argument)
            operation.choices[argument] = static_cast<u32>(input.number(4));
        script.operations.push_back(operation);
    }
    while (!input.empty()) script.schedule.push_back(input.byte());
    return script;
}

std::vector<u8> encode(const Script& script) {
    std::vector<u8> bytes;
    bytes.push_back(static_cast<u8>(script.threads.size() - 1));
    bytes.push_back(script.end);
    bytes.push_back(script.pace);
    bytes.push_back(script.seed);
    for (const ThreadSetup& thread : script.threads) {
        bytes.push_back(static_cast<u8>(thread.actor + thread.cpu * fuzz_actors));
        bytes.push_back(thread.priority);
    }
    bytes.push_back(static_cast<u8>(script.operations.size()));
    for (const Operation& operation : script.operations) {
        bytes.push_back(operation.list);
        put(bytes, operation.number, 2);
        const unsigned count = call_of(operation.number).count();
        for (unsigned argument = 0; argument < count; ++argument) put(bytes, operation.choices[argument], 4);
    }
    bytes.insert(bytes.end(), script.schedule.begin(), script.schedule.end());
    return bytes;
}

void mutate(Script& script, Chance& chance) {
    std::vector<Operation>& operations = script.operations;
    switch (operations.empty() ? 0 : chance.below(11)) {
    case 10: {
        const std::vector<Operation> visit = random_visit(script, chance);
        const std::size_t at = chance.below(operations.size() + 1);
        operations.insert(operations.begin() + static_cast<std::ptrdiff_t>(at), visit.begin(), visit.end());
        break;
    }
    case 0:
    case 1:
    case 2:
        for (u64 more = chance.below(3) + 1; more != 0 && operations.size() < operation_limit; --more) {
            const std::size_t at = operations.empty() ? 0 : chance.below(operations.size() + 1);
            operations.insert(operations.begin() + static_cast<std::ptrdiff_t>(at),
                              random_operation(script, chance));
        }
        break;
    case 3:
    case 4:
        change_order_of_operations(operations, chance);
        break;
    case 5:
        change_order(script, chance);
        break;
    case 6:
        change_threads(script, chance);
        break;
    default:
        change_operation(script, operations[chance.below(operations.size())], chance);
        break;
    }
    if (operations.size() > operation_limit) operations.resize(operation_limit);
    for (Operation& operation : operations)
        operation.list = static_cast<u8>(operation.list % script.threads.size());
}

Script cross(const Script& first, const Script& second, Chance& chance) {
    Script both = first;
    std::vector<Operation> taken;
    std::size_t a = 0, b = 0;
    while (a < first.operations.size() || b < second.operations.size()) {
        const bool from_second =
            a == first.operations.size() || (b < second.operations.size() && chance.one_in(2));
        const Operation& next = from_second ? second.operations[b++] : first.operations[a++];
        if (!chance.one_in(4)) taken.push_back(next);
    }
    if (taken.size() > operation_limit) taken.resize(operation_limit);
    for (Operation& operation : taken) operation.list = static_cast<u8>(operation.list % both.threads.size());
    both.operations = std::move(taken);
    if (chance.one_in(2)) both.schedule = second.schedule;
    return both;
}

} // namespace chorale::fuzz
