#include "c_os/file/bank.hpp"
#include "c_os/base/bytes.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/open_file.hpp"
#include "formats/cpio.hpp"

#include <algorithm>

namespace chorale::c_os {

// Of a tree that does not change after begin(), so needs no lock.
class BankNode final : public Node {
  public:
    BankNode(BankFileSystem& file_system, NodeKind kind, u64 number, std::string_view name,
             formats::Bytes data)
        : Node{file_system, kind}, number_{number}, name_{name}, data_{data} {}

    Attributes attributes() override;
    Done check_access(const Credentials& caller, unsigned access) override {
        if ((access & access_write) != 0) return failed(Error::erofs);
        return permitted(attributes(), caller, access);
    }
    Result<Ref<OpenFile>> open(FileContext& context, u32 flags) override;
    Result<Ref<Node>> lookup(const Credentials& caller, std::string_view name) override;
    Result<Ref<Node>> parent(const Credentials&) override { return Ref<Node>{*parent_}; }
    Result<std::size_t> name_of(const Node& directory, char* name, std::size_t size) override;
    [[nodiscard]] BankNode* find(std::string_view name) const;
    [[nodiscard]] Done list(u64& place, DirectorySink& to);

    const u64 number_;
    const std::string_view name_; // in the archive
    const formats::Bytes data_;
    u32 links_{1};
    BankNode* parent_{};
    BankNode* first_child_{};
    BankNode* last_child_{};
    BankNode* next_sibling_{};
    BankNode* next_of_all_{};
};

namespace {

constexpr u32 type_of_bank = 0x28cd3d45; // what cramfs of Linux says

class BankFile final : public OpenFile {
  public:
    BankFile(BankNode& node, u32 flags) : OpenFile{Ref<Node>{node}, flags} {}

    Result<std::size_t> read(Buffer& to) override {
        const Lock lock{mutex_};
        const Result<std::size_t> count = copy(place_, to);
        if (count) place_ += *count;
        return count;
    }
    Result<std::size_t> read_at(u64 offset, Buffer& to) override { return copy(offset, to); }
    Result<u64> seek(std::int64_t offset, Whence whence) override;
    Done list(DirectorySink& to) override {
        if (!node().directory()) return failed(Error::enotdir);
        const Lock lock{mutex_};
        return bank().list(place_, to);
    }

  private:
    [[nodiscard]] BankNode& bank() const { return static_cast<BankNode&>(node()); }
    [[nodiscard]] Result<std::size_t> copy(u64 at, Buffer& to) const {
        if (node().directory()) return failed(Error::eisdir);
        const formats::Bytes data = bank().data_;
        if (at >= data.size()) return 0;
        const std::size_t size = std::min<std::size_t>(to.left(), data.size() - at);
        if (const Done done = to.put(data.data() + at, size); !done) return failed(done.error());
        return size;
    }

