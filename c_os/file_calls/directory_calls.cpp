// Directories: listed, and those of the process.
#include "c_os/base/bytes.hpp"
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

// Linux's struct linux_dirent64, one behind the other, each at a multiple of 8.
class UserEntries final : public DirectorySink {
  public:
    UserEntries(u64 address, std::size_t size) : to_{Buffer::of_user(address, size)} {}

    Result<bool> add(std::string_view name, u64 number, NodeKind kind, u64 next) override {
        struct {
            u64 number, next;
            u16 size;
            u8 kind;
            char name[name_limit + 1 + 8];
        } entry{};
        constexpr std::size_t name_offset = 19;
        static_assert(offsetof(decltype(entry), name) == name_offset);
        const std::size_t size = (name_offset + name.size() + 1 + 7) & ~std::size_t{7};
        if (size > to_.left()) {
            full_ = true;
            return false;
        }
        entry.number = number;
        entry.next = next;
        entry.size = static_cast<u16>(size);
        entry.kind = static_cast<u8>(kind);
        copy_bytes(entry.name, name.data(), name.size());
        if (const Done done = to_.put(&entry, size); !done) return failed(done.error());
        return true;
    }
    [[nodiscard]] std::size_t done() const { return to_.done(); }
    [[nodiscard]] bool full() const { return full_; }

  private:
    Buffer to_;
    bool full_{};
};

[[nodiscard]] Result<Ref<Node>> directory_to_enter(FileContext& context, Result<Ref<Node>> node) {
    if (!node) return node;
    if (!(*node)->directory()) return failed(Error::enotdir);
    if (const Done done = (*node)->check_access(context.credentials(), access_execute); !done)
        return failed(done.error());
    return node;
}

} // namespace

namespace file_calls {

Result<u64> getdents64(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use_to_read(arguments.integer(0));
    if (!file) return failed(file.error());
    UserEntries entries{arguments[1], transfer_size(arguments.word(2))};
    const Done done = (*file)->list(entries);
    if (!done && entries.done() == 0) return failed(done.error());
    if (entries.done() == 0 && entries.full()) return failed(Error::einval);
    return u64{entries.done()};
}

Result<u64> chdir(FileContext& context, const CallArguments& arguments) {
    Result<Ref<Node>> node =
        directory_to_enter(context, resolve_user(context, at_current_directory, arguments[0]));
    if (!node) return failed(node.error());
    context.set_current(std::move(*node));
    return 0;
}

Result<u64> fchdir(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use(arguments.integer(0));
    if (!file) return failed(file.error());
    Result<Ref<Node>> node = directory_to_enter(context, Ref<Node>{(*file)->node()});
    if (!node) return failed(node.error());
    context.set_current(std::move(*node));
    return 0;
}

Result<u64> chroot(FileContext& context, const CallArguments& arguments) {
    Result<Ref<Node>> node =
        directory_to_enter(context, resolve_user(context, at_current_directory, arguments[0]));
    if (!node) return failed(node.error());
    if (!context.credentials().root()) return failed(Error::eperm);
    context.set_root(std::move(*node));
    return 0;
}

Result<u64> getcwd(FileContext& context, const CallArguments& arguments) {
    Buffer to = Buffer::of_user(arguments[0], transfer_size(arguments[1]));
    const Result<std::size_t> length = path_of(context, context.current(), to);
    if (!length) return failed(length.error());
    return u64{*length};
}

Result<u64> umask(FileContext& context, const CallArguments& arguments) {
    return context.set_umask(arguments.word(0));
}

} // namespace file_calls

} // namespace chorale::c_os
