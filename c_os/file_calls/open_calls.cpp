// open and close.
#include "c_os/file_calls/call_support.hpp"

namespace chorale::c_os {

namespace {

// The descriptor first: who has none left makes no file.
[[nodiscard]] Result<u64> open_path_at(FileContext& context, int directory, u64 path, u32 flags, u32 mode) {
    UserPath text;
    if (const Done done = text.read(path, Error::enametoolong); !done) return failed(done.error());
    const Result<int> descriptor = context.files.reserve();
    if (!descriptor) return failed(descriptor.error());
    Result<Ref<OpenFile>> file = open_file(context, directory, text.view(), flags, mode);
    if (!file) {
        context.files.give_back(*descriptor);
        return failed(file.error());
    }
    context.files.fill(*descriptor, std::move(*file), (flags & open_close_on_exec) != 0);
    return static_cast<u64>(*descriptor);
}

} // namespace

namespace file_calls {

Result<u64> open(FileContext& context, const CallArguments& arguments) {
    return open_path_at(context, at_current_directory, arguments[0], arguments.word(1), arguments.word(2));
}

Result<u64> openat(FileContext& context, const CallArguments& arguments) {
    return open_path_at(context, arguments.integer(0), arguments[1], arguments.word(2), arguments.word(3));
}

Result<u64> creat(FileContext& context, const CallArguments& arguments) {
    constexpr u32 flags = open_create | open_write_only | open_truncate;
    return open_path_at(context, at_current_directory, arguments[0], flags, arguments.word(1));
}

Result<u64> close(FileContext& context, const CallArguments& arguments) {
    return no_value(context.files.close(arguments.integer(0)));
}

Result<u64> close_range(FileContext& context, const CallArguments& arguments) {
    constexpr u32 unshare = 2, close_on_exec = 4; // nobody shares a table
    const u32 first = arguments.word(0), last = arguments.word(1), flags = arguments.word(2);
    if (first > last || (flags & ~(unshare | close_on_exec)) != 0) return failed(Error::einval);
    if ((flags & close_on_exec) == 0) {
        context.files.close_range(first, last);
        return 0;
    }
    for (u32 number = first; number <= last && number < FileTable::descriptor_limit; ++number)
        if (!context.files.set_close_on_exec(static_cast<int>(number), true)) continue; // it is not open
    return 0;
}

} // namespace file_calls

} // namespace chorale::c_os
