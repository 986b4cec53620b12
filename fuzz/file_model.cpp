#include "file_model.hpp"

#include <cerrno>

namespace chorale::fuzz {
namespace {

[[nodiscard]] bool lies_in(const Model::Node& inner, const Model::Node& outer) {
    if (&inner == &outer) return true;
    for (const auto& [name, below] : outer.names)
        if (below->directory && lies_in(inner, *below)) return true;
    return false;
}

} // namespace

Model::Place Model::find(const Path& path) const {
    Place place;
    place.directory = root_.get();
    for (std::size_t i = 0;; ++i) {
        const auto found = place.directory->names.find(path[i]);
        const bool last = i + 1 == path.size();
        if (last) {
            if (found != place.directory->names.end()) place.node = found->second;
            return place;
        }
        if (found == place.directory->names.end())
            return {.error = -ENOENT, .directory = nullptr, .node = nullptr};
        if (!found->second->directory) return {.error = -ENOTDIR, .directory = nullptr, .node = nullptr};
        place.directory = found->second.get();
    }
}

long Model::open(const Path& path, bool exclusive, bool truncates) {
    const Place place = find(path);
    if (place.error != 0) return place.error;
    if (place.node && exclusive) return -EEXIST;
    if (place.node && place.node->directory) return -EISDIR;
    std::shared_ptr<Node> node = place.node;
    if (!node) node = place.directory->names[path.back()] = std::make_shared<Node>();
    if (truncates) node->data.clear();
    long descriptor = 0;
    while (files_.contains(descriptor)) ++descriptor;
    files_[descriptor] = node;
    return descriptor;
}

void Model::settle_open(const Path& path, bool truncates) {
    const Place place = find(path);
    if (place.error != 0) return;
    if (!place.node)
        place.directory->names[path.back()] = std::make_shared<Node>();
    else if (truncates)
        place.node->data.clear();
}

long Model::close(long descriptor) { return files_.erase(descriptor) == 1 ? 0 : -EBADF; }

void Model::write(long descriptor, std::uint64_t at, const std::string& data) {
    std::string& all = files_.at(descriptor)->data;
    if (all.size() < at + data.size()) all.resize(at + data.size());
    all.replace(at, data.size(), data);
}

std::string Model::read(long descriptor, std::uint64_t at, std::uint64_t size) const {
    const std::string& all = files_.at(descriptor)->data;
    return at < all.size() ? all.substr(at, size) : std::string{};
}

long Model::truncate(long descriptor, std::uint64_t size) {
    if (!files_.contains(descriptor)) return -EBADF;
    files_[descriptor]->data.resize(size);
    return 0;
}

long Model::unlink(const Path& path) {
    const Place place = find(path);
    if (place.error != 0) return place.error;
    if (!place.node) return -ENOENT;
    if (place.node->directory) return -EISDIR;
    place.directory->names.erase(path.back());
    return 0;
}

long Model::make_directory(const Path& path) {
    const Place place = find(path);
    if (place.error != 0) return place.error;
    if (place.node) return -EEXIST;
    place.directory->names[path.back()] =
        std::make_shared<Node>(Node{.directory = true, .data = {}, .names = {}});
    return 0;
}

long Model::remove_directory(const Path& path) {
    const Place place = find(path);
    if (place.error != 0) return place.error;
    if (!place.node) return -ENOENT;
    if (!place.node->directory) return -ENOTDIR;
    if (!place.node->names.empty()) return -ENOTEMPTY;
    place.directory->names.erase(path.back());
    return 0;
}

long Model::rename(const Path& from, const Path& to) {
    const Place source = find(from), target = find(to);
    if (source.error != 0) return source.error;
    if (target.error != 0) return target.error;
    if (!source.node) return -ENOENT;
    if (source.node->directory && lies_in(*target.directory, *source.node)) return -EINVAL;
    if (target.node) {
        if (target.node->directory && lies_in(*source.directory, *target.node)) return -ENOTEMPTY;
        if (target.node->directory && !source.node->directory) return -EISDIR;
        if (!target.node->directory && source.node->directory) return -ENOTDIR;
        if (target.node == source.node) return 0;
        if (target.node->directory && !target.node->names.empty()) return -ENOTEMPTY;
    }
    source.directory->names.erase(from.back());
    target.directory->names[to.back()] = source.node;
    return 0;
}

long Model::link(const Path& from, const Path& to) {
    const Place source = find(from), target = find(to);
    if (source.error != 0) return source.error;
    if (!source.node) return -ENOENT;
    if (target.error != 0) return target.error;
    if (target.node) return -EEXIST;
    if (source.node->directory) return -EPERM;
    target.directory->names[to.back()] = source.node;
    return 0;
}

} // namespace chorale::fuzz
