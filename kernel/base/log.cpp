// The console's text waits in a ring until it is sent, a few characters at a time: to send a line may take
// longer than interrupts may stay off. Until boot is over, and when the ring is full, it is sent at once.
//
// Invariant: what console_append() takes stands in the ring in one piece; characters leave in the order in
// which they came. The lock is held for one text's copy or one slice's sending.
#include "kernel/base/log.hpp"

#include "kernel/base/spin_lock.hpp"

#include <machine/console.hpp>

namespace chorale {

namespace {

constexpr std::size_t ring_size = 4096; // many lines; a power of two
constexpr unsigned slice = 16;          // what a serial port takes at once

constinit SpinLock console_lock;
constinit char ring[ring_size];
constinit u64 written = 0, sent = 0; // characters since boot; under the lock
constinit char last_sent = 0;        // under the lock
constinit void (*notify)() = nullptr;

// There is room. What goes beyond the ring's end goes to its beginning.
void put_in_ring(std::string_view text) {
    const std::size_t at = written % ring_size, before_end = ring_size - at;
    const std::size_t first = text.size() < before_end ? text.size() : before_end;
    __builtin_memcpy(ring + at, text.data(), first);
    __builtin_memcpy(ring, text.data() + first, text.size() - first);
    written += text.size();
}

void put_next() {
    const char character = ring[sent++ % ring_size];
    // A terminal program has put its own carriage return there.
    if (character == '\n' && last_sent != '\r') machine::put('\r');
    machine::put(character);
    last_sent = character;
}

} // namespace

u64 console_append(std::string_view text) {
    console_lock.lock();
    u64 end = 0;
    if (text.size() <= ring_size - (written - sent)) {
        put_in_ring(text);
        end = written;
    }
    console_lock.unlock();
    return end;
}

bool console_send(u64 end) {
    console_lock.lock();
    for (unsigned count = 0; count < slice && sent < written; ++count) put_next();
    const bool done = sent == written || sent >= end;
    console_lock.unlock();
    return done;
}

void console_flush() {
    while (!console_send(console_everything)) {
    }
}

void console_abandon_lock() {
    while (sent < written) put_next();
}

void console_defer(void (*note)()) { notify = note; }

void console_write(std::string_view text) {
    while (console_append(text) == 0) static_cast<void>(console_send(console_everything));
    if (notify != nullptr) {
        notify();
    } else {
        console_flush();
    }
}

void log_line(std::string_view format, const Argument* arguments, std::size_t count) {
    char line[256];
    std::size_t length = format_to(line, sizeof line - 1, format, arguments, count);
    line[length++] = '\n';
    console_write({line, length});
}

} // namespace chorale
