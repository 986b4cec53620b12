// Ctrl-C as a key, for a trace that nothing else ends: a signal would end ktrace itself, and its file with
// it.
#pragma once

namespace chorale::ktrace {

class Keys {
  public:
    // `wanted`: and only if the terminal is this program's; in the background it is not.
    explicit Keys(bool wanted);
    ~Keys();
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    // To be polled; -1: there are no keys.
    [[nodiscard]] int descriptor() const;
    // Takes what has been typed. Whether there is a Ctrl-C in it.
    [[nodiscard]] bool want_end();

  private:
    bool attached_{};
};

} // namespace chorale::ktrace
