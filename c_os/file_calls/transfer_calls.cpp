// read, write and their kin; lseek.
#include "c_os/base/memory.hpp"
#include "c_os/base/owned.hpp"
#include "c_os/file_calls/call_support.hpp"

#include <algorithm>

namespace chorale::c_os {

namespace {

using Piece = Buffer::Piece;
constexpr std::size_t piece_limit = 1024; // IOV_MAX

[[nodiscard]] Result<u64> counted(const Result<std::size_t>& count) {
    if (!count) return failed(count.error());
    return u64{*count};
}

// The pieces of a readv or writev. Few are kept here; the sum is cut at transfer_limit.
class Pieces {
  public:
    [[nodiscard]] Done read(u64 address, u64 count) {
        if (count > piece_limit) return failed(Error::einval);
        if (count > few) {
            more_.reset(new (std::nothrow) Piece[count]);
            if (more_ == nullptr) return failed(Error::enomem);
        }
        Piece* const pieces = more_ != nullptr ? more_.get() : few_;
        if (const Done done = copy_in(pieces, address, count * sizeof(Piece)); !done) return done;
        u64 sum = 0;
        for (u64 i = 0; i < count; ++i) {
            if (static_cast<std::int64_t>(pieces[i].size) < 0) return failed(Error::einval);
            sum = std::min<u64>(sum + pieces[i].size, transfer_limit);
        }
        all_ = {pieces, count};
        size_ = sum;
        return {};
    }
    [[nodiscard]] Buffer buffer() const { return Buffer::of_user(all_, size_); }

  private:
    static constexpr std::size_t few = 8;
    Piece few_[few];
    Owned<Piece[]> more_;
    std::span<const Piece> all_;
    std::size_t size_{};
};

[[nodiscard]] Result<u64> read_pieces(FileContext& context, const CallArguments& arguments, bool at_place) {
    const Result<FileUse> file = context.files.use_to_read(arguments.integer(0));
    if (!file) return failed(file.error());
    Pieces pieces;
    if (const Done done = pieces.read(arguments[1], arguments[2]); !done) return failed(done.error());
    Buffer to = pieces.buffer();
    if (at_place) return counted((*file)->read(to));
    if (static_cast<std::int64_t>(arguments[3]) < 0) return failed(Error::einval);
    return counted((*file)->read_at(arguments[3], to));
}

[[nodiscard]] Result<u64> write_pieces(FileContext& context, const CallArguments& arguments, bool at_place) {
    const Result<FileUse> file = context.files.use_to_write(arguments.integer(0));
    if (!file) return failed(file.error());
    Pieces pieces;
    if (const Done done = pieces.read(arguments[1], arguments[2]); !done) return failed(done.error());
    Buffer from = pieces.buffer();
    const u64 limit = context.file_size_limit();
    if (at_place) return counted((*file)->write(from, limit));
    if (static_cast<std::int64_t>(arguments[3]) < 0) return failed(Error::einval);
    return counted((*file)->write_at(arguments[3], from, limit));
}

} // namespace

namespace file_calls {

Result<u64> read(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use_to_read(arguments.integer(0));
    if (!file) return failed(file.error());
    Buffer to = Buffer::of_user(arguments[1], transfer_size(arguments[2]));
    return counted((*file)->read(to));
}

Result<u64> write(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use_to_write(arguments.integer(0));
    if (!file) return failed(file.error());
    Buffer from = Buffer::of_user(arguments[1], transfer_size(arguments[2]));
    return counted((*file)->write(from, context.file_size_limit()));
}

Result<u64> pread64(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use_to_read(arguments.integer(0));
    if (!file) return failed(file.error());
    if (static_cast<std::int64_t>(arguments[3]) < 0) return failed(Error::einval);
    Buffer to = Buffer::of_user(arguments[1], transfer_size(arguments[2]));
    return counted((*file)->read_at(arguments[3], to));
}

Result<u64> pwrite64(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = context.files.use_to_write(arguments.integer(0));
    if (!file) return failed(file.error());
    if (static_cast<std::int64_t>(arguments[3]) < 0) return failed(Error::einval);
    Buffer from = Buffer::of_user(arguments[1], transfer_size(arguments[2]));
    return counted((*file)->write_at(arguments[3], from, context.file_size_limit()));
}

Result<u64> readv(FileContext& context, const CallArguments& arguments) {
    return read_pieces(context, arguments, true);
}
Result<u64> writev(FileContext& context, const CallArguments& arguments) {
    return write_pieces(context, arguments, true);
}
// The offset's other half, arguments[4], is for machines of 32 bits.
Result<u64> preadv(FileContext& context, const CallArguments& arguments) {
    return read_pieces(context, arguments, false);
}
Result<u64> pwritev(FileContext& context, const CallArguments& arguments) {
    return write_pieces(context, arguments, false);
}
// None of the flags is there.
Result<u64> preadv2(FileContext& context, const CallArguments& arguments) {
    if (arguments.word(5) != 0) return failed(Error::eopnotsupp);
    return read_pieces(context, arguments, arguments[3] == ~u64{0});
}
Result<u64> pwritev2(FileContext& context, const CallArguments& arguments) {
    if (arguments.word(5) != 0) return failed(Error::eopnotsupp);
    return write_pieces(context, arguments, arguments[3] == ~u64{0});
}

Result<u64> lseek(FileContext& context, const CallArguments& arguments) {
    const Result<FileUse> file = use_opened(context, arguments.integer(0));
    if (!file) return failed(file.error());
    if (arguments.word(2) > static_cast<u32>(Whence::hole)) return failed(Error::einval);
    return (*file)->seek(static_cast<std::int64_t>(arguments[1]), static_cast<Whence>(arguments.word(2)));
}

} // namespace file_calls

} // namespace chorale::c_os
