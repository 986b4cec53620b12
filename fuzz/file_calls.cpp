// Sequences of file calls in a small tree, beside a model of maps and strings: the same results, errors and
// contents; also when an allocation fails, where the call either does as the model or says so and changes
// nothing.
#include "file_model.hpp"

#include "c_os/file_calls/file_calls.hpp"
#include "c_os/file/file_context.hpp"
#include "c_os/file/file_flags.hpp"
#include "c_os/file/root.hpp"
#include "fuzz/target.hpp"
#include "tests/c_os/nucleus.hpp"

#include <cerrno>

namespace chorale::fuzz {
namespace {

using namespace c_os;
using test::user_base;
using test::user_memory;

constexpr u64 first_path = user_base, second_path = user_base + 256, data_place = user_base + 4096;
constexpr std::size_t data_size = 16384;
constexpr u64 most_bytes = 200'000;

class Run {
  public:
    explicit Run(Input input) : input_{input} {
        const RootSettings settings{.clock = test::file_time, .bank = {}, .pages = 65536, .secret = {3, 4}};
        auto root = make_root(settings);
        must(root.has_value(), "there is a tree");
        context_.begin(std::move(*root), {});
    }
    ~Run() {
        context_.files.close_range(0, ~0U);
        context_.set_root(nullptr);
        context_.set_current(nullptr);
        end_root();
        must(test::living_pages() == 0, "no page is lost");
    }

    void go() {
        while (!input_.empty()) {
            const unsigned what = input_.byte();
            failing_ = what >= 224;
            if (failing_) test::fail_allocation_after(what - 223);
            step(what % 12);
            test::fail_allocation_after(0);
        }
        check_tree("/tmp", model_.root());
    }

  private:
    long call(std::string_view name, const CallArguments& arguments) {
        for (const NamedFileCall& each : file_calls::table)
            if (each.name == name) {
                const c_os::Result<u64> result = each.function(context_, arguments);
                // What comes after the call asks for memory of its own.
                lacked_ = failing_ && test::allocation_failed() && !result && result.error() == Error::enomem;
                test::fail_allocation_after(0);
                return result ? static_cast<long>(*result) : -static_cast<long>(result.error());
            }
        must(false, "there is such a call");
        return 0;
    }
    // One to three names out of four.
    Path path() {
        const unsigned byte = input_.byte();
        Path path;
        for (unsigned i = 0; i <= byte % 3; ++i)
            path.emplace_back(1, static_cast<char>('a' + (byte >> (2 * i + 2) & 3)));
        return path;
    }
    u64 put(u64 place, const Path& path) {
        const std::string text = text_of(path);
        std::memcpy(user_memory() + (place - user_base), text.c_str(), text.size() + 1);
        return place;
    }
    static std::string text_of(const Path& path) {
        std::string text = "/tmp";
        for (const std::string& name : path) text += "/" + name;
        return text;
    }
    // The call must have done what the model does. True: it lacked memory, and the model is to do nothing.
    [[nodiscard]] bool lacked() const { return lacked_; }

    void step(unsigned what);
    void open();
    void write();
    void read();
    void two_paths(bool moves);
    void check_tree(const std::string& path, const Model::Node& node);

