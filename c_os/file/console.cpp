#include "c_os/file/console.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/device.hpp"
#include "c_os/file/random.hpp"

#include <exec/chIo.h>

namespace chorale::c_os {

namespace {

class ConsoleOutput final : public TerminalOutput {
  public:
    void send(const char* text, std::size_t size) override {
        while (size != 0) {
            const int written = sysWrite(text, static_cast<unsigned>(size));
            if (written <= 0) return; // the console takes nothing any more
            text += written;
            size -= static_cast<std::size_t>(written);
        }
    }
};

class ConsoleDevice final : public Device {
  public:
    Result<Ref<OpenFile>> open(FileContext& context, Ref<Node> node, u32 flags) override;
};

constinit ConsoleOutput output;
constinit ConsoleDevice device;
constinit Ref<Terminal> terminal; // from start_console() on

Result<Ref<OpenFile>> ConsoleDevice::open(FileContext& context, Ref<Node> node, u32 flags) {
    auto* const file = new (std::nothrow) TerminalFile{std::move(node), flags, terminal};
    if (file == nullptr) return failed(Error::enomem);
    if ((flags & open_no_terminal) == 0) terminal->offer_session(context);
    return Ref<OpenFile>::adopt(file);
}

} // namespace

Done start_console(TerminalEvents* events) {
    terminal = Ref<Terminal>::adopt(new (std::nothrow) Terminal{output, events});
    if (!terminal) return failed(Error::enomem);
    return register_device(device_console, device);
}

Ref<Terminal> console() { return terminal; }

void read_console_input() {
    u8 byte = 0;
    // One character at a time comes as it was typed, without echo.
    while (sysRead(&byte, 1) == 1) {
        add_entropy(&byte, 1);
        terminal->input({&byte, 1});
    }
}

} // namespace chorale::c_os
