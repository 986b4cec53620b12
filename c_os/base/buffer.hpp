// Where a read puts bytes and a write takes them: memory of the calling process, in one piece or in several,
// or memory of C_OS.
#pragma once

#include "c_os/base/bytes.hpp"
#include "c_os/base/user_memory.hpp"

#include <span>

namespace chorale::c_os {

class Buffer {
  public:
    // A piece of user memory, as Linux's struct iovec.
    struct Piece {
        u64 address;
        u64 size;
    };

    static Buffer of_user(u64 address, std::size_t size) { return {address, size, size, true}; }
    // The pieces stay as long as the buffer; `size` is at most their sum.
    static Buffer of_user(std::span<const Piece> pieces, std::size_t size) {
        Buffer buffer{0, 0, size, true};
        buffer.next_ = pieces.data();
        return buffer;
    }
    static Buffer of_memory(void* address, std::size_t size) {
        return {reinterpret_cast<u64>(address), size, size, false};
    }
    // Only to be taken from.
    static Buffer of_memory(const void* address, std::size_t size) {
        return of_memory(const_cast<void*>(address), size);
    }

    [[nodiscard]] std::size_t left() const { return left_; }
    [[nodiscard]] std::size_t done() const { return done_; }

    // To the buffer, from the buffer: size <= left(). An error leaves the buffer where it was.
    [[nodiscard]] Done put(const void* from, std::size_t size) {
        if (size <= here_) [[likely]]
            return put_here(from, size);
        return across(const_cast<void*>(from), size, &Buffer::put_from);
    }
    [[nodiscard]] Done take(void* to, std::size_t size) {
        if (size <= here_) [[likely]]
            return take_here(to, size);
        return across(to, size, &Buffer::take_here);
    }

  private:
    Buffer(u64 address, std::size_t here, std::size_t left, bool user)
        : address_{address}, here_{here}, left_{left}, user_{user} {}

    Done put_here(const void* from, std::size_t size) {
        if (!user_)
            copy_bytes(reinterpret_cast<void*>(address_), from, size);
        else if (const Done done = copy_out(address_, from, size); !done)
            return done;
        advance(size);
        return {};
    }
    Done put_from(void* from, std::size_t size) { return put_here(from, size); }
    Done take_here(void* to, std::size_t size) {
        if (!user_)
            copy_bytes(to, reinterpret_cast<const void*>(address_), size);
        else if (const Done done = copy_in(to, address_, size); !done)
            return done;
        advance(size);
        return {};
    }
    Done across(void* memory, std::size_t size, Done (Buffer::*move)(void*, std::size_t)) {
        const Buffer before = *this;
        for (auto* at = static_cast<std::byte*>(memory); size != 0;) {
            while (here_ == 0) {
                address_ = next_->address;
                here_ = next_->size < left_ ? next_->size : left_;
                ++next_;
            }
            const std::size_t part = size < here_ ? size : here_;
            if (const Done done = (this->*move)(at, part); !done) {
                *this = before;
                return done;
            }
            at += part;
            size -= part;
        }
        return {};
    }
    void advance(std::size_t size) {
        address_ += size;
        here_ -= size;
        left_ -= size;
        done_ += size;
    }

    u64 address_;
    std::size_t here_; // of the piece at address_
    std::size_t left_;
    std::size_t done_{};
    const Piece* next_{};
    bool user_;
};

} // namespace chorale::c_os