    Input input_;
    FileContext context_;
    Model model_;
    bool failing_{}, lacked_{};
};

void Run::open() {
    const Path where = path();
    const unsigned byte = input_.byte();
    const bool exclusive = (byte & 1) != 0, truncates = (byte & 2) != 0;
    u32 flags = open_create | open_read_write;
    if (exclusive) flags |= open_exclusive;
    if (truncates) flags |= open_truncate;
    const long result = call("open", {{put(first_path, where), flags, 0644}});
    if (lacked()) {
        // The file may be there for all that, or be cut off.
        const long there = call("open", {{first_path, open_read_write, 0}});
        if (there < 0) return;
        model_.settle_open(where, truncates);
        must(call("close", {{static_cast<u64>(there)}}) == 0, "what was opened is closed");
        return;
    }
    const long wanted = model_.open(where, exclusive, truncates);
    must(result == wanted, "open");
}

void Run::write() {
    const long descriptor = input_.byte() % 8;
    const u64 at = input_.number(2) * 3, size = input_.number(2) % data_size;
    const u8 fill = input_.byte();
    if (at + size > most_bytes) return;
    std::memset(user_memory() + (data_place - user_base), fill, size);
    const long result = call("pwrite64", {{static_cast<u64>(descriptor), data_place, size, at}});
    if (lacked()) return;
    const long wanted = model_.writable(descriptor) ? static_cast<long>(size) : -EBADF;
    // A write that ran out of memory on the way has written a part.
    must(result == wanted || (failing_ && result > 0 && result < wanted), "pwrite");
    if (result > 0)
        model_.write(descriptor, at, std::string(static_cast<std::size_t>(result), static_cast<char>(fill)));
}

void Run::read() {
    const long descriptor = input_.byte() % 8;
    const u64 at = input_.number(2) * 3, size = input_.number(2) % data_size;
    const long result = call("pread64", {{static_cast<u64>(descriptor), data_place, size, at}});
    if (!model_.writable(descriptor)) {
        must(result == -EBADF, "pread of nothing");
        return;
    }
    const std::string wanted = model_.read(descriptor, at, size);
    must(result == static_cast<long>(wanted.size()), "pread");
    must(std::memcmp(user_memory() + (data_place - user_base), wanted.data(), wanted.size()) == 0,
         "contents");
}

void Run::two_paths(bool moves) {
    const Path from = path(), to = path();
    const long result = call(moves ? "rename" : "link", {{put(first_path, from), put(second_path, to)}});
    if (lacked()) return;
    const long wanted = moves ? model_.rename(from, to) : model_.link(from, to);
    must(result == wanted, moves ? "rename" : "link");
}

void Run::step(unsigned what) {
    switch (what) {
    case 0:
    case 1:
        return open();
    case 2: {
        const long descriptor = input_.byte() % 8;
        must(call("close", {{static_cast<u64>(descriptor)}}) == model_.close(descriptor), "close");
        return;
    }
    case 3:
    case 4:
        return write();
    case 5:
        return read();
    case 6: {
        const long descriptor = input_.byte() % 8;
        const u64 size = input_.number(2) * 3;
        const long result = call("ftruncate", {{static_cast<u64>(descriptor), size}});
        must(result == model_.truncate(descriptor, size), "ftruncate");
        return;
    }
    case 7: {
        const Path where = path();
        must(call("unlink", {{put(first_path, where)}}) == model_.unlink(where), "unlink");
        return;
    }
    case 8: {
        const Path where = path();
        const long result = call("mkdir", {{put(first_path, where), 0755}});
        if (!lacked()) must(result == model_.make_directory(where), "mkdir");
        return;
    }
    case 9: {
        const Path where = path();
        must(call("rmdir", {{put(first_path, where)}}) == model_.remove_directory(where), "rmdir");
        return;
    }
    case 10:
        return two_paths(true);
    default:
        return two_paths(false);
    }
}

void Run::check_tree(const std::string& path, const Model::Node& node) {
    std::memcpy(user_memory(), path.c_str(), path.size() + 1);
    const long descriptor = call("open", {{first_path, open_read_only, 0}});
    must(descriptor >= 0, "what the model has is there");
    if (node.directory) {
        std::size_t count = 0;
        for (long size;
             (size = call("getdents64", {{static_cast<u64>(descriptor), data_place, data_size}})) > 0;)
            for (long at = 0; at < size;) {
                const auto* const entry = user_memory() + (data_place - user_base) + at;
                const std::string name = reinterpret_cast<const char*>(entry + 19);
                if (name != "." && name != "..") {
                    ++count;
                    must(node.names.contains(name), "what is there the model has");
                }
                u16 length = 0;
                std::memcpy(&length, entry + 16, sizeof length);
                at += length;
            }
        must(count == node.names.size(), "as many names");
    } else {
        std::string all;
        for (long size; (size = call("read", {{static_cast<u64>(descriptor), data_place, data_size}})) > 0;)
            all.append(reinterpret_cast<const char*>(user_memory() + (data_place - user_base)),
                       static_cast<std::size_t>(size));
        must(all == node.data, "the same contents");
    }
    must(call("close", {{static_cast<u64>(descriptor)}}) == 0, "what was opened is closed");
    // As deep as paths of three names and renames make it; the model's tree is walked by the fuzzer, not by
    // C_OS.
    for (const auto& [name, below] : node.names) check_tree(path + "/" + name, *below);
}

} // namespace
} // namespace chorale::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    chorale::fuzz::Run run{chorale::fuzz::Input{data, size}};
    run.go();
    return 0;
}
