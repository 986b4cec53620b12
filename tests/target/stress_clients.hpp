// What the clients of the message stress do beside calling and sending.
#pragma once

#include "stress_board.hpp"

namespace chorale::test::messages {

class Tools {
  public:
    Tools(const Identity& self, Random& random) : self_{self}, random_{random} {}

    // Moves or deletes a wild port, or what has its number by now.
    void move_wild_port();
    // Makes a port, moves it, uses it and deletes it again.
    void use_own_port();
    void abort_somebody();
    void look_around();
    // Messages of the space that all actors have open, and of those that only kids have.
    void use_space();
    void use_space_of_kids();

  private:
    [[nodiscard]] int open_space();
    // Of an actor that is being deleted the name is gone before its threads are: what they do with their own
    // actor may end with K_EUNKNOWN.
    [[nodiscard]] std::uint32_t if_dying() const { return self_.actor == home ? 0 : bit_of(K_EUNKNOWN); }
    void fill_parcel(char* message);
    void check_parcel(char* message, const char* what);
    void give_parcel(int space, char* message);

    const Identity& self_;
    Random& random_;
    std::uint64_t parcel_{};
};

} // namespace chorale::test::messages
