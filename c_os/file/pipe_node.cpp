#include "c_os/file/pipe_node.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/open_file.hpp"

namespace chorale::c_os {

namespace {

class PipeFileSystem final : public FileSystem {
  public:
    constexpr PipeFileSystem() : FileSystem{"pipefs", device_number(0, 255)} {}
    Ref<Node> root() override { return nullptr; }
    FileSystemStatistics statistics() override { return {.type = 0x50495045, .device = device()}; }

    // Relaxed: only that no two pipes have the same.
    [[nodiscard]] u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
    Clock clock{};

  private:
    std::atomic<u64> next_number_{1};
};

constinit PipeFileSystem pipes;

class PipeNode final : public Node {
  public:
    PipeNode() : Node{pipes, NodeKind::fifo} {}

    Attributes attributes() override {
        return {.kind = NodeKind::fifo,
                .mode = 0600,
                .links = 1,
                .number = number_,
                .device = pipes.device(),
                .accessed = time_,
                .modified = time_,
                .changed = time_,
                .created = time_};
    }
    Result<Ref<OpenFile>> open(FileContext&, u32) override { return failed(Error::enxio); }

  private:
    const u64 number_{pipes.next_number()};
    const TimeStamp time_{pipes.clock != nullptr ? pipes.clock() : TimeStamp{}};
};

} // namespace

Ref<Node> make_pipe_node() { return Ref<Node>::adopt(new (std::nothrow) PipeNode); }

void set_pipe_clock(Clock clock) { pipes.clock = clock; }

} // namespace chorale::c_os
