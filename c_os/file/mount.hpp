// Which file system stands where. A file system is mounted at most once, and stays.
#pragma once

#include "c_os/base/sync.hpp"
#include "c_os/file/node.hpp"

namespace chorale::c_os {

class Mounts {
  public:
    // The root of `what` stands for the directory from now on. Errors: enotdir; ebusy, one of the two is in
    // use so; enomem.
    [[nodiscard]] static Done mount(Node& directory, FileSystem& what);
    // Of the system's root.
    [[nodiscard]] static Done mount_root(FileSystem& what);
    // Takes all mounts away; nobody uses them any more.
    static void end();

    // What stands for a node that is covered(): the root of the topmost file system.
    [[nodiscard]] static Ref<Node> uncover(Ref<Node> node);
    // The directory that the root of a file system stands for, or null at the root of all.
    [[nodiscard]] static Ref<Node> covered_by(FileSystem& file_system);

    // For /proc/mounts and the like: the index-th, or null.
    [[nodiscard]] static FileSystem* at(std::size_t index);

    static constexpr std::size_t mount_limit = 32;
};

} // namespace chorale::c_os
