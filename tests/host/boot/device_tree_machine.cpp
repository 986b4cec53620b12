// Builds device trees, flattens and reads them.
#include "tests/host/boot/device_tree_machine.hpp"

#include "kernel/boot/libfdt/libfdt.hpp"

#include <stdexcept>

namespace chorale::boot::device_tree::test {
namespace {

constexpr int flat_size = 4 << 20;

void must(int status) {
    if (status < 0) throw std::logic_error{"libfdt: error " + std::to_string(status)};
}

std::string big_endian(const std::vector<u32>& values) {
    std::string bytes;
    for (const u32 value : values)
        for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
    return bytes;
}

u32 high(u64 value) { return static_cast<u32>(value >> 32); }
u32 low(u64 value) { return static_cast<u32>(value); }

TreeNode& add_hart(TreeNode& cpus, u32 hart, const std::string& isa) {
    TreeNode& cpu = cpus.add("cpu@" + std::to_string(hart));
    cpu.cells("phandle", {2 * hart + 1}).text("device_type", {"cpu"}).cells("reg", {hart});
    cpu.text("status", {"okay"}).text("compatible", {"riscv"}).text("riscv,isa", {isa});
    cpu.text("mmu-type", {"riscv,sv48"});
    TreeNode& local = cpu.add("interrupt-controller");
    local.cells("#interrupt-cells", {1}).flag("interrupt-controller");
    local.text("compatible", {"riscv,cpu-intc"}).cells("phandle", {local_controller(hart)});
    return cpu;
}

TreeNode& add_cpus(Tree& tree, u32 timebase) {
    return tree.root.add("cpus").widths(1, 0).cells("timebase-frequency", {timebase});
}

void add_map(TreeNode& cpus, u32 harts) {
    TreeNode& cluster = cpus.add("cpu-map").add("cluster0");
    for (u32 hart = 0; hart < harts; ++hart)
        cluster.add("core" + std::to_string(hart)).cells("cpu", {2 * hart + 1});
}

TreeNode& add_plic(TreeNode& soc, const std::string& name, u64 length, u32 sources) {
    TreeNode& plic = soc.add(name).reg(0xc00'0000, length).cells("riscv,ndev", {sources});
    plic.text("compatible", {"sifive,plic-1.0.0", "riscv,plic0"}).flag("interrupt-controller");
    return plic.cells("#interrupt-cells", {1});
}

TreeNode& add_aplic(TreeNode& soc, const std::string& name, u64 begin, u32 phandle) {
    TreeNode& aplic = soc.add(name).cells("phandle", {phandle}).reg(begin, 0x8000);
    aplic.cells("riscv,num-sources", {96}).cells("#interrupt-cells", {2}).flag("interrupt-controller");
    return aplic.text("compatible", {"riscv,aplic"});
}

TreeNode& add_imsic(TreeNode& soc, const std::string& name, u64 begin, u32 phandle, u32 harts) {
    TreeNode& imsic = soc.add(name).cells("phandle", {phandle}).reg(begin, u64{harts} * 0x1000);
    imsic.cells("riscv,ipi-id", {1}).cells("riscv,num-ids", {255}).flag("msi-controller");
    imsic.flag("interrupt-controller").cells("#interrupt-cells", {0});
    return imsic.text("compatible", {"riscv,imsics"});
}

std::vector<u32> contexts(u32 harts, const std::vector<u32>& causes) {
    std::vector<u32> list;
    for (u32 hart = 0; hart < harts; ++hart) {
        for (const u32 cause : causes) {
            list.push_back(local_controller(hart));
            list.push_back(cause);
        }
    }
    return list;
}

// OpenSBI has taken the machine's contexts out of the PLIC and disabled the machine's APLIC and IMSIC.
u32 add_controllers(TreeNode& soc, u32 harts, Interrupts interrupts) {
    constexpr u32 taken = ~u32{0}, supervisor = 9, machine = 11;
    if (interrupts == Interrupts::plic) {
        TreeNode& plic = add_plic(soc, "plic@c000000", 0x60'0000, 96);
        plic.cells("phandle", {plic_phandle});
        plic.cells("interrupts-extended", contexts(harts, {taken, supervisor}));
        return plic_phandle;
    }
    TreeNode& wired_s = add_aplic(soc, "aplic@d000000", 0xd00'0000, aplic_s);
    TreeNode& wired_m = add_aplic(soc, "aplic@c000000", 0xc00'0000, aplic_m);
    wired_m.text("status", {"disabled"}).cells("riscv,children", {aplic_s});
    if (interrupts == Interrupts::aplic) {
        wired_s.cells("interrupts-extended", contexts(harts, {supervisor}));
        wired_m.cells("interrupts-extended", contexts(harts, {machine}));
        return aplic_s;
    }
    wired_s.cells("msi-parent", {imsic_s});
    wired_m.cells("msi-parent", {imsic_m});
    TreeNode& files_s = add_imsic(soc, "imsics@28000000", 0x2800'0000, imsic_s, harts);
    files_s.cells("interrupts-extended", contexts(harts, {supervisor}));
    TreeNode& files_m = add_imsic(soc, "imsics@24000000", 0x2400'0000, imsic_m, harts);
    files_m.cells("interrupts-extended", contexts(harts, {machine})).text("status", {"disabled"});
    return aplic_s;
}

void add_firmware_reservation(Tree& tree) {
    TreeNode& reserved = tree.root.add("reserved-memory").widths(2, 2).flag("ranges");
    reserved.add("mmode_resv0@80000000").flag("no-map").reg(0x8000'0000, 0x8'0000);
}

} // namespace

TreeNode& TreeNode::add(const std::string& name) { return children_.emplace_back(name); }

TreeNode& TreeNode::at(const std::string& path) {
    const std::size_t begin = path.find_first_not_of('/');
    if (begin == path.npos) return *this;
    const std::size_t end = path.find('/', begin);
    for (TreeNode& child : children_)
        if (child.name_ == path.substr(begin, end - begin))
            return end == path.npos ? child : child.at(path.substr(end));
    throw std::logic_error{"no node " + path};
}

void TreeNode::erase_child(const std::string& name) {
    if (children_.remove_if([&](const TreeNode& child) { return child.name_ == name; }) == 0)
        throw std::logic_error{"no child " + name};
}

TreeNode& TreeNode::raw(const std::string& property, std::string value) {
    for (auto& [name, old] : properties_) {
        if (name != property) continue;
        old = std::move(value);
        return *this;
    }
    properties_.emplace_back(property, std::move(value));
    return *this;
}

TreeNode& TreeNode::cells(const std::string& property, const std::vector<u32>& values) {
    return raw(property, big_endian(values));
}

TreeNode& TreeNode::text(const std::string& property, const std::vector<std::string>& values) {
    std::string all;
    for (const std::string& value : values) all += value + '\0';
    return raw(property, all);
}

TreeNode& TreeNode::erase(const std::string& property) {
    if (std::erase_if(properties_, [&](const auto& each) { return each.first == property; }) == 0)
        throw std::logic_error{"no property " + property};
    return *this;
}

TreeNode& TreeNode::repeat(const std::string& property, std::size_t count) {
    properties_.insert(properties_.begin(), count, {property, {}});
    return *this;
}

TreeNode& TreeNode::widths(u32 address, u32 size) {
    return cells("#address-cells", {address}).cells("#size-cells", {size});
}

TreeNode& TreeNode::reg(u64 begin, u64 length) {
    return cells("reg", {high(begin), low(begin), high(length), low(length)});
}

void TreeNode::write(void* tree) const {
    must(fdt_begin_node(tree, name_.c_str()));
    for (const auto& [name, value] : properties_)
        must(fdt_property(tree, name.c_str(), value.data(), static_cast<int>(value.size())));
    for (const TreeNode& child : children_) child.write(tree);
    must(fdt_end_node(tree));
}

std::vector<std::byte> Tree::flatten() const {
    std::vector<std::byte> bytes(flat_size);
    must(fdt_create(bytes.data(), flat_size));
    for (const Range& range : reservations)
        must(fdt_add_reservemap_entry(bytes.data(), range.begin, range.length));
    must(fdt_finish_reservemap(bytes.data()));
    root.write(bytes.data());
    must(fdt_finish(bytes.data()));
    bytes.resize(claimed_size(bytes));
    return bytes;
}

Outcome read_bytes(Bytes bytes, std::size_t length) {
    Outcome outcome;
    outcome.machine = std::make_unique<Machine>();
    outcome.bytes = std::make_unique<Exact>(bytes, length);
    std::string_view problem;
    outcome.good = read(
        outcome.bytes->view(), *outcome.machine,
        [&](std::string_view line) { outcome.reports.emplace_back(line); }, problem);
    outcome.problem = problem;
    return outcome;
}

Outcome read_tree(const Tree& tree) { return read_bytes(tree.flatten()); }

Tree virt(u32 harts, Interrupts interrupts) {
    Tree tree;
    tree.root.widths(2, 2).text("compatible", {"riscv-virtio"}).text("model", {"riscv-virtio,qemu"});
    add_firmware_reservation(tree);
    tree.root.add("fw-cfg@10100000").reg(0x1010'0000, 0x18).text("compatible", {"qemu,fw-cfg-mmio"});
    TreeNode& chosen = tree.root.add("chosen");
    chosen.raw("rng-seed", "0123456789abcdef0123456789ABCDEF");
    chosen.text("stdout-path", {"/soc/serial@10000000"});
    tree.root.add("poweroff").cells("value", {0x5555}).cells("regmap", {0x50});
    TreeNode& platform = tree.root.add("platform-bus@4000000").widths(1, 1);
    platform.cells("ranges", {0, 0, 0x400'0000, 0x200'0000}).text("compatible", {"qemu,platform"});
    tree.root.add("memory@80000000").text("device_type", {"memory"}).reg(0x8000'0000, u64{2} << 30);
    TreeNode& cpus = add_cpus(tree, 10'000'000);
    for (u32 hart = 0; hart < harts; ++hart)
        add_hart(cpus, hart, "rv64imafdch_zicsr_zifencei_zihintpause_zba_zbb_zbc_zbs_sstc");
    add_map(cpus, harts);

    TreeNode& soc = tree.root.add("soc").widths(2, 2).text("compatible", {"simple-bus"}).flag("ranges");
    TreeNode& clock = soc.add("rtc@101000").reg(0x10'1000, 0x1000);
    TreeNode& serial = soc.add("serial@10000000").reg(0x1000'0000, 0x100).text("compatible", {"ns16550a"});
    serial.cells("clock-frequency", {0x38'4000});
    TreeNode& test = soc.add("test@100000").reg(0x10'0000, 0x1000).cells("phandle", {0x50});
    test.text("compatible", {"sifive,test1", "sifive,test0", "syscon"});
    const u32 controller = add_controllers(soc, harts, interrupts);
    const bool flags = interrupts != Interrupts::plic;
    clock.cells("interrupts", flags ? std::vector<u32>{11, 4} : std::vector<u32>{11});
    serial.cells("interrupts", flags ? std::vector<u32>{10, 4} : std::vector<u32>{10});
    clock.cells("interrupt-parent", {controller});
    serial.cells("interrupt-parent", {controller});
    TreeNode& clint = soc.add("clint@2000000").reg(0x200'0000, 0x1'0000);
    clint.cells("interrupts-extended", contexts(harts, {3, 7})).text("compatible", {"riscv,clint0"});
    return tree;
}

Tree sifive_u() {
    constexpr u32 harts = 5, timebase = 1'000'000, controller = 0x20, taken = ~u32{0}, supervisor = 9;
    Tree tree;
    tree.root.widths(2, 2).text("model", {"SiFive HiFive Unleashed A00"});
    add_firmware_reservation(tree);
    tree.root.add("chosen").text("stdout-path", {"/soc/serial@10010000"});
    tree.root.add("aliases")
        .text("serial0", {"/soc/serial@10010000"})
        .text("serial1", {"/soc/serial@10011000"});
    TreeNode& cpus = add_cpus(tree, timebase);
    add_hart(cpus, 0, "rv64imac_zicsr_zifencei").erase("mmu-type").text("status", {"disabled"});
    for (u32 hart = 1; hart < harts; ++hart) add_hart(cpus, hart, "rv64imafdc_zicsr_zifencei");
    tree.root.add("memory@80000000").text("device_type", {"memory"}).reg(0x8000'0000, 128 << 20);
    TreeNode& soc = tree.root.add("soc").widths(2, 2).text("compatible", {"simple-bus"}).flag("ranges");
    for (u32 i = 0; i < 2; ++i) {
        TreeNode& serial = soc.add(i == 0 ? "serial@10010000" : "serial@10011000");
        serial.reg(0x1001'0000 + i * 0x1000, 0x1000).text("compatible", {"sifive,uart0"});
        serial.cells("interrupts", {4 + i}).cells("interrupt-parent", {controller});
    }
    TreeNode& bus = soc.add("spi@10040000").reg(0x1004'0000, 0x1000).widths(1, 0);
    bus.add("flash@0").cells("reg", {0}).text("compatible", {"jedec,spi-nor"});
    TreeNode& plic = add_plic(soc, "interrupt-controller@c000000", 0x400'0000, 53);
    std::vector<u32> list{local_controller(0), taken};
    for (u32 hart = 1; hart < harts; ++hart)
        list.insert(list.end(), {local_controller(hart), taken, local_controller(hart), supervisor});
    plic.cells("phandle", {controller}).cells("interrupts-extended", list);
    return tree;
}

} // namespace chorale::boot::device_tree::test
