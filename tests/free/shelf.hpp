// Objects that readers find and hold while others take them down: an oracle's own, to see whether a grace
// period holds what it promises.
#pragma once

#include "kernel/base/types.hpp"

#include <array>
#include <atomic>
#include <mutex>

namespace chorale::test {

class Shelf {
  public:
    static constexpr unsigned places = 4;
    struct Object {
        std::atomic<u64> life{0}; // odd: on the shelf; it changes when a reader may hold it no more
    };
    struct Held {
        const Object* object{};
        u64 life{};
        [[nodiscard]] bool alive() const { return object == nullptr || object->life.load() == life; }
    };

    Shelf() {
        for (unsigned place = 0; place < places; ++place) {
            objects_[place].life = 1;
            on_shelf_[place] = &objects_[place];
        }
    }

    [[nodiscard]] Held hold(u64 place) const {
        const Object* const object = on_shelf_[place % places].load();
        return {object, object->life.load()};
    }
    // Puts another object in the place of one, which readers may still hold; nullptr: there is none to put.
    [[nodiscard]] Object* take_down(u64 place) {
        Object* const fresh = unused();
        if (fresh == nullptr) return nullptr;
        fresh->life.fetch_add(1);
        return on_shelf_[place % places].exchange(fresh);
    }
    // Nobody holds it any more.
    void poison(Object* object) {
        if (object == nullptr) return;
        object->life.fetch_add(1);
        const std::lock_guard lock{mutex_};
        free_[count_++] = object;
    }

  private:
    [[nodiscard]] Object* unused() {
        const std::lock_guard lock{mutex_};
        if (fresh_ < objects_.size()) return &objects_[fresh_++];
        return count_ == 0 ? nullptr : free_[--count_];
    }

    std::array<Object, 64> objects_;
    std::array<std::atomic<Object*>, places> on_shelf_{};
    std::mutex mutex_;
    std::array<Object*, 64> free_{};
    unsigned count_{}, fresh_ = places;
};

} // namespace chorale::test
