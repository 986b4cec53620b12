// A few words that are read often and written rarely. Readers take no lock and write nothing: they read again
// when a writer was at work meanwhile, which the sequence number tells (odd: a writer is at work).
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"

#include <array>
#include <atomic>
#include <bit>

namespace chorale {

template <class T>
class SequenceLocked {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(u64) == 0);
    using Words = std::array<u64, sizeof(T) / sizeof(u64)>;

  public:
    //   Core X, read()                          Core Y, update()
    //     A  reads the number (acquire)           a  makes it odd (relaxed), then a release fence
    //     B  reads the words (relaxed)            b  writes the words (relaxed)
    //     C  reads the number again               c  makes it even (release)
    // If B sees a word of b, then by the fences C sees a, and X reads again. If A sees c, B sees all of b.
    [[nodiscard]] T read() const {
        for (;;) {
            const u64 before =
                number_.load(std::memory_order_acquire); // acquire: pairs with the release of c
            Words words;
            // relaxed: see above
            for (std::size_t i = 0; i < words.size(); ++i)
                words[i] = words_[i].load(std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_acquire); // acquire: pairs with the fence of a
            // relaxed: ordered by the fence
            if (before % 2 == 0 && number_.load(std::memory_order_relaxed) == before)
                return std::bit_cast<T>(words);
            machine::relax();
        }
    }

    // `change(value)`; one writer at a time.
    template <class F>
    void update(F&& change) {
        lock_.lock();
        T value = read();
        change(value);
        const Words words = std::bit_cast<Words>(value);
        const u64 number = number_.load(std::memory_order_relaxed); // relaxed: only written under the lock
        number_.store(number + 1, std::memory_order_relaxed);       // relaxed: the fence orders it
        std::atomic_thread_fence(
            std::memory_order_release); // release: pairs with the acquire fence in read()
        // relaxed: see above
        for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_relaxed);
        number_.store(number + 2, std::memory_order_release); // release: pairs with the acquire in read()
        lock_.unlock();
    }

  private:
    SpinLock lock_;
    std::atomic<u64> number_{};
    std::array<std::atomic<u64>, sizeof(T) / sizeof(u64)> words_{};
};

} // namespace chorale
