// What a program finds on its first stack: arguments, environment, auxiliary vector, as the System V ABI lays
// them out and C libraries for Linux expect them.
#pragma once

#include "c_os/base/error.hpp"
#include "c_os/process/program.hpp"

#include <string_view>

namespace chorale::c_os {

// Arguments and environment: strings one after the other, each with its NUL, copied from wherever they come
// before the new actor exists. A block of C_OS's memory.
class StartStrings {
  public:
    static constexpr std::size_t size_limit = 128 * 1024; // with the pointers to them
    static constexpr std::size_t count_limit = 4096;

    StartStrings() = default;
    StartStrings(const StartStrings&) = delete;
    StartStrings& operator=(const StartStrings&) = delete;
    ~StartStrings();

    // Errors: e2big, enomem.
    [[nodiscard]] Done add_argument(std::string_view text);
    [[nodiscard]] Done add_variable(std::string_view text); // after all arguments
    // From arrays of pointers in the calling process, ended by a null; a null array is empty. Errors: efault
    // too.
    [[nodiscard]] Done add_from_user(u64 arguments, u64 environment);

    // From an AlParam (am/afexec.h) in the calling process. Errors: efault, einval, e2big, enomem.
    [[nodiscard]] Done add_packed(u64 address);

    [[nodiscard]] std::string_view first() const; // argument 0
    [[nodiscard]] std::size_t arguments() const { return arguments_; }
    [[nodiscard]] std::size_t variables() const { return variables_; }
    [[nodiscard]] std::string_view text() const { return {text_, used_}; }

  private:
    [[nodiscard]] Done reserve();
    [[nodiscard]] Done add(std::string_view text);
    [[nodiscard]] Result<std::size_t> add_array(u64 array);

    char* text_{};
    std::size_t used_{};
    std::size_t arguments_{}, variables_{};
};

// Makes the stack of the process's first thread and fills it. What the stack pointer is at its entry.
// Errors: enomem, e2big.
[[nodiscard]] Result<u64> make_stack(Process& process, const Program& program, const StartStrings& strings,
                                     std::string_view path);

// The same for a supervisor actor: an AlParam (am/afexec.h) in memory of its own. Where it is. Errors:
// enomem.
[[nodiscard]] Result<u64> make_parameters(const Process& process, const StartStrings& strings);

} // namespace chorale::c_os
