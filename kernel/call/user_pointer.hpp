// Pointers that came from a user. They cannot be dereferenced: a copy goes through the machine's checked
// accessors, and the outcome must be looked at.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/user_access.hpp>

#include <optional>
#include <type_traits>

namespace chorale {

// A structure to be read.
template <class T>
class UserIn {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    explicit UserIn(VirtAddr address) : address_{address} {}
    [[nodiscard]] Result<T> read() const {
        T value;
        if (!machine::copy_in(&value, address_, sizeof value)) return Status::fault;
        return value;
    }
    [[nodiscard]] VirtAddr address() const { return address_; }

  protected:
    VirtAddr address_;
};

// One that may be left out.
template <class T>
class UserInOpt : public UserIn<T> {
  public:
    using UserIn<T>::UserIn;
    [[nodiscard]] bool given() const { return this->address_.raw() != 0; }
};

// A structure to be written.
template <class T>
class UserOut {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    explicit UserOut(VirtAddr address) : address_{address} {}
    [[nodiscard]] Status write(const T& value) const {
        return machine::copy_out(address_, &value, sizeof value) ? Status::ok : Status::fault;
    }
    // Before something is made that would have to be undone: can the result be delivered?
    [[nodiscard]] Status probe() const { return write(T{}); }
    [[nodiscard]] VirtAddr address() const { return address_; }

  protected:
    VirtAddr address_;
};

template <class T>
class UserOutOpt : public UserOut<T> {
  public:
    using UserOut<T>::UserOut;
    [[nodiscard]] bool given() const { return this->address_.raw() != 0; }
};

template <class T>
class UserInOut : public UserIn<T> {
  public:
    using UserIn<T>::UserIn;
    [[nodiscard]] Status write(const T& value) const {
        return machine::copy_out(this->address_, &value, sizeof value) ? Status::ok : Status::fault;
    }
};

// Bytes whose number is another argument.
struct UserBytesIn {
    VirtAddr address;
};
struct UserBytesOut {
    VirtAddr address;
};

// Text that ends in NUL.
class UserText {
  public:
    explicit UserText(VirtAddr address) : address_{address} {}
    [[nodiscard]] bool given() const { return address_.raw() != 0; }
    // Into `buffer`, with its NUL; the length without it. Errors: fault; no_memory when there is no NUL in
    // `size` bytes.
    [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size) const;

  private:
    VirtAddr address_;
};

} // namespace chorale
