#include "c_os/file/device.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/random.hpp"
#include "c_os/file/terminal.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

struct Registered {
    u64 number;
    Device* device;
};

struct Devices {
    Mutex mutex;
    Registered all[device_limit]{};
    std::size_t count{};
};

constinit Devices devices;

alignas(64) constexpr std::byte zeros[page_size]{};

[[nodiscard]] Result<std::size_t> read_zeros(Buffer& to) {
    const std::size_t before = to.done();
    while (to.left() != 0)
        if (const Done done = to.put(zeros, std::min(to.left(), sizeof zeros)); !done) {
            if (to.done() == before) return failed(done.error());
            break;
        }
    return to.done() - before;
}

[[nodiscard]] Result<std::size_t> read_random(Buffer& to) {
    const std::size_t before = to.done();
    RandomStream stream;
    while (to.left() != 0) {
        u8 bytes[256];
        const std::size_t part = std::min(to.left(), sizeof bytes);
        stream.generate(bytes, part);
        if (const Done done = to.put(bytes, part); !done) {
            if (to.done() == before) return failed(done.error());
            break;
        }
    }
    return to.done() - before;
}

[[nodiscard]] Result<std::size_t> write_random(Buffer& from) {
    const std::size_t before = from.done();
    while (from.left() != 0) {
        u8 bytes[256];
        const std::size_t part = std::min(from.left(), sizeof bytes);
        if (const Done done = from.take(bytes, part); !done) {
            if (from.done() == before) return failed(done.error());
            break;
        }
        add_entropy(bytes, part);
    }
    return from.done() - before;
}

enum class MemoryKind : u8 { null, zero, full, random };

class MemoryFile final : public OpenFile {
  public:
    MemoryFile(Ref<Node> node, u32 flags, MemoryKind kind) : OpenFile{std::move(node), flags}, kind_{kind} {}

    Result<std::size_t> read(Buffer& to) override {
        switch (kind_) {
        case MemoryKind::null:
            return 0;
        case MemoryKind::random:
            return read_random(to);
        default:
            return read_zeros(to);
        }
    }
    Result<std::size_t> write(Buffer& from, u64) override {
        switch (kind_) {
        case MemoryKind::full:
            return failed(Error::enospc);
        case MemoryKind::random:
            return write_random(from);
        default:
            return from.left();
        }
    }
    Result<std::size_t> read_at(u64, Buffer& to) override { return read(to); }
    Result<std::size_t> write_at(u64, Buffer& from, u64 limit) override { return write(from, limit); }
    Result<u64> seek(std::int64_t, Whence) override { return 0; }

  private:
    const MemoryKind kind_;
};

class MemoryDevice final : public Device {
  public:
    explicit constexpr MemoryDevice(MemoryKind kind) : kind_{kind} {}
    Result<Ref<OpenFile>> open(FileContext&, Ref<Node> node, u32 flags) override {
        auto* const file = new (std::nothrow) MemoryFile{std::move(node), flags, kind_};
        if (file == nullptr) return failed(Error::enomem);
        return Ref<OpenFile>::adopt(file);
    }

  private:
    const MemoryKind kind_;
};

// /dev/tty: the terminal of whoever opens it.
class OwnTerminalDevice final : public Device {
  public:
    Result<Ref<OpenFile>> open(FileContext& context, Ref<Node> node, u32 flags) override {
        Ref<Terminal> terminal = context.terminal();
        if (!terminal) return failed(Error::enxio);
        auto* const file = new (std::nothrow) TerminalFile{std::move(node), flags, std::move(terminal)};
        if (file == nullptr) return failed(Error::enomem);
        return Ref<OpenFile>::adopt(file);
    }
};

constinit MemoryDevice null{MemoryKind::null}, zero{MemoryKind::zero}, full{MemoryKind::full},
    random_device{MemoryKind::random};
constinit OwnTerminalDevice own_terminal;

} // namespace

Done register_device(u64 number, Device& device) {
    const Lock lock{devices.mutex};
    for (std::size_t i = 0; i < devices.count; ++i)
        if (devices.all[i].number == number) return failed(Error::eexist);
    if (devices.count == device_limit) return failed(Error::enomem);
    devices.all[devices.count++] = {number, &device};
    return {};
}

Result<Ref<OpenFile>> open_device(FileContext& context, Ref<Node> node, u64 number, u32 flags) {
    Device* device = nullptr;
    {
        const Lock lock{devices.mutex};
        for (std::size_t i = 0; i < devices.count; ++i)
            if (devices.all[i].number == number) device = devices.all[i].device;
    }
    if (device == nullptr) return failed(Error::enxio);
    return device->open(context, std::move(node), flags);
}

Done register_memory_devices() {
    const Registered all[] = {{device_null, &null},
                              {device_zero, &zero},
                              {device_full, &full},
                              {device_random, &random_device},
                              {device_urandom, &random_device},
                              {device_tty, &own_terminal}};
    for (const Registered& each : all)
        if (const Done done = register_device(each.number, *each.device);
            !done && done.error() != Error::eexist)
            return done;
    return {};
}

} // namespace chorale::c_os
