// The model of the file calls' fuzzer: what POSIX says, with maps and strings.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace chorale::fuzz {

using Path = std::vector<std::string>;

class Model {
  public:
    struct Node {
        bool directory{};
        std::string data;
        std::map<std::string, std::shared_ptr<Node>> names;
    };

    // Each returns what the call does: a number, or an error's, negative.
    [[nodiscard]] long open(const Path& path, bool exclusive, bool truncates);
    // An open that lacked memory behind the file's making and cutting off.
    void settle_open(const Path& path, bool truncates);
    [[nodiscard]] long close(long descriptor);
    [[nodiscard]] bool writable(long descriptor) const { return files_.contains(descriptor); }
    void write(long descriptor, std::uint64_t at, const std::string& data);
    [[nodiscard]] std::string read(long descriptor, std::uint64_t at, std::uint64_t size) const;
    [[nodiscard]] long truncate(long descriptor, std::uint64_t size);
    [[nodiscard]] long unlink(const Path& path);
    [[nodiscard]] long make_directory(const Path& path);
    [[nodiscard]] long remove_directory(const Path& path);
    [[nodiscard]] long rename(const Path& from, const Path& to);
    [[nodiscard]] long link(const Path& from, const Path& to);

    [[nodiscard]] const Node& root() const { return *root_; }

  private:
    struct Place {
        long error{};
        Node* directory{};
        std::shared_ptr<Node> node; // what has the last name, or null
    };
    [[nodiscard]] Place find(const Path& path) const;

    std::shared_ptr<Node> root_ = std::make_shared<Node>(Node{.directory = true, .data = {}, .names = {}});
    std::map<long, std::shared_ptr<Node>> files_;
};

} // namespace chorale::fuzz
