// Where a read puts bytes and a write takes them: memory of the calling process, or of C_OS.
#pragma once

#include "c_os/base/user_memory.hpp"

#include <cstring>

namespace chorale::c_os {

class Buffer {
  public:
    static Buffer of_user(u64 address, std::size_t size) { return {address, size, true}; }
    static Buffer of_memory(void* address, std::size_t size) {
        return {reinterpret_cast<u64>(address), size, false};
    }
    // Only to be taken from.
    static Buffer of_memory(const void* address, std::size_t size) {
        return of_memory(const_cast<void*>(address), size);
    }

    [[nodiscard]] std::size_t left() const { return left_; }
    [[nodiscard]] std::size_t done() const { return done_; }

    // To the buffer, from the buffer: size <= left(). An error leaves the buffer where it was.
    [[nodiscard]] Done put(const void* from, std::size_t size) {
        if (!user_)
            std::memcpy(reinterpret_cast<void*>(address_), from, size);
        else if (const Done done = copy_out(address_, from, size); !done)
            return done;
        advance(size);
        return {};
    }
    [[nodiscard]] Done take(void* to, std::size_t size) {
        if (!user_)
            std::memcpy(to, reinterpret_cast<const void*>(address_), size);
        else if (const Done done = copy_in(to, address_, size); !done)
            return done;
        advance(size);
        return {};
    }

  private:
    Buffer(u64 address, std::size_t size, bool user) : address_{address}, left_{size}, user_{user} {}
    void advance(std::size_t size) {
        address_ += size;
        left_ -= size;
        done_ += size;
    }

    u64 address_;
    std::size_t left_;
    std::size_t done_{};
    bool user_;
};

} // namespace chorale::c_os
