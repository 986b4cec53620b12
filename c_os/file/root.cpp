#include "c_os/file/root.hpp"
#include "c_os/base/bytes.hpp"
#include "c_os/base/owned.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/bank.hpp"
#include "c_os/file/device.hpp"
#include "c_os/file/mount.hpp"
#include "c_os/file/pipe_node.hpp"
#include "c_os/file/ram/ram_node.hpp"

#include <log/chLog.h>

#include <algorithm>

namespace chorale::c_os {

namespace {

constexpr u64 root_device = device_number(0, 1);
constexpr u64 dev_device = device_number(0, 2);
constexpr u64 bank_device = device_number(0, 3);
constexpr std::string_view bank_path = "/image/sys_bank/bin/";

const Credentials nobody_but_root;

struct Folder {
    std::string_view path; // the one before the last '/' comes first in the list
    u32 mode;
};
constexpr Folder folders[] = {
    {"bin", 0755},      {"dev", 0755},      {"etc", 0755},
    {"home", 0755},     {"image", 0755},    {"image/sys_bank", 0755},
    {"mnt", 0755},      {"proc", 0555},     {"root", 0700},
    {"run", 0755},      {"run/shm", 01777}, {"sbin", 0755},
    {"tmp", 01777},     {"usr", 0755},      {"usr/bin", 0755},
    {"var", 0755},      {"var/log", 0755},  {"var/run", 0755},
    {"var/tmp", 01777},
};

struct Special {
    std::string_view name;
    u64 number;
    u32 mode;
};
constexpr Special specials[] = {
    {"console", device_console, 0600}, {"full", device_full, 0666}, {"null", device_null, 0666},
    {"random", device_random, 0666},   {"tty", device_tty, 0666},   {"urandom", device_urandom, 0666},
    {"zero", device_zero, 0666},
};

[[nodiscard]] Result<Ref<Node>> folder_of(Ref<Node> root, std::string_view& path) {
    for (std::size_t slash; (slash = formats::index_of(path, '/')) != path.npos;
         path.remove_prefix(slash + 1)) {
        Result<Ref<Node>> next = root->lookup(nobody_but_root, path.substr(0, slash));
        if (!next) return next;
        root = std::move(*next);
    }
    return root;
}

[[nodiscard]] Result<Ref<Node>> make_folders(RamFileSystem& system) {
    if (const Done done = system.begin(0755); !done) return failed(done.error());
    for (const Folder& folder : folders) {
        std::string_view name = folder.path;
        const Result<Ref<Node>> above = folder_of(system.root(), name);
        if (!above) return above;
        const NewNode wanted{.kind = NodeKind::directory, .mode = folder.mode};
        if (const auto made = (*above)->create(nobody_but_root, name, wanted); !made) return made;
    }
    return system.root();
}

[[nodiscard]] Done make_specials(RamFileSystem& system) {
    if (const Done done = system.begin(0755); !done) return done;
    for (const Special& special : specials) {
        const NewNode wanted{.kind = NodeKind::character, .mode = special.mode, .special = special.number};
        if (const auto made = system.root()->create(nobody_but_root, special.name, wanted); !made)
            return failed(made.error());
    }
    // Where shm_open() looks; the pages are the root's.
    const NewNode shared{.kind = NodeKind::link, .mode = 0777, .target = "/run/shm"};
    const Result<Ref<Node>> made = system.root()->create(nobody_but_root, "shm", shared);
    return made ? Done{} : failed(made.error());
}

// A link in /bin for each program in the bank's folder bin.
class ProgramLinks final : public BankFileSystem::FileVisitor {
  public:
    explicit ProgramLinks(Node& bin) : bin_{bin} {}
    Done visit(std::string_view name, formats::Bytes contents) override {
        constexpr std::string_view magics[] = {"\177ELF", "#!", "\x1f\x8b"}; // the last: compressed
        const std::string_view text = formats::characters(contents);
        if (std::ranges::none_of(magics, [&](std::string_view magic) { return text.starts_with(magic); }))
            return {};
        char target[name_limit + 1 + bank_path.size()];
        if (name.size() > name_limit) return {};
        copy_bytes(target, bank_path.data(), bank_path.size());
        copy_bytes(target + bank_path.size(), name.data(), name.size());
        const NewNode wanted{
            .kind = NodeKind::link, .mode = 0777, .target = {target, bank_path.size() + name.size()}};
        const Result<Ref<Node>> made = bin_.create(nobody_but_root, name, wanted);
        return made ? Done{} : failed(made.error());
    }

  private:
    Node& bin_;
};

[[nodiscard]] Done mount_at(Ref<Node> root, std::string_view path, FileSystem& what) {
    const Result<Ref<Node>> above = folder_of(std::move(root), path);
    if (!above) return failed(above.error());
    const Result<Ref<Node>> directory = (*above)->lookup(nobody_but_root, path);
    if (!directory) return failed(directory.error());
    return Mounts::mount(**directory, what);
}

struct Systems {
    Owned<RamFileSystem> root, dev;
    Owned<BankFileSystem> bank;
};

[[nodiscard]] Done make_systems(const RootSettings& settings, Systems& systems) {
    RamFileSystem::Settings ram{.device = root_device,
                                .clock = settings.clock,
                                .limits = {.pages = settings.pages,
                                           .nodes = settings.nodes,
                                           .pages_of_user = settings.pages_of_user,
                                           .nodes_of_user = settings.nodes_of_user},
                                .secret = {settings.secret[0], settings.secret[1]}};
    systems.root.reset(new (std::nothrow) RamFileSystem{ram});
    ram.type = "devfs";
    ram.device = dev_device;
    ram.limits = {.pages = 64, .nodes = 1024};
    systems.dev.reset(new (std::nothrow) RamFileSystem{ram});
    systems.bank.reset(new (std::nothrow) BankFileSystem{bank_device, settings.clock()});
    if (!systems.root || !systems.dev || !systems.bank) return failed(Error::enomem);
    if (const Done done = make_specials(*systems.dev); !done) return done;
    const Result<std::size_t> bad = systems.bank->begin(settings.bank);
    if (!bad) return failed(bad.error());
    if (*bad != 0) sysLog("c_os: %d entries of the bank are bad or no files\n", static_cast<int>(*bad));
    return {};
}

[[nodiscard]] Result<Ref<Node>> make_tree(const RootSettings& settings, Systems& systems) {
    if (const Done done = make_systems(settings, systems); !done) return failed(done.error());
    Result<Ref<Node>> root = make_folders(*systems.root);
    if (!root) return root;
    const Result<Ref<Node>> bin = (*root)->lookup(nobody_but_root, "bin");
    if (!bin) return bin;
    ProgramLinks links{**bin};
    if (const Done done = systems.bank->for_each_file_of("bin", links); !done) return failed(done.error());
    if (const Done done = Mounts::mount_root(*systems.root); !done) return failed(done.error());
    if (const Done done = mount_at(*root, "dev", *systems.dev); !done) return failed(done.error());
    if (const Done done = mount_at(*root, "image/sys_bank", *systems.bank); !done)
        return failed(done.error());
    return root;
}

constinit Systems* all{};

} // namespace

Result<Ref<Node>> make_root(const RootSettings& settings) {
    set_pipe_clock(settings.clock);
    Owned<Systems> systems{new (std::nothrow) Systems};
    if (!systems) return failed(Error::enomem);
    Result<Ref<Node>> root = make_tree(settings, *systems);
    if (root)
        all = systems.release();
    else
        Mounts::end();
    return root;
}

void end_root() {
    Mounts::end();
    delete std::exchange(all, nullptr);
}

} // namespace chorale::c_os
