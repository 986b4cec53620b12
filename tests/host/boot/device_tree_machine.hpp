// Device trees for the tests: a tree that can be changed anywhere and then flattened with libfdt, and trees
// of the shape that QEMU's machines have when OpenSBI hands them over.
#pragma once

#include "kernel/boot/device_tree.hpp"
#include "tests/host/formats/blob.hpp"

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chorale::boot::device_tree::test {

using formats::test::Exact;

class TreeNode {
  public:
    explicit TreeNode(std::string name) : name_{std::move(name)} {}

    // A new child, even if there is one of that name.
    TreeNode& add(const std::string& name);
    // The node at a path below this one; it must exist.
    TreeNode& at(const std::string& path);
    void erase_child(const std::string& name);

    TreeNode& raw(const std::string& property, std::string value);
    TreeNode& cells(const std::string& property, const std::vector<u32>& values);
    TreeNode& text(const std::string& property, const std::vector<std::string>& values);
    TreeNode& flag(const std::string& property) { return raw(property, {}); }
    TreeNode& erase(const std::string& property);
    // Empty properties, all of one name.
    TreeNode& repeat(const std::string& property, std::size_t count);

    // #address-cells, #size-cells
    TreeNode& widths(u32 address, u32 size);
    // reg of two cells each
    TreeNode& reg(u64 begin, u64 length);

    void write(void* tree) const;

  private:
    std::string name_;
    std::vector<std::pair<std::string, std::string>> properties_;
    std::list<TreeNode> children_;
};

struct Tree {
    TreeNode root{""};
    std::vector<Range> reservations;

    [[nodiscard]] std::vector<std::byte> flatten() const;
    TreeNode& at(const std::string& path) { return root.at(path); }
};

// What read() made of a tree, and the copy of it that the texts lie in.
struct Outcome {
    bool good = false;
    std::unique_ptr<Machine> machine;
    std::vector<std::string> reports;
    std::string problem;
    std::unique_ptr<Exact> bytes;
};

[[nodiscard]] Outcome read_bytes(Bytes bytes, std::size_t length = ~std::size_t{0});
[[nodiscard]] Outcome read_tree(const Tree& tree);

enum class Interrupts { plic, aplic, imsic };

// -M virt with 2 GiB. Harts have phandles from 1 up in pairs: hart i has 2i + 1, its local controller 2i + 2.
[[nodiscard]] Tree virt(u32 harts, Interrupts interrupts = Interrupts::plic);
[[nodiscard]] Tree sifive_u();

[[nodiscard]] constexpr u32 local_controller(u32 hart) { return 2 * hart + 2; }
// phandles of virt()
inline constexpr u32 plic_phandle = 0x40, aplic_m = 0x41, aplic_s = 0x42, imsic_m = 0x43, imsic_s = 0x44;

} // namespace chorale::boot::device_tree::test
