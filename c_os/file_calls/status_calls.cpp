// stat, statfs, access and their kin.
#include "c_os/file_calls/call_support.hpp"

#include <file_layouts.hpp>

namespace chorale::c_os {

namespace {

constexpr u64 sectors_per_page = page_size / 512;

[[nodiscard]] u32 mode_of(const Attributes& attributes) {
    return static_cast<u32>(attributes.kind) << 12 | attributes.mode;
}

[[nodiscard]] Result<u64> tell(const Result<Ref<Node>>& node, u64 to) {
    if (!node) return failed(node.error());
    const Attributes attributes = (*node)->attributes();
    LinuxStat stat{};
    stat.device = attributes.device;
    stat.number = attributes.number;
    stat.links = attributes.links;
    stat.mode = mode_of(attributes);
    stat.uid = attributes.uid;
    stat.gid = attributes.gid;
    stat.special = attributes.special;
    stat.size = static_cast<std::int64_t>(attributes.size);
    stat.block_size = page_size;
    stat.blocks = static_cast<std::int64_t>(attributes.pages * sectors_per_page);
    stat.accessed = attributes.accessed.seconds;
    stat.accessed_nanoseconds = attributes.accessed.nanoseconds;
    stat.modified = attributes.modified.seconds;
    stat.modified_nanoseconds = attributes.modified.nanoseconds;
    stat.changed = attributes.changed.seconds;
    stat.changed_nanoseconds = attributes.changed.nanoseconds;
    return no_value(put_to_user(to, stat));
}

[[nodiscard]] Result<Ref<Node>> node_of(FileContext& context, int descriptor) {
    const Result<FileUse> file = context.files.use(descriptor);
    if (!file) return failed(file.error());
    return Ref<Node>{(*file)->node()};
}

struct ExtendedTime {
    std::int64_t seconds;
    u32 nanoseconds, reserved;
};
struct ExtendedStat {
    u32 mask, block_size;
    u64 flags;
    u32 links, uid, gid;
    u16 mode, spare;
    u64 number, size, blocks, flags_mask;
    ExtendedTime accessed, created, changed, modified;
    u32 special_major, special_minor, device_major, device_minor;
    u64 mount, unused[13];
};
static_assert(sizeof(ExtendedStat) == 256);

[[nodiscard]] ExtendedTime extended(const TimeStamp& time) { return {time.seconds, time.nanoseconds, 0}; }

struct LinuxStatfs {
    std::int64_t type, block_size;
    u64 blocks, free_blocks, available_blocks, nodes, free_nodes;
    int id[2];
    std::int64_t name_length, fragment_size, flags, spare[4];
};
static_assert(sizeof(LinuxStatfs) == 120);

[[nodiscard]] Result<u64> tell_file_system(const Result<Ref<Node>>& node, u64 to) {
    if (!node) return failed(node.error());
    const FileSystemStatistics statistics = (*node)->file_system().statistics();
    constexpr std::int64_t read_only = 1, flags_are_valid = 0x20;
    const LinuxStatfs statfs{.type = statistics.type,
                             .block_size = page_size,
                             .blocks = statistics.pages,
                             .free_blocks = statistics.free_pages,
                             .available_blocks = statistics.free_pages,
                             .nodes = statistics.nodes,
                             .free_nodes = statistics.free_nodes,
                             .id = {static_cast<int>(statistics.device), 0},
                             .name_length = name_limit,
                             .fragment_size = page_size,
                             .flags = flags_are_valid | (statistics.read_only ? read_only : 0),
                             .spare = {}};
    return no_value(put_to_user(to, statfs));
}

[[nodiscard]] Result<u64> may_access(FileContext& context, int directory, u64 path, u32 access, u32 flags) {
    if ((access & ~7U) != 0) return failed(Error::einval);
    const Result<u32> resolving =
        resolve_flags(flags & ~at_effective_access, at_symlink_no_follow | at_empty_path);
    if (!resolving) return failed(resolving.error());
    UserPath text;
    if (const Done done = text.read(path, Error::enametoolong); !done) return failed(done.error());
    Walk walk{context};
    if ((flags & at_effective_access) == 0) walk.use_real_ids();
    Result<Ref<Node>> node = failed(Error::enoent);
    if (text.view().empty()) {
        node = resolve(context, directory, {}, *resolving);
    } else {
        if (const Done done = walk.begin(directory, text.view()); !done) return failed(done.error());
        node = walk.to_node((flags & at_symlink_no_follow) == 0);
    }
    if (!node) return failed(node.error());
    return no_value((*node)->check_access(walk.caller().credentials, access));
}

} // namespace

namespace file_calls {

Result<u64> stat(FileContext& context, const CallArguments& arguments) {
    return tell(resolve_user(context, at_current_directory, arguments[0]), arguments[1]);
}

Result<u64> lstat(FileContext& context, const CallArguments& arguments) {
    return tell(resolve_user(context, at_current_directory, arguments[0], resolve_no_follow), arguments[1]);
}

Result<u64> fstat(FileContext& context, const CallArguments& arguments) {
    return tell(node_of(context, arguments.integer(0)), arguments[1]);
}

Result<u64> newfstatat(FileContext& context, const CallArguments& arguments) {
    const Result<u32> flags =
        resolve_flags(arguments.word(3), at_symlink_no_follow | at_empty_path | at_no_automount);
    if (!flags) return failed(flags.error());
    return tell(resolve_user(context, arguments.integer(0), arguments[1], *flags), arguments[2]);
}

Result<u64> statx(FileContext& context, const CallArguments& arguments) {
    constexpr u32 sync_type = 0x6000;      // AT_STATX_SYNC_TYPE: there is nothing to be fetched
    constexpr u32 basic_and_birth = 0xfff; // STATX_BASIC_STATS, STATX_BTIME
    constexpr u32 reserved = 0x80000000;   // STATX__RESERVED
    const Result<u32> flags =
        resolve_flags(arguments.word(2) & ~sync_type, at_symlink_no_follow | at_empty_path | at_no_automount);
    if (!flags) return failed(flags.error());
    if ((arguments.word(3) & reserved) != 0) return failed(Error::einval);
    const Result<Ref<Node>> node = resolve_user(context, arguments.integer(0), arguments[1], *flags);
    if (!node) return failed(node.error());
    const Attributes attributes = (*node)->attributes();
    const ExtendedStat stat{.mask = basic_and_birth,
                            .block_size = page_size,
                            .flags = 0,
                            .links = attributes.links,
                            .uid = attributes.uid,
                            .gid = attributes.gid,
                            .mode = static_cast<u16>(mode_of(attributes)),
                            .spare = 0,
                            .number = attributes.number,
                            .size = attributes.size,
                            .blocks = attributes.pages * sectors_per_page,
                            .flags_mask = 0,
                            .accessed = extended(attributes.accessed),
                            .created = extended(attributes.created),
                            .changed = extended(attributes.changed),
                            .modified = extended(attributes.modified),
                            .special_major = device_major(attributes.special),
                            .special_minor = device_minor(attributes.special),
                            .device_major = device_major(attributes.device),
                            .device_minor = device_minor(attributes.device),
                            .mount = attributes.device,
                            .unused = {}};
    return no_value(put_to_user(arguments[4], stat));
}

Result<u64> statfs(FileContext& context, const CallArguments& arguments) {
    return tell_file_system(resolve_user(context, at_current_directory, arguments[0]), arguments[1]);
}

Result<u64> fstatfs(FileContext& context, const CallArguments& arguments) {
    return tell_file_system(node_of(context, arguments.integer(0)), arguments[1]);
}

Result<u64> access(FileContext& context, const CallArguments& arguments) {
    return may_access(context, at_current_directory, arguments[0], arguments.word(1), 0);
}

Result<u64> faccessat(FileContext& context, const CallArguments& arguments) {
    return may_access(context, arguments.integer(0), arguments[1], arguments.word(2), 0);
}

Result<u64> faccessat2(FileContext& context, const CallArguments& arguments) {
    return may_access(context, arguments.integer(0), arguments[1], arguments.word(2), arguments.word(3));
}

} // namespace file_calls

} // namespace chorale::c_os
