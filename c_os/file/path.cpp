#include "c_os/file/path.hpp"
#include "c_os/base/bytes.hpp"
#include "c_os/base/owned.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/mount.hpp"

namespace chorale::c_os {

Done Walk::begin(int directory, std::string_view path) {
    if (path.empty()) return failed(Error::enoent);
    if (path.size() >= path_limit) return failed(Error::enametoolong);
    rest_ = path;
    if (path.front() == '/') {
        node_ = caller_.root;
    } else if (directory == at_current_directory) {
        node_ = caller_.current;
    } else {
        const Result<FileUse> file = context_.files.use(directory);
        if (!file) return failed(file.error());
        node_ = Ref<Node>{(*file)->node()};
    }
    return node_->directory() ? Done{} : failed(Error::enotdir);
}

Done Walk::to_last() {
    last_ = {};
    for (;;) {
        std::size_t slashes = 0;
        while (slashes < rest_.size() && rest_[slashes] == '/') ++slashes;
        rest_.remove_prefix(slashes);
        if (rest_.empty()) {
            slash_ = slash_ || slashes != 0;
            return {};
        }
        // It was not the last one. When it was a link the rest begins anew, at the link's target.
        if (const std::string_view name = std::exchange(last_, {}); !name.empty()) {
            const Result<bool> followed = step(name);
            if (!followed) return failed(followed.error());
            if (*followed) continue;
        }
        std::size_t length = 0;
        while (length < rest_.size() && rest_[length] != '/') ++length;
        last_ = rest_.substr(0, length);
        rest_.remove_prefix(length);
    }
}

// Whether the name was a link.
Result<bool> Walk::step(std::string_view name) {
    last_ = name;
    Result<Ref<Node>> next = child();
    last_ = {};
    if (!next) return failed(next.error());
    if ((*next)->kind() == NodeKind::link) {
        if (const Done done = follow(**next); !done) return failed(done.error());
        return true;
    }
    if (!(*next)->directory()) return failed(Error::enotdir);
    node_ = std::move(*next);
    return false;
}

Result<Ref<Node>> Walk::child() {
    if (last_.empty()) return node_;
    if (last_ == ".") {
        if (const Done done = node_->check_access(caller_.credentials, access_execute); !done)
            return failed(done.error());
        return node_;
    }
    if (last_ == "..") return above();
    Result<Ref<Node>> child = node_->lookup(caller_.credentials, last_);
    if (child && (*child)->covered()) return Mounts::uncover(std::move(*child));
    return child;
}

Result<Ref<Node>> Walk::above() {
    if (const Done done = node_->check_access(caller_.credentials, access_execute); !done)
        return failed(done.error());
    Ref<Node> at = node_;
    while (at != caller_.root) {
        Result<Ref<Node>> parent = at->parent(caller_.credentials);
        if (!parent) return parent;
        if (*parent != at) return (*parent)->covered() ? Mounts::uncover(std::move(*parent)) : parent;
        // The root of a file system: its parent is that of the directory that it stands for.
        Ref<Node> below = Mounts::covered_by(at->file_system());
        if (!below) break;
        at = std::move(below);
    }
    return at;
}

Done Walk::follow(Node& link) {
    if (++links_ > link_limit) return failed(Error::eloop);
    if (text_ == nullptr) text_.reset(new (std::nothrow) Text);
    if (text_ == nullptr) return failed(Error::enomem);
    char* const bytes = text_->bytes;
    // The rest to the end of the text; when it is of a link's target it is there already.
    std::size_t end = text_size - rest_.size();
    if (!rest_.empty()) {
        move_bytes(bytes + end, rest_.data(), rest_.size());
        bytes[--end] = '/';
    }
    Buffer target = Buffer::of_memory(bytes, end < path_limit ? end : path_limit);
    if (const Done done = link.read_link(target); !done) return done;
    if (target.left() == 0) return failed(Error::enametoolong); // and perhaps cut off
    if (target.done() == 0) return failed(Error::enoent);
    if (bytes[0] == '/') node_ = caller_.root;
    const std::size_t start = end - target.done();
    move_bytes(bytes + start, bytes, target.done());
    rest_ = {bytes + start, text_size - start};
    last_ = {};
    return {};
}

Result<Ref<Node>> Walk::to_node(bool follow_last) {
    for (;;) {
        if (const Done done = to_last(); !done) return failed(done.error());
        Result<Ref<Node>> node = child();
        if (!node) return node;
        if ((*node)->kind() == NodeKind::link && (follow_last || slash_)) {
            if (const Done done = follow(**node); !done) return failed(done.error());
            continue;
        }
        if (slash_ && !(*node)->directory()) return failed(Error::enotdir);
        return node;
    }
}

Result<Ref<Node>> resolve(FileContext& context, int directory, std::string_view path, u32 flags) {
    if (path.empty() && (flags & resolve_empty_path) != 0) {
        if (directory == at_current_directory) return context.current();
        const Result<FileUse> file = context.files.use(directory);
        if (!file) return failed(file.error());
        return Ref<Node>{(*file)->node()};
    }
    Walk walk{context};
    if (const Done done = walk.begin(directory, path); !done) return failed(done.error());
    Result<Ref<Node>> node = walk.to_node((flags & resolve_no_follow) == 0);
    if (node && (flags & resolve_directory) != 0 && !(*node)->directory()) return failed(Error::enotdir);
    return node;
}

Done resolve_place(FileContext& context, int directory, std::string_view path, Place& place) {
    Walk walk{context};
    if (const Done done = walk.begin(directory, path); !done) return done;
    if (const Done done = walk.to_last(); !done) return done;
    if (walk.last().size() > name_limit) return failed(Error::enametoolong);
    place.directory = walk.directory();
    place.length = walk.last().size();
    copy_bytes(place.text, walk.last().data(), place.length);
    place.slash = walk.slash();
    return {};
}

// From the end to the front: the names on the way up.
Result<std::size_t> path_of(FileContext& context, const Ref<Node>& directory, Buffer& to) {
    struct Text {
        char bytes[path_limit];
    };
    const Owned<Text> text{new (std::nothrow) Text};
    if (text == nullptr) return failed(Error::enomem);
    const Ref<Node> root = context.root();
    Credentials all; // who is in a directory may know where it is
    std::size_t start = path_limit;
    text->bytes[--start] = '\0';
    for (Ref<Node> at = directory; at != root;) {
        const Result<Ref<Node>> parent = at->parent(all);
        if (!parent) return failed(Error::enoent);
        if (*parent == at) {
            at = Mounts::covered_by(at->file_system());
            if (!at) return failed(Error::enoent);
            continue;
        }
        char name[name_limit];
        const Result<std::size_t> length = (*parent)->name_of(*at, name, sizeof name);
        if (!length) return failed(length.error());
        if (*length + 1 > start) return failed(Error::enametoolong);
        start -= *length;
        copy_bytes(text->bytes + start, name, *length);
        text->bytes[--start] = '/';
        at = *parent;
    }
    if (start == path_limit - 1) text->bytes[--start] = '/';
    const std::size_t size = path_limit - start;
    if (size > to.left()) return failed(Error::erange);
    if (const Done done = to.put(text->bytes + start, size); !done) return failed(done.error());
    return size;
}

} // namespace chorale::c_os
