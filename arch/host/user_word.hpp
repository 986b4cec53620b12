// Atomic operations of user programs on their own memory, as lib/sync/ does them: compiled with the nucleus,
// so that where its memory is simulated the words that both change are simulated for both.
#pragma once

#include "arch/host/engine.hpp"
#include "arch/host/user.hpp"

namespace chorale::host {

enum class WordOperation : u8 {
    take,     // 1: there was a unit
    take_one, // the same where there is one at most
    give,     // 1: a unit more; 0: the nucleus must be asked
    give_one,
    read,  // seq_cst
    relax, // relaxed
    put,   // relaxed
    raise, // seq_cst: these bits
    clear, // seq_cst
};
[[nodiscard]] u32 operate(u32& word, WordOperation operation, u32 value);

// To be awaited. An access that faults is tried again.
struct OnWord {
    VirtAddr at;
    WordOperation operation;
    u32 value{};
    u32 result{};
    bool await_ready() {
        std::byte* const byte = machine::user_byte(at, Protection::write);
        if (byte == nullptr) return false;
        engine().enters_nucleus(); // where the memory is simulated
        result = operate(*reinterpret_cast<u32*>(byte), operation, value);
        engine().leaves_nucleus();
        return true;
    }
    void await_suspend(std::coroutine_handle<> here) {
        const auto again = [](void* what) { return static_cast<OnWord*>(what)->await_ready(); };
        LeaveUserMode{{TrapKind::fault, at.raw(), Protection::write, again, this, sizeof value}}
            .await_suspend(here);
    }
    u32 await_resume() const { return result; }
};
[[nodiscard]] inline OnWord on_word(VirtAddr at, WordOperation operation, u32 value = 0) {
    return {at, operation, value};
}

} // namespace chorale::host
