// Objects that several hold: the last to let go destroys.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <utility>

namespace chorale::c_os {

// A new object has one holder, who takes it over with adopt().
class Counted {
  public:
    Counted() = default;
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    // Relaxed: who holds more holds already, so that nothing is to be ordered.
    void hold(std::uint32_t times = 1) const { holders_.fetch_add(times, std::memory_order_relaxed); }
    // acq_rel: what every holder has done to the object comes before its destruction.
    void release(std::uint32_t times = 1) const {
        if (holders_.fetch_sub(times, std::memory_order_acq_rel) == times)
            const_cast<Counted*>(this)->destroy();
    }
    // Of an object that a table still finds while its last holder lets go: false, it is gone.
    // Relaxed: what the object holds is read under the table's lock.
    [[nodiscard]] bool hold_unless_gone() const {
        std::uint32_t holders = holders_.load(std::memory_order_relaxed);
        while (holders != 0) {
            // Relaxed, as above.
            if (holders_.compare_exchange_weak(holders, holders + 1, std::memory_order_relaxed)) return true;
        }
        return false;
    }

  protected:
    virtual ~Counted() = default;
    virtual void destroy() { delete this; }

  private:
    mutable std::atomic<std::uint32_t> holders_{1};
};

template <class T>
class Ref {
  public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T& object) : object_{&object} { object.hold(); }
    Ref(const Ref& other) : object_{other.object_} {
        if (object_ != nullptr) object_->hold();
    }
    Ref(Ref&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
    template <class Derived>
        requires std::convertible_to<Derived*, T*>
    Ref(Ref<Derived> other) : object_{other.give_up()} {}
    ~Ref() {
        if (object_ != nullptr) object_->release();
    }
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }

    // A new object, or null when there was no memory for it.
    [[nodiscard]] static Ref adopt(T* object) {
        Ref result;
        result.object_ = object;
        return result;
    }
    [[nodiscard]] T* give_up() { return std::exchange(object_, nullptr); }

    [[nodiscard]] T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

  private:
    T* object_{};
};

} // namespace chorale::c_os
