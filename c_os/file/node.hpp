// A node is what a name stands for: a file, a directory, a link, a device. FileSystems make them; paths
// (path.hpp) lead to them; who wants their contents opens them (open_file.hpp).
//
// Every method may be called by several threads at once and checks for itself what may change meanwhile: that
// a directory is still linked, that a name is still there, that the caller may. A directory's methods get
// names without '/' that are neither empty nor "." nor "..". What a kind of node does not have fails as Linux
// does.
#pragma once

#include "c_os/base/buffer.hpp"
#include "c_os/base/ref.hpp"
#include "c_os/file/attributes.hpp"
#include "c_os/file/credentials.hpp"

#include <string_view>

namespace chorale::c_os {

class FileContext;
class FileSystem;
class OpenFile;
class PageView;
struct PageRange;

inline constexpr std::size_t name_limit = 255;

// What create() is to make. Of the mode, umask has been taken off.
struct NewNode {
    NodeKind kind{NodeKind::regular};
    u32 mode{};
    u64 special{};             // of character and block nodes
    std::string_view target{}; // of links
};

// Where list() puts what it finds.
class DirectorySink {
  public:
    // False: there is no room for it. `next` is the cookie with which the listing goes on behind the entry.
    [[nodiscard]] virtual Result<bool> add(std::string_view name, u64 number, NodeKind kind, u64 next) = 0;

  protected:
    ~DirectorySink() = default;
};

class Node : public Counted {
  public:
    [[nodiscard]] NodeKind kind() const { return kind_; }
    [[nodiscard]] bool directory() const { return kind_ == NodeKind::directory; }
    [[nodiscard]] FileSystem& file_system() const { return file_system_; }

    [[nodiscard]] virtual Attributes attributes() = 0;
    // Errors: eacces.
    [[nodiscard]] virtual Done check_access(const Credentials& caller, unsigned access);
    // Errors: eperm, eacces, erofs, edquot (the new owner's).
    [[nodiscard]] virtual Done change(const Credentials& caller, const AttributeChange& change);
    // The size of a regular file; whether the caller may has been asked. Errors: eisdir, einval, efbig,
    // enospc, edquot, erofs.
    [[nodiscard]] virtual Done truncate(u64 size);

    // An open file of this node; whether the caller may has been asked. `flags` as in file_flags.hpp. May
    // wait (fifos).
    [[nodiscard]] virtual Result<Ref<OpenFile>> open(FileContext& context, u32 flags) = 0;

    // ---- of files whose pages address spaces show (page_view.hpp) ----
    // The view shows the file from now on. Errors: enodev (this kind of node has no pages); enomem, enospc,
    // edquot: it shows a part, until it is removed.
    [[nodiscard]] virtual Done add_view(PageView& view);
    // Of a view that is there: it ends, or becomes smaller, or two.
    virtual void remove_view(PageView& view);
    virtual void divide_view(PageView& view, PageRange range, PageView* rest);

    // ---- of directories ----
    // Errors: eacces (the directory may not be searched), enoent, enametoolong.
    [[nodiscard]] virtual Result<Ref<Node>> lookup(const Credentials& caller, std::string_view name);
    // The directory that this one lies in; of the root of a file system: itself. Errors: eacces; enoent, it
    // was removed.
    [[nodiscard]] virtual Result<Ref<Node>> parent(const Credentials& caller);
    // The name under which a directory lies in this one. Errors: enoent; erange, it is longer than `size`.
    [[nodiscard]] virtual Result<std::size_t> name_of(const Node& directory, char* name, std::size_t size);
    // Errors: eexist, eacces, enoent (the directory was removed), enametoolong, enospc, edquot, emlink,
    // erofs.
    [[nodiscard]] virtual Result<Ref<Node>> create(const Credentials& caller, std::string_view name,
                                                   const NewNode& wanted);
    // One more name for a node that is no directory. Errors: as create(), and exdev, eperm.
    [[nodiscard]] virtual Done link(const Credentials& caller, std::string_view name, Node& node);
    // Errors: enoent, eacces, eperm, eisdir, ebusy, erofs.
    [[nodiscard]] virtual Done unlink(const Credentials& caller, std::string_view name);
    // Errors: as unlink(), and enotdir, enotempty.
    [[nodiscard]] virtual Done remove_directory(const Credentials& caller, std::string_view name);
    // Moves a node from a name here to one in `target`, at once: nobody finds it under neither. `flags`:
    // rename_no_replace, rename_exchange. Errors: exdev, enoent, eacces, eperm, eexist, eisdir, enotdir,
    // enotempty, einval (a directory into itself), ebusy, emlink, erofs and those of create().
    [[nodiscard]] virtual Done rename(const Credentials& caller, std::string_view name, Node& target,
                                      std::string_view target_name, u32 flags);

    // ---- of links ----
    // Where it leads. Errors: einval, it is none; those of the buffer. What does not fit is cut off.
    [[nodiscard]] virtual Done read_link(Buffer& to);

    // ---- mounts ----
    // Whether another file system's root stands here instead (mount.hpp). Pairs with the release in Mounts.
    [[nodiscard]] bool covered() const { return mounted_.load(std::memory_order_acquire) != nullptr; }

  protected:
    Node(FileSystem& file_system, NodeKind kind) : file_system_{file_system}, kind_{kind} {}

  private:
    friend class Mounts;
    FileSystem& file_system_;
    std::atomic<FileSystem*> mounted_{};
    const NodeKind kind_;
};

inline constexpr u32 rename_no_replace = 1;
inline constexpr u32 rename_exchange = 2;

// Outlives its nodes.
class FileSystem {
  public:
    constexpr FileSystem(std::string_view type, u64 device) : type_{type}, device_{device} {}
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;

    [[nodiscard]] std::string_view type() const { return type_; }
    [[nodiscard]] u64 device() const { return device_; }
    [[nodiscard]] virtual Ref<Node> root() = 0;
    [[nodiscard]] virtual FileSystemStatistics statistics() = 0;

  protected:
    ~FileSystem() = default;

  private:
    friend class Mounts;
    std::string_view type_;
    u64 device_;
    Ref<Node> covered_; // the directory that its root stands for; under the lock of Mounts
};

} // namespace chorale::c_os
