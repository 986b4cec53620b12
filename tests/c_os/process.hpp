// A process of the tests: it makes Linux's file calls by name, with strings and values that are put into its
// memory.
#pragma once

#include "nucleus.hpp"

#include "c_os/file_calls/file_calls.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/file_flags.hpp"
#include "c_os/file/root.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <type_traits>

namespace chorale::c_os::test {

// A piece of the process's memory.
struct UserPiece {
    u64 address{};
    std::size_t size{};

    [[nodiscard]] std::byte* bytes() const { return user_memory() + (address - user_base); }
    [[nodiscard]] std::string text(std::size_t length) const {
        return {reinterpret_cast<const char*>(bytes()), length};
    }
    template <class T>
    [[nodiscard]] T value(std::size_t index = 0) const {
        T value;
        std::memcpy(&value, bytes() + index * sizeof(T), sizeof(T));
        return value;
    }
    template <class T>
    void set(const T& value, std::size_t index = 0) const {
        std::memcpy(bytes() + index * sizeof(T), &value, sizeof(T));
    }
};

class Process {
  public:
    explicit Process(Ref<Node> root, u32 uid = 0, u32 gid = 0) : Process{slot_count++, root, uid, gid} {}

    // What the call returns: a number from 0 on, or the error's, negative.
    template <class... Arguments>
    long operator()(std::string_view name, Arguments... arguments) {
        next_ = own_ + pieces_size;
        const CallArguments passed{{word(arguments)...}};
        for (const NamedFileCall& call : file_calls::table) {
            if (call.name != name) continue;
            const Result<u64> result = call.function(context, passed);
            return result ? static_cast<long>(*result) : -static_cast<long>(result.error());
        }
        ADD_FAILURE() << "no call " << name;
        return -ENOSYS;
    }

    // Memory that stays until piece() has been called some times more.
    [[nodiscard]] UserPiece piece(std::size_t size) {
        if (piece_ + size > own_ + pieces_size) piece_ = own_;
        const UserPiece piece{piece_, size};
        piece_ += (size + 63) & ~std::size_t{63};
        std::memset(piece.bytes(), 0xcc, size);
        return piece;
    }
    template <class T>
    [[nodiscard]] UserPiece piece_of(const T& value) {
        const UserPiece made = piece(sizeof value);
        made.set(value);
        return made;
    }

    [[nodiscard]] std::string read(int descriptor, std::size_t size) {
        const UserPiece to = piece(size);
        const long count = (*this)("read", descriptor, to, size);
        return count < 0 ? "error " + std::to_string(-count) : to.text(static_cast<std::size_t>(count));
    }
    // The file's contents, whole.
    [[nodiscard]] std::string contents(const std::string& path);
    // Makes or replaces it.
    void put(const std::string& path, const std::string& text, u32 mode = 0644);
    [[nodiscard]] std::string listing(const std::string& path);

    FileContext context;

  private:
    static constexpr std::size_t pieces_size = 128 << 10, slot_size = 512 << 10;
    static constexpr u32 slots = user_size / slot_size;
    static inline std::atomic<u32> slot_count;

    Process(u32 slot, Ref<Node> root, u32 uid, u32 gid);

    [[nodiscard]] u64 put_bytes(const void* bytes, std::size_t count) {
        const UserPiece place{next_, count};
        std::memcpy(place.bytes(), bytes, count);
        next_ += (count + 7) & ~std::size_t{7};
        return place.address;
    }
    u64 word(const std::string& text) { return put_bytes(text.c_str(), text.size() + 1); }
    u64 word(const char* text) { return word(std::string{text}); }
    u64 word(const UserPiece& place) { return place.address; }
    u64 word(std::nullptr_t) { return 0; }
    template <class T>
        requires std::is_integral_v<T> || std::is_enum_v<T>
    u64 word(T value) {
        return static_cast<u64>(value);
    }

    u64 own_, piece_, next_;
};

// The tree at the start, empty but for its folders.
struct FilesTest : ::testing::Test {
    explicit FilesTest(const RootSettings& settings = settings_of_tests());
    ~FilesTest() override;
    static RootSettings settings_of_tests();

    Ref<Node> root;
};

} // namespace chorale::c_os::test
