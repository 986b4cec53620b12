// Calls of programs that must bear any failure: each result is judged by the errors that the call list
// (chorus/calls.hpp) documents, and what a program finds wrong is remembered for the test.
#pragma once

#include "arch/host/session.hpp"

#include <string>
#include <vector>

namespace chorale::test {

void complain(std::string what);
[[nodiscard]] std::vector<std::string> take_complaints();

// Whether calls are made to fail: then a program may have to wait for what never comes.
void expect_failures(bool expected);
[[nodiscard]] bool failures_expected();

// Complains of a result that is neither a success nor one of the documented errors.
void judge(u64 number, long result);
// The same for messages in registers: several lists apply.
void judge_message(u64 control, long result);

struct Attempt : host::NucleusCall {
    [[nodiscard]] long await_resume() const {
        const long result = NucleusCall::await_resume();
        judge(number, result);
        return result;
    }
};

template <class... A>
[[nodiscard]] Attempt attempt(host::Call number, A... arguments) {
    return {host::call(number, arguments...)};
}

struct MessageAttempt : host::MessageOperation {
    [[nodiscard]] host::MessageResult await_resume() const {
        const host::MessageResult result = MessageOperation::await_resume();
        judge_message(control, result.size);
        return result;
    }
};
[[nodiscard]] inline MessageAttempt attempt(const host::MessageOperation& operation) { return {operation}; }

} // namespace chorale::test
