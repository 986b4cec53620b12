#include "c_os/file/mount.hpp"

namespace chorale::c_os {

namespace {

struct MountList {
    Mutex mutex; // and FileSystem::covered_, changes of Node::mounted_
    FileSystem* systems[Mounts::mount_limit]{};
    std::size_t count{};
};

constinit MountList list;

} // namespace

Done Mounts::mount_root(FileSystem& what) {
    const Lock lock{list.mutex};
    if (list.count != 0) return failed(Error::ebusy);
    list.systems[list.count++] = &what;
    return {};
}

Done Mounts::mount(Node& directory, FileSystem& what) {
    if (!directory.directory()) return failed(Error::enotdir);
    const Lock lock{list.mutex};
    if (list.count == mount_limit) return failed(Error::enomem);
    if (directory.covered() || what.covered_) return failed(Error::ebusy);
    for (std::size_t i = 0; i < list.count; ++i)
        if (list.systems[i] == &what) return failed(Error::ebusy);
    what.covered_ = Ref<Node>{directory};
    list.systems[list.count++] = &what;
    // Release: who sees that the directory is covered finds the file system as it is. Pairs with covered().
    directory.mounted_.store(&what, std::memory_order_release);
    return {};
}

void Mounts::end() {
    const Lock lock{list.mutex};
    while (list.count != 0) {
        FileSystem& last = *list.systems[--list.count];
        // Release, as above.
        if (last.covered_) last.covered_->mounted_.store(nullptr, std::memory_order_release);
        last.covered_ = nullptr;
    }
}

Ref<Node> Mounts::uncover(Ref<Node> node) {
    const Lock lock{list.mutex};
    // Relaxed: it changes under this mutex only.
    while (FileSystem* const above = node->mounted_.load(std::memory_order_relaxed)) node = above->root();
    return node;
}

Ref<Node> Mounts::covered_by(FileSystem& file_system) {
    const Lock lock{list.mutex};
    return file_system.covered_;
}

FileSystem* Mounts::at(std::size_t index) {
    const Lock lock{list.mutex};
    return index < list.count ? list.systems[index] : nullptr;
}

} // namespace chorale::c_os
