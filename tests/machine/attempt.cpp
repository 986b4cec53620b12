#include "tests/machine/attempt.hpp"

#include <map>
#include <set>
#include <sstream>

namespace chorale::test {

namespace {

struct Documented {
    std::string name;
    std::set<long> errors;
    bool any{};
};

#define CHORALE_ERROR(code) {#code, code},
const std::map<std::string, long> codes{
    CHORALE_ERROR(K_EINVAL) CHORALE_ERROR(K_EFAULT) CHORALE_ERROR(K_ENOMEM) CHORALE_ERROR(K_EBUSY)
        CHORALE_ERROR(K_EABORT) CHORALE_ERROR(K_ETIMEOUT) CHORALE_ERROR(K_EUNKNOWN) CHORALE_ERROR(K_EFULL)
            CHORALE_ERROR(K_EPRIV) CHORALE_ERROR(K_ENOPORT) CHORALE_ERROR(K_ETOOMUCH) CHORALE_ERROR(K_ENOTIMP)
                CHORALE_ERROR(K_EOVERLAP) CHORALE_ERROR(K_EADDR) CHORALE_ERROR(K_EROUND)
                    CHORALE_ERROR(K_ESIZE) CHORALE_ERROR(K_ECRASH) CHORALE_ERROR(K_EFAIL)};
#undef CHORALE_ERROR

[[nodiscard]] Documented documented(const char* name, const char* errors) {
    Documented call{name, {}, false};
    std::istringstream words{errors};
    for (std::string word; words >> word;) {
        if (word == "any") {
            call.any = true;
        } else {
            call.errors.insert(codes.at(word));
        }
    }
    return call;
}

#define CHORALE_LIST(number, name, flow, privilege, level, errors, ...) {number, documented(#name, errors)},
const std::map<u64, Documented> calls{CHORUS_LEAF_CALLS(CHORALE_LIST) CHORUS_BLOCK_CALLS(CHORALE_LIST)};
#undef CHORALE_LIST

std::vector<std::string> complaints;
bool failing;

[[nodiscard]] bool allowed(host::Call call, long result) {
    const Documented& listed = calls.at(static_cast<u64>(call));
    return result >= 0 || listed.any || listed.errors.contains(result);
}

} // namespace

void complain(std::string what) { complaints.push_back(std::move(what)); }

std::vector<std::string> take_complaints() { return std::exchange(complaints, {}); }

void expect_failures(bool expected) { failing = expected; }
bool failures_expected() { return failing; }

void judge(u64 number, long result) {
    const auto found = calls.find(number);
    if (found == calls.end()) {
        if (result != K_ENOTIMP) complain("call " + std::to_string(number) + ": " + std::to_string(result));
        return;
    }
    if (!allowed(static_cast<host::Call>(number), result))
        complain(found->second.name + " returned " + std::to_string(result));
}

void judge_message(u64 control, long result) {
    using host::Call;
    const u64 number = control >> MESSAGE_NUMBER_SHIFT & 0xff;
    bool good = false;
    if (number == MESSAGE_CALL) good = allowed(Call::ipcCallMessage, result);
    if (number == MESSAGE_SEND) good = allowed(Call::ipcSendMessage, result);
    if (number == MESSAGE_RECEIVE) good = allowed(Call::ipcReceiveMessage, result);
    if (number == MESSAGE_REPLY_RECEIVE)
        good = allowed(Call::ipcReply, result) || allowed(Call::ipcReceiveMessage, result);
    if (!good)
        complain("message operation " + std::to_string(number) + " returned " + std::to_string(result));
}

} // namespace chorale::test
