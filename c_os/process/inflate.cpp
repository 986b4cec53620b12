#include "c_os/process/inflate.hpp"

#include <new>
#include <zlib.h>

namespace chorale::c_os {

namespace {

constexpr std::size_t least_size = 18; // header and trailer

void* allocate(void*, unsigned count, unsigned size) {
    return new (std::nothrow) std::byte[std::size_t{count} * size];
}
void release(void*, void* memory) { delete[] static_cast<std::byte*>(memory); }

} // namespace

bool compressed(formats::Bytes file) {
    return file.size() >= least_size && formats::load<std::uint16_t>(file, 0) == 0x8b1f;
}

std::size_t inflated_size(formats::Bytes file) { return formats::load<std::uint32_t>(file, file.size() - 4); }

Done inflate_program(formats::Bytes file, std::span<std::byte> to) {
    constexpr int gzip_window = 16 + MAX_WBITS;
    z_stream stream{};
    stream.zalloc = allocate;
    stream.zfree = release;
    stream.next_in = reinterpret_cast<const Bytef*>(file.data());
    stream.avail_in = static_cast<uInt>(file.size());
    stream.next_out = reinterpret_cast<Bytef*>(to.data());
    stream.avail_out = static_cast<uInt>(to.size());
    if (inflateInit2(&stream, gzip_window) != Z_OK) return failed(Error::enomem);
    const int status = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (status == Z_MEM_ERROR) return failed(Error::enomem);
    if (status != Z_STREAM_END || stream.avail_out != 0) return failed(Error::enoexec);
    return {};
}

} // namespace chorale::c_os
