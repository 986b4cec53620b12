// The walk along a path: from the root or a directory, name by name, through links and mounts, to a node or
// to the directory in which the last name is, or is to be.
//
// A walk does not recurse: what a link leads to is put before the rest of the path, in a buffer that fills
// from its end. ".." does not leave the process's root. Where the process was when the call began it stays
// for the whole walk.
#pragma once

#include "c_os/base/owned.hpp"
#include "c_os/file/file_context.hpp"

#include <string_view>

namespace chorale::c_os {

inline constexpr u32 link_limit = 40;

class Walk {
  public:
    Walk(FileContext& context) : context_{context}, caller_{context.caller()} {}

    // From a directory's descriptor or at_current_directory; the path's text must stay as long as the walk.
    // Errors: enoent (an empty path), enametoolong, ebadf, enotdir.
    [[nodiscard]] Done begin(int directory, std::string_view path);
    // Up to the last name. Errors: enoent, enotdir, eacces, eloop, enametoolong, enomem, and what
    // Node::lookup() and Node::read_link() say.
    [[nodiscard]] Done to_last();
    // Then: the directory, and the last name: "" when the path was only a root, maybe "." or "..".
    [[nodiscard]] const Ref<Node>& directory() const { return node_; }
    [[nodiscard]] std::string_view last() const { return last_; }
    // Whether slashes followed it: it is to be a directory.
    [[nodiscard]] bool slash() const { return slash_; }
    // What the last name stands for, mounts looked through. Errors: enoent, eacces, enametoolong.
    [[nodiscard]] Result<Ref<Node>> child();
    // Goes on from there, at the link's end: to_last() comes next. Errors: eloop, enametoolong, enomem.
    [[nodiscard]] Done follow(Node& link);
    // From begin() to the node. Errors: as above, and enotdir.
    [[nodiscard]] Result<Ref<Node>> to_node(bool follow_last);

    [[nodiscard]] const Caller& caller() const { return caller_; }
    // As access() does.
    void use_real_ids() { caller_.credentials = caller_.credentials.with_real_ids(); }

  private:
    static constexpr std::size_t text_size = 8192; // a path and one link's target always fit
    struct Text {
        char bytes[text_size];
    };

    [[nodiscard]] Result<bool> step(std::string_view name);
    [[nodiscard]] Result<Ref<Node>> above();

    FileContext& context_;
    Caller caller_;
    Ref<Node> node_;
    std::string_view rest_, last_;
    Owned<Text> text_; // from the first link on
    u32 links_{};
    bool slash_{};
};

enum ResolveFlags : u32 {
    resolve_no_follow = 1,  // the last name may be a link, and is what is wanted
    resolve_empty_path = 2, // an empty path is the descriptor's own node
    resolve_directory = 4,  // enotdir unless it is one
};

// The node of a path. Errors: as Walk's.
[[nodiscard]] Result<Ref<Node>> resolve(FileContext& context, int directory, std::string_view path,
                                        u32 flags = 0);

// A name in a directory, with its own text: the path's may go.
struct Place {
    Ref<Node> directory;
    char text[name_limit + 1];
    std::size_t length{};
    bool slash{};
    [[nodiscard]] std::string_view name() const { return {text, length}; }
};
// Where the last name of a path is or is to be; a link there is not followed. Errors: as Walk's.
[[nodiscard]] Done resolve_place(FileContext& context, int directory, std::string_view path, Place& place);

// The path of a directory from the process's root on, with its NUL. Its length with the NUL. Errors: enoent
// (it was removed, or lies outside the root), erange, enomem.
[[nodiscard]] Result<std::size_t> path_of(FileContext& context, const Ref<Node>& directory, Buffer& to);

// Opens what a path leads to, as open() does, without a descriptor for it: also for who loads programs.
// `mode`: of a file that is made. Errors: those of open(2).
[[nodiscard]] Result<Ref<OpenFile>> open_file(FileContext& context, int directory, std::string_view path,
                                              u32 flags, u32 mode = 0);

} // namespace chorale::c_os
