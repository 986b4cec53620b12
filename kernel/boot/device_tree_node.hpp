// Reading single nodes of a device tree, for the files device_tree*.cpp alone. Context: the tree's structure
// was checked as a whole (damage() in device_tree.cpp), so libfdt stays inside it and ends; what the
// properties hold is as untrusted as ever.
#pragma once

#include "kernel/boot/device_tree.hpp"

#include <optional>

namespace chorale::boot::device_tree {

using namespace std::string_view_literals;

inline constexpr unsigned depth_limit = 32;      // of nodes within nodes; real trees have less than ten
inline constexpr u64 address_end = u64{1} << 56; // of any RISC-V machine

struct Property {
    Bytes value;
    bool present;
};

// A big-endian cell; beyond the end it reads as zero.
[[nodiscard]] u32 cell(Bytes value, std::size_t index);

class Node {
  public:
    Node() = default;
    Node(const void* tree, int offset) : tree_{tree}, offset_{offset} {}

    [[nodiscard]] bool exists() const { return offset_ >= 0; }
    [[nodiscard]] const void* tree() const { return tree_; }
    [[nodiscard]] int offset() const { return offset_; }
    friend bool operator==(const Node&, const Node&) = default;

    [[nodiscard]] std::string_view name() const;      // "serial@10000000"
    [[nodiscard]] std::string_view base_name() const; // "serial"
    [[nodiscard]] Node child(const char* name) const; // the first of that name, or base name

    [[nodiscard]] Property property(std::string_view name) const;
    // A property of one or two cells.
    [[nodiscard]] std::optional<u64> number(std::string_view name) const;
    // `otherwise` if there is no such property, nothing if it does not hold one cell.
    [[nodiscard]] std::optional<u32> cell_or(std::string_view name, u32 otherwise) const;
    // The characters before the NUL that a string must end with.
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;
    [[nodiscard]] bool compatible(std::string_view wanted) const;
    [[nodiscard]] bool available() const; // as its own status says
    [[nodiscard]] u32 phandle() const;    // 0: none

  private:
    const void* tree_ = nullptr;
    int offset_ = -1;
};

// Tells what was left out, and at which node.
using Say = Callback<void(Node node, std::string_view what)>;

// A text, or an empty one and a line of complaint.
[[nodiscard]] std::string_view text_or_nothing(Node node, std::string_view name, Say say);

// A node on the way from the root, and what it means for those below it. It is looked up once, so that the
// work for all nodes stays in proportion to the tree's size.
struct Level {
    int offset;
    u32 interrupt_parent;         // of its children that do not name another; 0: none
    Bytes ranges;                 // where its children's addresses are for its parent
    bool translates;              // `ranges` is there; empty: they are the same
    u8 address_cells, size_cells; // of its children's addresses; no_cells: it does not say so properly
    bool available;               // it and all above it
};
inline constexpr u8 no_cells = 0xff;

class Path {
  public:
    explicit Path(const void* tree) : tree_{tree} {}
    void enter(int offset, unsigned depth);                 // at each lesser depth it has been already
    [[nodiscard]] unsigned depth() const { return depth_; } // 0: the root
    [[nodiscard]] Node node(unsigned depth) const { return {tree_, levels_[depth].offset}; }
    [[nodiscard]] Node node() const { return node(depth_); }
    [[nodiscard]] const Level& level(unsigned depth) const { return levels_[depth]; }
    [[nodiscard]] const Level& level() const { return levels_[depth_]; }

  private:
    const void* tree_;
    unsigned depth_ = 0;
    std::array<Level, depth_limit> levels_{};
};

// All nodes but the root, each after the one that it lies in. Not inline: boot stacks are small, and one path
// on them is enough.
[[gnu::noinline]] void for_each_node(const void* tree, Callback<void(const Path&)> visit);

// The entries of a reg property: addresses of the parent's bus.
struct Entries {
    Bytes value;
    u32 address_cells, size_cells;

    [[nodiscard]] std::size_t size() const { return value.size() / entry_bytes(); }
    [[nodiscard]] std::size_t entry_bytes() const {
        return (std::size_t{address_cells} + size_cells) * sizeof(u32);
    }
    [[nodiscard]] Range operator[](std::size_t index) const;
};

// At least one entry; nothing, and a line of complaint, when reg is missing or makes no sense.
[[nodiscard]] std::optional<Entries> reg_entries(const Path& path, Say say);

// Where a device's registers are in physical memory, with the `ranges` of every bus above it applied: an
// entry, the first or another that reg_entries() has, of at least `least` bytes that begins at a multiple of
// `alignment`. Else nothing and a line of complaint.
[[nodiscard]] std::optional<Range> registers(const Path& path, std::size_t index, u64 least, u64 alignment,
                                             Say say);

// The readers of device_tree_devices.cpp and device_tree_interrupts.cpp; each pass needs those before it.
void read_controllers(const Path& path, Machine& machine, Say say);       // PLIC, IMSIC: after the harts
void read_wired_controllers(const Path& path, Machine& machine, Say say); // APLIC
// Serial port and test device. `console` is the node that find_console() gave; the first port if there is
// none.
void read_device(const Path& path, Node console, Machine& machine, Say say);
[[nodiscard]] Node find_console(const void* tree, std::string_view stdout_path, Say say);

} // namespace chorale::boot::device_tree
