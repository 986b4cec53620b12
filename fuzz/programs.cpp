// Program files, from their name to the new actor's memory: found, inflated, read, placed, linked, protected,
// given arguments and a thread. The first bytes say how the file is named, packed and asked for; the rest is
// the image.
//
// Whatever it is: an error that the call has, or an actor in whose memory each byte is where the file wants
// it, with the rights that it says, nothing both writable and executable, and that begins with code of its
// own. A start that fails leaves no memory, no page, no open file and no process, also when memory ends in
// the middle of it.
#include "c_os/file/file_context.hpp"
#include "c_os/file/file_flags.hpp"
#include "c_os/file/path.hpp"
#include "c_os/file/root.hpp"
#include "c_os/process/ending.hpp"
#include "c_os/process/starting.hpp"
#include "fuzz/program_space.hpp"
#include "fuzz/target.hpp"
#include "tests/c_os/nucleus.hpp"

#include <am/afexec.h>

#include <algorithm>
#include <array>
#include <string>
#include <zlib.h>

namespace chorale::fuzz {
namespace {

using namespace c_os;

constexpr std::size_t head_size = 4; // of an input: what comes before the image

struct Wish {
    std::string name, asked; // of the file, and what the caller says
    bool packed, packed_badly, may_execute, may_supervise, in_steps;
    c_os::ProgramSpace space;
    unsigned fails, arguments;
};

[[nodiscard]] Wish read_wish(Input& input) {
    constexpr std::string_view suffixes[] = {"", ".r", ".gz", ".r.gz"};
    const u8 how = input.byte(), more = input.byte();
    Wish wish{};
    wish.name = "/tmp/p" + std::string{suffixes[how & 3]};
    wish.asked = (how & 4) != 0 ? wish.name : "/tmp/p";
    constexpr c_os::ProgramSpace spaces[] = {c_os::ProgramSpace::any, c_os::ProgramSpace::user,
                                             c_os::ProgramSpace::supervisor, c_os::ProgramSpace::any};
    wish.space = spaces[how >> 3 & 3];
    wish.packed = (how & 2) != 0 && (how & 0x20) == 0;
    wish.packed_badly = (how & 0x40) != 0;
    wish.in_steps = (how & 0x80) != 0;
    wish.may_supervise = (more & 7) != 7;
    wish.may_execute = (more & 0x38) != 0x38;
    wish.fails = input.byte();
    wish.arguments = input.byte();
    return wish;
}

// ---- the file ----------------------------------------------------------------------------------------

// gzip(1)'s format, of stored blocks.
[[nodiscard]] std::vector<std::byte> pack(std::span<const std::uint8_t> image, bool badly) {
    constexpr std::size_t most = 0xffff;
    std::vector<std::uint8_t> file{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    const auto put = [&file](std::uint64_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    auto rest = image;
    do {
        const auto part = rest.first(std::min(rest.size(), most));
        rest = rest.subspan(part.size());
        put(rest.empty() ? 1 : 0, 1);
        put(part.size(), 2);
        put(~part.size(), 2);
        file.insert(file.end(), part.begin(), part.end());
    } while (!rest.empty());
    const auto sum = crc32(0, image.data(), static_cast<uInt>(image.size()));
    put(badly ? sum ^ 1 : sum, 4);
    put(image.size(), 4);
    const auto bytes = std::as_bytes(std::span{file});
    return {bytes.begin(), bytes.end()};
}

void write_file(FileContext& files, const Wish& wish, formats::Bytes bytes) {
    const u32 mode = wish.may_execute ? 0755 : 0644;
    const auto file = open_file(files, at_current_directory, wish.name, open_read_write | open_create, mode);
    must(file.has_value(), "the file is made");
    Buffer from = Buffer::of_memory(bytes.data(), bytes.size());
    while (from.left() != 0) must((*file)->write_at(from.done(), from, ~u64{0}).value_or(0) != 0, "written");
}

// ---- what must hold --------------------------------------------------------------------------------------

constexpr u64 page = 4096;

[[nodiscard]] u64 word_at(const ProgramSpace& space, u64 address) {
    u64 word = 0;
    for (unsigned i = 0; i < 8; ++i) word |= std::to_integer<u64>(space.byte_at(address + i)) << 8 * i;
    return word;
}

// A segment of the file, read without the parser.
struct Wanted {
    u32 rights;
    u64 offset, address, file_size, memory_size;
};
[[nodiscard]] std::vector<Wanted> segments_of(formats::Bytes image) {
    std::vector<Wanted> found;
    const auto table = formats::load<u64>(image, 32);
    for (unsigned i = 0; i < formats::load<u16>(image, 56); ++i) {
        const std::size_t at = table + i * 56;
        if (formats::load<u32>(image, at) != 1 || formats::load<u64>(image, at + 40) == 0) continue;
        found.push_back({formats::load<u32>(image, at + 4), formats::load<u64>(image, at + 8),
                         formats::load<u64>(image, at + 16), formats::load<u64>(image, at + 32),
                         formats::load<u64>(image, at + 40)});
    }
    return found;
}

void check_rights(const ProgramSpace& space, const Wanted& wanted, u64 begin) {
    const u64 first = begin & ~(page - 1), last = (begin + wanted.memory_size - 1) & ~(page - 1);
    for (const u64 at : {first, last}) {
        must(space.at(at) != nullptr, "a segment is there");
        const ProgramRights rights = space.rights_at(at);
        must(rights.executable == ((wanted.rights & 1) != 0), "code may be executed, other memory not");
        must(rights.writable == ((wanted.rights & 2) != 0), "data may be written, other memory not");
    }
}

// Of what relocation may change, only that it is there.
void check_bytes(const ProgramSpace& space, formats::Bytes image, const Wanted& wanted, u64 begin) {
    if (space.supervisor() && (wanted.rights & 2) != 0) return;
    for (u64 i = 0; i < wanted.file_size; ++i)
        must(space.byte_at(begin + i) == image[wanted.offset + i], "a byte of the file");
    constexpr u64 looked_at = 2 * page; // of zeros behind
    const u64 end = std::min(wanted.memory_size, wanted.file_size + looked_at);
    for (u64 i = wanted.file_size; i < end; ++i) must(space.byte_at(begin + i) == std::byte{}, "a zero");
}

void check_image(const ProgramSpace& space, const c_os::Process& process, formats::Bytes image) {
    const u64 base = process.entry - formats::load<u64>(image, 24);
    const std::vector<Wanted> segments = segments_of(image);
    must(!segments.empty(), "there is something to run");
    for (const Wanted& each : segments) {
        check_rights(space, each, base + each.address);
        check_bytes(space, image, each, base + each.address);
    }
    // User memory: each segment's, and the stack; a supervisor actor's: the image's, and its arguments'.
    must(space.regions().size() == (space.supervisor() ? 2 : segments.size() + 1), "nothing else is there");
    must(space.rights_at(process.entry).executable, "it begins with code");
}

void check_stack(const ProgramSpace& space, const c_os::Process& process, const StartStrings& strings) {
    must(process.stack % 16 == 0 && space.at(process.stack) != nullptr, "a stack");
    const ProgramRights rights = space.rights_at(process.stack);
    must(rights.writable && !rights.executable, "it may be written");
    must(word_at(space, process.stack) == strings.arguments(), "argc");
    std::string_view rest = strings.text();
    for (std::size_t i = 0; i < strings.arguments(); ++i) {
        const u64 at = word_at(space, process.stack + 8 + 8 * i);
        const std::string_view text = rest.substr(0, rest.find('\0') + 1);
        rest.remove_prefix(text.size());
        for (std::size_t j = 0; j < text.size(); ++j)
            must(space.at(at + j) != nullptr && space.byte_at(at + j) == static_cast<std::byte>(text[j]),
                 "an argument");
    }
    must(word_at(space, process.stack + 8 + 8 * strings.arguments()) == 0, "their end");
}

void check_parameters(const ProgramSpace& space, const c_os::Process& process, const StartStrings& strings) {
    const auto* const region = space.at(process.packed_parameters);
    must(region != nullptr && region->begin == process.packed_parameters, "arguments");
    AlParam head;
    std::memcpy(&head, region->bytes.get(), sizeof head);
    must(head.alArgc == strings.arguments() && head.alSize <= region->end - region->begin, "their head");
    must(std::memcmp(region->bytes.get() + sizeof head, strings.text().data(), strings.text().size()) == 0,
         "the strings");
}

// What afexecve(2K) tells.
[[nodiscard]] bool is_published(Error error) {
    constexpr Error published[] = {Error::enoexec, Error::enomem, Error::eacces, Error::enoent,
                                   Error::efbig,   Error::e2big,  Error::eagain, Error::eperm};
    return std::ranges::find(published, error) != std::end(published);
}

// ---- a run -------------------------------------------------------------------------------------------

class Run {
  public:
    Run() {
        auto root = make_root({.clock = test::file_time, .bank = {}, .pages = 65536, .secret = {3, 4}});
        must(root.has_value(), "there is a tree");
        files_.begin(std::move(*root), {});
    }
    ~Run() {
        files_.files.close_range(0, ~0U);
        files_.set_root(nullptr);
        files_.set_current(nullptr);
        end_root();
        must(test::living_pages() == 0, "no page is lost");
    }

    void go(const Wish& wish, std::span<const std::uint8_t> image) {
        const formats::Bytes plain = std::as_bytes(image);
        const std::vector<std::byte> packed = pack(image, wish.packed_badly);
        write_file(files_, wish, wish.packed ? formats::Bytes{packed} : plain);
        StartStrings strings;
        for (unsigned i = 0; i <= wish.arguments % 16; ++i)
            must(strings.add_argument(std::string(wish.arguments * i, 'a')).has_value(),
                 "room for arguments");
        must(strings.add_variable("NAME=value").has_value(), "room for a variable");
        StartRequest request;
        request.parent = 1;
        request.space = wish.space;
        request.may_supervise = wish.may_supervise;
        request.files = &files_;
        const u64 pages = test::living_pages(), open = OpenFile::count();
        if (wish.fails >= 128) test::fail_allocation_after(wish.fails - 127);
        const Started process = wish.in_steps ? start_in_steps(request, wish.asked, strings)
                                              : start_program(request, wish.asked, strings);
        test::fail_allocation_after(0);
        if (process)
            check_started(**process, plain, strings);
        else
            check_refused(process.error());
        if (process) discard_process(**process);
        must(program_space() == nullptr && processes().counts().processes == 0, "nobody is left");
        must(test::living_pages() == pages && OpenFile::count() == open, "nothing is left");
    }

  private:
    using Started = c_os::Result<Ref<c_os::Process>>;

    // As acreate(), aload() and astart() do.
    static Started start_in_steps(StartRequest request, std::string_view path, const StartStrings& strings) {
        ProgramFile file;
        if (const Done done = file.find(*request.files, path, request.space); !done)
            return failed(done.error());
        if (const Done done = choose_space(request, file); !done) return failed(done.error());
        Started process = create_process(request);
        if (!process) return process;
        Done done = load_program(**process, file, strings);
        if (!done) must(program_space()->regions().empty(), "a program that is not loaded leaves no memory");
        if (done) {
            const Done again = load_program(**process, file, strings);
            must(!again && again.error() == Error::ebusy, "there is one program");
            done = start_or_continue(**process);
        }
        if (done) return process;
        discard_process(**process);
        return failed(done.error());
    }

    static void check_started(const c_os::Process& process, formats::Bytes image,
                              const StartStrings& strings) {
        const ProgramSpace& space = *program_space();
        constexpr unsigned most_calls = 4 * 16 + 8; // a few for each segment
        must(space.calls <= most_calls, "the work is bounded");
        check_image(space, process, image);
        if (space.supervisor())
            check_parameters(space, process, strings);
        else
            check_stack(space, process, strings);
    }
    static void check_refused(Error error) { must(is_published(error), "an error that the call has"); }

    FileContext files_;
};

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const Wish wish = read_wish(input);
    const std::span<const std::uint8_t> image{data + std::min(size, head_size), data + size};
    Run{}.go(wish, image);
    return 0;
}

// Mostly a field of the header, of a program header, or a word of what fuzz/seeds.cpp puts behind them.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
    constexpr std::size_t header = 64, entry = 56, tables = 0x200;
    Chance chance{seed};
    if (size < head_size + header + entry || chance.one_in(4)) return LLVMFuzzerMutate(data, size, limit);
    if (chance.one_in(8)) {
        data[chance.below(head_size)] = static_cast<std::uint8_t>(chance.number());
        return size;
    }
    std::uint8_t* const image = data + head_size;
    const std::size_t room = size - head_size - 8;
    std::size_t at = header + entry * chance.below(5) + 8 * chance.below(7);
    if (chance.one_in(5)) at = 16 + 8 * chance.below(6);
    if (chance.one_in(3) && room > tables) at = tables + 8 * chance.below((room - tables) / 8 + 1);
    if (at > room) return LLVMFuzzerMutate(data, size, limit);
    std::uint64_t old = 0;
    std::memcpy(&old, image + at, 8);
    const std::uint64_t near[] = {
        old + 1,          old - 1,         old ^ 1,          old ^ 2,
        old + 0x1000,     old - 0x1000,    old + 8,          old ^ std::uint64_t{1} << 32,
        old ^ 3ULL << 32, chance.number(), chance.below(64), old << 12};
    const std::uint64_t value = near[chance.below(std::size(near))];
    std::memcpy(image + at, &value, 8);
    return size;
}
