// sendfile and copy_file_range: from file to file, a page at a time.
#include "c_os/base/memory.hpp"
#include "c_os/file_calls/call_support.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

class Page {
  public:
    Page() : bytes_{allocate_page()} {}
    ~Page() {
        if (bytes_ != nullptr) free_page(bytes_);
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    [[nodiscard]] std::byte* bytes() const { return bytes_; }

  private:
    std::byte* bytes_;
};

// A place that the user gave, or the file's own, or none (pipes and terminals).
struct Side {
    OpenFile& file;
    u64 user{}; // where the user's is, or 0
    u64 place{};
    bool placed{true};

    [[nodiscard]] Done begin() {
        if (user != 0) {
            const Result<u64> given = get_from_user<u64>(user);
            if (!given) return failed(given.error());
            if (static_cast<std::int64_t>(*given) < 0) return failed(Error::einval);
            place = *given;
            return {};
        }
        const Result<u64> own = file.seek(0, Whence::current);
        if (own)
            place = *own;
        else
            placed = false;
        return {};
    }
    [[nodiscard]] Done end() const {
        if (user != 0) return put_to_user(user, place);
        if (!placed) return {};
        const Result<u64> own = file.seek(static_cast<std::int64_t>(place), Whence::start);
        return own ? Done{} : failed(own.error());
    }
    [[nodiscard]] Result<std::size_t> read(Buffer& to) {
        return placed ? file.read_at(place, to) : file.read(to);
    }
    [[nodiscard]] Result<std::size_t> write(Buffer& from, u64 limit) {
        return placed ? file.write_at(place, from, limit) : file.write(from, limit);
    }
};

// What was copied before an error counts as success.
[[nodiscard]] Result<u64> copy(Side& from, Side& to, u64 size, u64 limit) {
    const Page page;
    if (page.bytes() == nullptr) return failed(Error::enomem);
    u64 copied = 0;
    while (copied < size) {
        Buffer in = Buffer::of_memory(page.bytes(), std::min<u64>(size - copied, page_size));
        const Result<std::size_t> got = from.read(in);
        if (!got && copied == 0) return failed(got.error());
        if (!got || *got == 0) break;
        Buffer out = Buffer::of_memory(static_cast<const void*>(page.bytes()), *got);
        const Result<std::size_t> put = to.write(out, limit);
        if (!put && copied == 0) return failed(put.error());
        if (!put) break;
        from.place += *put;
        to.place += *put;
        copied += *put;
        if (*put < *got) break;
    }
    return copied;
}

} // namespace

namespace file_calls {

Result<u64> sendfile(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> out = context.files.use_to_write(arguments.integer(0));
    if (!out) return failed(out.error());
    const Result<FileUse> in = context.files.use_to_read(arguments.integer(1));
    if (!in) return failed(in.error());
    if (((*out)->flags() & open_append) != 0) return failed(Error::einval);
    Side from{.file = **in, .user = arguments[2]}, to{.file = **out};
    if (const Done done = from.begin(); !done) return failed(done.error());
    if (const Done done = to.begin(); !done) return failed(done.error());
    if (arguments[2] != 0 && !from.placed) return failed(Error::espipe);
    const Result<u64> copied = copy(from, to, transfer_size(arguments[3]), context.file_size_limit());
    if (!copied) return copied;
    if (const Done done = to.end(); !done) return failed(done.error());
    if (const Done done = from.end(); !done) return failed(done.error());
    return copied;
}

Result<u64> copy_file_range(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> in = context.files.use_to_read(arguments.integer(0));
    if (!in) return failed(in.error());
    const Result<FileUse> out = context.files.use_to_write(arguments.integer(2));
    if (!out) return failed(out.error());
    for (const OpenFile* file : {&**in, &**out}) {
        if (file->node().directory()) return failed(Error::eisdir);
        if (file->node().kind() != NodeKind::regular) return failed(Error::einval);
    }
    if (arguments.word(5) != 0) return failed(Error::einval);
    if (((*out)->flags() & open_append) != 0) return failed(Error::ebadf);
    Side from{.file = **in, .user = arguments[1]}, to{.file = **out, .user = arguments[3]};
    if (const Done done = from.begin(); !done) return failed(done.error());
    if (const Done done = to.begin(); !done) return failed(done.error());
    const u64 size = transfer_size(arguments[4]);
    const u64 distance = from.place > to.place ? from.place - to.place : to.place - from.place;
    if (&(*in)->node() == &(*out)->node() && distance < size) return failed(Error::einval);
    const Result<u64> copied = copy(from, to, size, context.file_size_limit());
    if (!copied) return copied;
    if (const Done done = to.end(); !done) return failed(done.error());
    if (const Done done = from.end(); !done) return failed(done.error());
    return copied;
}

} // namespace file_calls

} // namespace chorale::c_os
