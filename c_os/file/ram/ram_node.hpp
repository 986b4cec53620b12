// The nodes of the RAM file system, and the file system itself.
//
// Locks. Each node has one. Who needs several takes them in this order:
//   1. renaming_ of the file system: rename() only. While it is held no directory gets another parent.
//   2. directories, those nearer to the root first; of two of which none lies in the other, the one with
//      the lower address first, which only rename() needs.
//   3. the nodes whose names are changed, in the directories that are locked: after those by rule 2, and of
//   two of
//      them, again only in rename(), the one with the lower address first.
//   4. the account; the lists of owners.
// There is no cycle: everybody but rename() locks a directory and then one node in it, so goes down the tree;
// rename() goes down too, or sideways between directories of which none lies in the other, and is alone in
// that because of renaming_. Files are leaves: who has the lock of one waits for no other node.
#pragma once

#include "c_os/base/owned.hpp"
#include "c_os/file/open_file.hpp"
#include "c_os/file/page_view.hpp"
#include "c_os/file/ram/name_table.hpp"
#include "c_os/file/ram/page_tree.hpp"

namespace chorale::c_os {

class Pipe;
class RamDirectory;
class RamFileSystem;

inline constexpr u32 link_count_limit = 65000;

class RamNode : public Node {
  public:
    [[nodiscard]] Attributes attributes() override;
    [[nodiscard]] Done check_access(const Credentials& caller, unsigned access) override;
    [[nodiscard]] Done change(const Credentials& caller, const AttributeChange& change) override;
    [[nodiscard]] RamFileSystem& ram() const;

  protected:
    friend class RamDirectory;
    RamNode(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid);

    // Under the lock:
    [[nodiscard]] Attributes snapshot() const;
    void touch_modified();
    void touch_changed();
    // As relatime mounts of Linux: only when it tells something new.
    void touch_accessed();

    Mutex mutex_;
    Attributes attributes_; // all but pages
    Charge charge_;

  private:
    [[nodiscard]] Done change_mode(const Credentials& caller, u32 mode);
    [[nodiscard]] Done change_owner(const Credentials& caller, const AttributeChange& change);
    [[nodiscard]] Done change_times(const Credentials& caller, const AttributeChange& change);
};

class RamFile final : public RamNode {
  public:
    static constexpr u64 size_limit = PageTree::page_limit << page_bits;

    RamFile(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
        : RamNode{file_system, owner, wanted, uid, gid} {}
    ~RamFile() override { pages_.cut(0, charge_); }

    [[nodiscard]] Done truncate(u64 size) override;
    [[nodiscard]] Result<Ref<OpenFile>> open(FileContext& context, u32 flags) override;

    [[nodiscard]] Done add_view(PageView& view) override;
    void remove_view(PageView& view) override;
    void divide_view(PageView& view, PageRange range, PageView* rest) override;

    // `place` is read and moved on under the lock: calls that share it do not overlap.
    [[nodiscard]] Result<std::size_t> read(u64& place, Buffer& to, bool touch);
    struct WriteMode {
        bool append, keep_set_id;
    };
    [[nodiscard]] Result<std::size_t> write(u64& place, Buffer& from, u64 limit, WriteMode mode);
    [[nodiscard]] Result<u64> seek(u64& place, std::int64_t offset, Whence whence);
    [[nodiscard]] Done allocate(u64 offset, u64 size, bool keep_size);

  private:
    [[nodiscard]] Done write_page(u64 at, Buffer& from, std::size_t size);
    [[nodiscard]] Result<u64> seek_content(u64 offset, Whence whence) const;

    // Before the file grows: what programs have written behind its end goes.
    void clear_tail();
    // When it has grown.
    void show_more();

    PageTree pages_;  // zero behind the size, but for the last page of a file that has had views
    PageViews views_; // of pages below the size
    Waiters view_left_;
};

class RamLink final : public RamNode {
  public:
    RamLink(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
        : RamNode{file_system, owner, wanted, uid, gid} {}
    // Errors: enomem, enospc, edquot.
    [[nodiscard]] Done begin(std::string_view target);
    [[nodiscard]] Done read_link(Buffer& to) override;
    // Nobody opens a link but by O_PATH.
    [[nodiscard]] Result<Ref<OpenFile>> open(FileContext&, u32) override { return failed(Error::eloop); }

  private:
    Owned<char[]> target_; // constant from begin() on
    std::size_t length_{};
};

// Devices, and sockets that have a name.
class RamSpecial final : public RamNode {
  public:
    RamSpecial(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
        : RamNode{file_system, owner, wanted, uid, gid} {}
    [[nodiscard]] Result<Ref<OpenFile>> open(FileContext& context, u32 flags) override;
};

class RamFifo final : public RamNode {
  public:
    RamFifo(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid);
    ~RamFifo() override;
    [[nodiscard]] Result<Ref<OpenFile>> open(FileContext& context, u32 flags) override;

