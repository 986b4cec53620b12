// A device that interrupts a thousand times a second while it is acknowledged: the clock of the PC, whose
// line is triggered by edges.
#pragma once

#include <dki/f_dki.h>

namespace chorale::test {

class TestDevice {
  public:
    static constexpr CpuIntr line = 8;

    // False: this machine has none.
    [[nodiscard]] static bool find() { return read(status_b) != 0xff; }
    static void start() {
        write(status_a, static_cast<unsigned char>((read(status_a) & 0xf0) | rate_1024_hz));
        write(status_b, read(status_b) | periodic);
        acknowledge();
    }
    static void stop() {
        write(status_b, static_cast<unsigned char>(read(status_b) & ~periodic));
        acknowledge();
    }
    static void acknowledge() { static_cast<void>(read(status_c)); }

  private:
    static constexpr unsigned char status_a = 10, status_b = 11, status_c = 12, rate_1024_hz = 6,
                                   periodic = 64;

    static unsigned char read(unsigned char which) {
        unsigned char value;
        asm volatile("outb %1, $0x70\n\tinb $0x71, %0" : "=a"(value) : "a"(which));
        return value;
    }
    static void write(unsigned char which, unsigned char value) {
        asm volatile("outb %0, $0x70\n\tmovb %1, %%al\n\toutb %%al, $0x71"
                     :
                     : "a"(which), "d"(value)
                     : "memory");
    }
};

} // namespace chorale::test
