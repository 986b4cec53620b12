// An object, or an array, that one holder owns and destroys. (<memory> needs a C library.)
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace chorale::c_os {

template <class T>
class Owned {
  public:
    using Element = std::remove_extent_t<T>;

    Owned() = default;
    // What new (std::nothrow) gave: null, when there was no memory.
    explicit Owned(Element* object) : object_{object} {}
    Owned(Owned&& other) noexcept : object_{other.release()} {}
    Owned& operator=(Owned other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Owned() {
        if constexpr (std::is_array_v<T>)
            delete[] object_;
        else
            delete object_;
    }
    void reset(Element* object) { *this = Owned{object}; }
    [[nodiscard]] Element* release() { return std::exchange(object_, nullptr); }

    [[nodiscard]] Element* get() const { return object_; }
    Element* operator->() const { return object_; }
    Element& operator*() const { return *object_; }
    Element& operator[](std::size_t index) const
        requires std::is_array_v<T>
    {
        return object_[index];
    }
    explicit operator bool() const { return object_ != nullptr; }
    friend bool operator==(const Owned& owned, std::nullptr_t) { return owned.object_ == nullptr; }

  private:
    Element* object_{};
};

} // namespace chorale::c_os