  private:
    Ref<Pipe> pipe_; // from the first open on; under the lock
};

class RamDirectory final : public RamNode {
  public:
    RamDirectory(RamFileSystem& file_system, Owner& owner, const NewNode& wanted, u32 uid, u32 gid)
        : RamNode{file_system, owner, wanted, uid, gid} {}
    ~RamDirectory() override;

    [[nodiscard]] Result<Ref<OpenFile>> open(FileContext& context, u32 flags) override;
    [[nodiscard]] Result<Ref<Node>> lookup(const Credentials& caller, std::string_view name) override;
    [[nodiscard]] Result<Ref<Node>> parent(const Credentials& caller) override;
    [[nodiscard]] Result<std::size_t> name_of(const Node& directory, char* name, std::size_t size) override;
    [[nodiscard]] Result<Ref<Node>> create(const Credentials& caller, std::string_view name,
                                           const NewNode& wanted) override;
    [[nodiscard]] Done link(const Credentials& caller, std::string_view name, Node& node) override;
    [[nodiscard]] Done unlink(const Credentials& caller, std::string_view name) override;
    [[nodiscard]] Done remove_directory(const Credentials& caller, std::string_view name) override;
    [[nodiscard]] Done rename(const Credentials& caller, std::string_view name, Node& target,
                              std::string_view target_name, u32 flags) override;

    // `place` is a cookie.
    [[nodiscard]] Done list(u64& place, DirectorySink& to);
    [[nodiscard]] Result<u64> seek(u64& place, std::int64_t offset, Whence whence);

  private:
    friend class RamFileSystem;
    friend class RenameLocks;
    struct Renaming;

    // Under the lock. The name, or enoent; the caller may search.
    [[nodiscard]] Result<RamName*> find(const Credentials& caller, std::string_view name) const;
    [[nodiscard]] u64 hash_of(std::string_view name) const;
    // That the caller may add and remove names. Errors: enoent (the directory was removed), eacces.
    [[nodiscard]] Done may_change(const Credentials& caller) const;
    // A name that is paid for, to be inserted. Errors: enomem, enospc, edquot.
    [[nodiscard]] Result<RamName*> prepare(std::string_view name, Ref<RamNode> node);
    [[nodiscard]] Ref<RamNode> take_out(RamName& name);
    void settle();
    [[nodiscard]] bool in_use(const RamNode& directory) const { return directory.covered(); }

    // ram_rename.cpp; under the locks of both directories.
    [[nodiscard]] static Done check_rename(const Renaming& renaming);
    [[nodiscard]] static Done check_nodes(const Renaming& renaming);
    [[nodiscard]] static Done exchange(const Renaming& renaming);
    [[nodiscard]] static Done move(const Renaming& renaming, Ref<RamNode>& replaced);
    static void set_parent(RamNode& node, RamDirectory& parent);

    NameTable names_;
    RamDirectory* parent_{}; // alive as long as this is linked in it; null: removed. The root's is itself.
};

class RamFileSystem final : public FileSystem {
  public:
    struct Settings {
        std::string_view type{"ramfs"};
        u64 device{};
        Clock clock{};
        RamLimits limits;
        u64 secret[2]{};
    };

    explicit RamFileSystem(const Settings& settings)
        : FileSystem{settings.type, settings.device}, clock_{settings.clock}, account_{settings.limits},
          secret_{settings.secret[0], settings.secret[1]} {}
    ~RamFileSystem() { end(); }

    // Makes the root directory. Errors: enomem, enospc.
    [[nodiscard]] Done begin(u32 mode);
    // Takes all names away; nobody uses the file system any more.
    void end();
    [[nodiscard]] Ref<Node> root() override { return root_; }
    [[nodiscard]] FileSystemStatistics statistics() override;

    [[nodiscard]] TimeStamp time() const { return clock_(); }
    [[nodiscard]] Account& account() { return account_; }

  private:
    friend class RamDirectory;
    friend class RamNode;
    friend class RenameLocks;
    // Errors: enospc, edquot, enomem.
    [[nodiscard]] Result<Ref<RamNode>> make_node(const NewNode& wanted, u32 uid, u32 gid);

    const Clock clock_;
    Account account_;
    const u64 secret_[2];
    Mutex renaming_;
    std::atomic<u64> next_number_{1};
    Ref<RamDirectory> root_;
};

// An open file or directory of it.
template <class Kind>
class RamOpenFile : public OpenFile {
  public:
    RamOpenFile(Kind& node, u32 flags) : OpenFile{Ref<Node>{node}, flags} {}
    [[nodiscard]] Result<u64> seek(std::int64_t offset, Whence whence) override {
        return ram().seek(place_, offset, whence);
    }

  protected:
    [[nodiscard]] Kind& ram() const { return static_cast<Kind&>(node()); }
    u64 place_{}; // under the lock of the node
};

} // namespace chorale::c_os