    Mutex mutex_;
    u64 place_{};
};

Result<u64> BankFile::seek(std::int64_t offset, Whence whence) {
    const Lock lock{mutex_};
    const u64 size = bank().data_.size();
    if (whence == Whence::data || whence == Whence::hole) {
        if (offset < 0 || static_cast<u64>(offset) >= size) return failed(Error::enxio);
        return place_ = whence == Whence::data ? static_cast<u64>(offset) : size;
    }
    const u64 base = whence == Whence::start ? 0 : whence == Whence::current ? place_ : size;
    const Result<u64> moved = moved_place(base, offset);
    if (moved) place_ = *moved;
    return moved;
}

} // namespace

Attributes BankNode::attributes() {
    const TimeStamp time = static_cast<BankFileSystem&>(file_system()).time();
    return {.kind = kind(),
            .mode = 0555,
            .links = links_,
            .size = data_.size(),
            .pages = (data_.size() + page_size - 1) >> page_bits,
            .number = number_,
            .device = file_system().device(),
            .accessed = time,
            .modified = time,
            .changed = time,
            .created = time};
}

Result<Ref<OpenFile>> BankNode::open(FileContext&, u32 flags) {
    auto* const file = new (std::nothrow) BankFile{*this, flags};
    if (file == nullptr) return failed(Error::enomem);
    return Ref<OpenFile>::adopt(file);
}

BankNode* BankNode::find(std::string_view name) const {
    BankNode* child = first_child_;
    while (child != nullptr && child->name_ != name) child = child->next_sibling_;
    return child;
}

Result<Ref<Node>> BankNode::lookup(const Credentials&, std::string_view name) {
    if (!directory()) return failed(Error::enotdir);
    if (name.size() > name_limit) return failed(Error::enametoolong);
    BankNode* const child = find(name);
    if (child == nullptr) return failed(Error::enoent);
    return Ref<Node>{*child};
}

Result<std::size_t> BankNode::name_of(const Node& directory, char* name, std::size_t size) {
    for (const BankNode* child = first_child_; child != nullptr; child = child->next_sibling_) {
        if (child != &directory) continue;
        if (child->name_.size() > size) return failed(Error::erange);
        copy_bytes(name, child->name_.data(), child->name_.size());
        return child->name_.size();
    }
    return failed(Error::enoent);
}

// Cookies count the children.
Done BankNode::list(u64& place, DirectorySink& to) {
    u64 at = 0;
    const auto add = [&](std::string_view name, const BankNode& node) -> Result<bool> {
        if (at++ < place) return true;
        const Result<bool> added = to.add(name, node.number_, node.kind(), at);
        if (added && *added) place = at;
        return added;
    };
    Result<bool> added = add(".", *this);
    if (added && *added) added = add("..", *parent_);
    for (const BankNode* child = first_child_; added && *added && child != nullptr;
         child = child->next_sibling_)
        added = add(child->name_, *child);
    return added ? Done{} : failed(added.error());
}

BankFileSystem::~BankFileSystem() {
    while (nodes_ != nullptr) {
        BankNode* const node = nodes_;
        nodes_ = node->next_of_all_;
        node->release();
    }
}

Result<BankNode*> BankFileSystem::obtain(BankNode& directory, std::string_view name, NodeKind kind,
                                         formats::Bytes data) {
    if (BankNode* const there = directory.find(name)) return there;
    auto* const node = new (std::nothrow) BankNode{*this, kind, ++count_, name, data};
    if (node == nullptr) return failed(Error::enomem);
    node->next_of_all_ = nodes_;
    nodes_ = node;
    node->parent_ = &directory;
    if (directory.last_child_ != nullptr)
        directory.last_child_->next_sibling_ = node;
    else
        directory.first_child_ = node;
    directory.last_child_ = node;
    if (kind == NodeKind::directory) {
        node->links_ = 2;
        ++directory.links_;
    }
    pages_ += (data.size() + page_size - 1) >> page_bits;
    return node;
}

// Folders that the archive does not name come with what lies in them. False: the name cannot be had, because
// a part of it is a file, or it is there already as something else.
Result<bool> BankFileSystem::add(std::string_view name, NodeKind kind, formats::Bytes data) {
    BankNode* at = root_;
    for (;;) {
        const std::size_t slash = formats::index_of(name, '/');
        const bool last = slash == name.npos;
        const std::string_view part = last ? name : name.substr(0, slash);
        const NodeKind part_kind = last ? kind : NodeKind::directory;
        const Result<BankNode*> next = obtain(*at, part, part_kind, last ? data : formats::Bytes{});
        if (!next) return failed(next.error());
        if ((*next)->kind() != part_kind) return false;
        if (last) return true;
        at = *next;
        name.remove_prefix(slash + 1);
    }
}

Result<std::size_t> BankFileSystem::begin(formats::Bytes archive) {
    root_ = new (std::nothrow) BankNode{*this, NodeKind::directory, ++count_, {}, {}};
    if (root_ == nullptr) return failed(Error::enomem);
    nodes_ = root_;
    root_->parent_ = root_;
    root_->links_ = 2;
    std::size_t bad = 0;
    if (archive.empty()) return bad; // there is no bank
    for (const formats::cpio::Entry& entry : formats::cpio::Archive{archive}) {
        const bool usable =
            entry.error == formats::cpio::Error::none && (entry.regular() || entry.directory());
        if (usable) {
            const NodeKind kind = entry.regular() ? NodeKind::regular : NodeKind::directory;
            const Result<bool> added = add(entry.name, kind, entry.data);
            if (!added) return failed(added.error());
            if (*added) continue;
        }
        ++bad;
    }
    return bad;
}

Ref<Node> BankFileSystem::root() { return Ref<Node>{*root_}; }

FileSystemStatistics BankFileSystem::statistics() {
    return {.type = type_of_bank, .pages = pages_, .nodes = count_, .device = device(), .read_only = true};
}

Done BankFileSystem::for_each_file_of(std::string_view name, FileVisitor& visitor) {
    const BankNode* const folder = root_->find(name);
    if (folder == nullptr) return {};
    for (const BankNode* node = folder->first_child_; node != nullptr; node = node->next_sibling_)
        if (node->kind() == NodeKind::regular)
            if (const Done done = visitor.visit(node->name_, node->data_); !done) return done;
    return {};
}

} // namespace chorale::c_os
