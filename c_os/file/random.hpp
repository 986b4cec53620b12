// Unpredictable bytes: ChaCha20 (BearSSL's), keyed by SHA-256 over what the machine gives: its random
// numbers, if it has an instruction for them, the jitter of its clock, and what others add.
//
// Each request takes a key of its own and replaces the generator's in the same step, so that who later learns
// the generator's state learns nothing about what was given out before.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::c_os {

// Before the first use; once. False: the machine has no random numbers and the clock did not jitter either,
// so that what comes may be guessed (the log should say so).
[[nodiscard]] bool start_random();

// Never fails, never waits for long.
void random_bytes(void* to, std::size_t size);
[[nodiscard]] inline u64 random_word() {
    u64 word{};
    random_bytes(&word, sizeof word);
    return word;
}
// Mixes something in; whatever it is, it makes nothing worse.
void add_entropy(const void* from, std::size_t size);

// Many bytes for one request, in pieces.
class RandomStream {
  public:
    RandomStream();
    ~RandomStream();
    void generate(void* to, std::size_t size);

  private:
    u8 key_[32];
    u32 block_{};
    u64 nonce_{};
};

} // namespace chorale::c_os
