// The system: its name, its resources, its random numbers.
#include "c_os/base/user_memory.hpp"
#include "c_os/calls/clock.hpp"
#include "c_os/calls/table.hpp"
#include "c_os/file/random.hpp"

#include <chorus.h>
#include <chorus/statistics.h>
#include <trap_context.hpp>

namespace chorale::c_os {

namespace {

struct SystemName { // struct utsname
    char system[65], node[65], release[65], version[65], machine[65], domain[65];
};

void set(char (&field)[65], std::string_view text) { text.copy(field, sizeof field - 1); }

// Linux programs look at the release to learn what the kernel has; the system says its own name.
Result<u64> call_uname(Task&, const CallArguments& call) {
    SystemName name{};
    set(name.system, "Chorale");
    set(name.node, "chorale");
    set(name.release, "5.10.0");
    set(name.version, "ChorusOS programming model");
    set(name.machine, machine_name);
    set(name.domain, "(none)");
    if (const Done done = put_to_user(call.value[0], name); !done) return failed(done.error());
    return 0;
}

struct SystemInfo { // struct sysinfo
    std::int64_t uptime;
    u64 loads[3];
    u64 total_memory, free_memory, shared_memory, buffer_memory, total_swap, free_swap;
    u16 processes, padding;
    u64 total_high, free_high;
    u32 unit;
    u32 tail;
};

Result<u64> call_sysinfo(Task&, const CallArguments& call) {
    KnSysStatistics statistics{};
    sysStatistics(&statistics);
    SystemInfo info{};
    info.uptime = static_cast<std::int64_t>(now() / nanoseconds_per_second);
    info.total_memory = statistics.totalPages * page_size;
    info.free_memory = statistics.freePages * page_size;
    info.processes = static_cast<u16>(statistics.actors);
    info.unit = 1;
    if (const Done done = put_to_user(call.value[0], info); !done) return failed(done.error());
    return 0;
}

// ---- limits: told, not set --------------------------------------------------------------------------

struct Limit {
    u64 soft, hard;
};
constexpr u64 unlimited = ~u64{0};

enum LimitedResource : u64 { file_size = 1, stack = 3, core = 4, files = 7, resource_count = 16 };

[[nodiscard]] Result<Limit> limit_of(Task& task, u64 resource) {
    const FileContext& context = task.process.files;
    if (resource >= resource_count) return failed(Error::einval);
    switch (resource) {
    case stack:
        return Limit{u64{8} << 20, u64{8} << 20};
    case core:
        return Limit{0, 0};
    case files:
        return Limit{context.files.limit(), context.hard_limit(HardLimit::files)};
    case file_size:
        return Limit{context.file_size_limit(), context.hard_limit(HardLimit::file_size)};
    default:
        return Limit{unlimited, unlimited};
    }
}

[[nodiscard]] Result<u64> change_limit(Task& task, u64 resource, u64 address) {
    const Result<Limit> limit = get_from_user<Limit>(address);
    if (!limit) return failed(limit.error());
    if (limit->soft > limit->hard) return failed(Error::einval);
    if (resource != files && resource != file_size) return 0; // what is not limited stays so
    FileContext& context = task.process.files;
    const HardLimit hard = resource == files ? HardLimit::files : HardLimit::file_size;
    const bool raises = limit->hard > context.hard_limit(hard);
    if (raises && context.credentials().uid != 0) return failed(Error::eperm);
    if (resource == files && limit->hard > FileTable::descriptor_limit) return failed(Error::eperm);
    context.set_hard_limit(hard, limit->hard);
    if (resource == files)
        context.files.set_limit(static_cast<u32>(limit->soft));
    else
        context.set_file_size_limit(limit->soft);
    return 0;
}

Result<u64> call_prlimit64(Task& task, const CallArguments& call) {
    const auto& [process, resource, new_address, old_address, e, f] = call.value;
    if (process != 0 && process != static_cast<u64>(task.process.id)) return failed(Error::esrch);
    const Result<Limit> old = limit_of(task, resource);
    if (!old) return failed(old.error());
    if (old_address != 0) {
        if (const Done done = put_to_user(old_address, *old); !done) return failed(done.error());
    }
    return new_address == 0 ? Result<u64>{0} : change_limit(task, resource, new_address);
}

Result<u64> call_getrlimit(Task& task, const CallArguments& call) {
    return call_prlimit64(task, {{0, call.value[0], 0, call.value[1]}});
}
Result<u64> call_setrlimit(Task& task, const CallArguments& call) {
    return call_prlimit64(task, {{0, call.value[0], call.value[1], 0}});
}

// ---- the rest ----------------------------------------------------------------------------------------

Result<u64> call_getrandom(Task&, const CallArguments& call) {
    constexpr u64 known_flags = 7;
    if ((call.value[2] & ~known_flags) != 0) return failed(Error::einval);
    constexpr u64 most = u64{1} << 20; // as much at once as a call may take
    const u64 size = call.value[1] < most ? call.value[1] : most;
    RandomStream stream;
    u64 done_bytes = 0;
    while (done_bytes < size) {
        std::byte piece[256];
        const std::size_t count = size - done_bytes < sizeof piece ? size - done_bytes : sizeof piece;
        stream.generate(piece, count);
        if (const Done done = copy_out(call.value[0] + done_bytes, piece, count); !done)
            return done_bytes != 0 ? Result<u64>{done_bytes} : failed(done.error());
        done_bytes += count;
    }
    return size;
}

Result<u64> call_prctl(Task& task, const CallArguments& call) {
    constexpr u64 set_name = 15, get_name = 16;
    constexpr std::size_t name_size = 16;
    char name[K_THREADNAMEMAX] = {};
    if (call.value[0] == set_name) {
        if (copy_string_in(name, call.value[1], name_size) == K_EFAULT) return failed(Error::efault);
        name[name_size - 1] = '\0';
        threadName(&task.process.capability, task.lid, nullptr, name);
        return 0;
    }
    if (call.value[0] != get_name) return failed(Error::einval);
    threadName(&task.process.capability, task.lid, name, nullptr);
    name[name_size - 1] = '\0';
    if (const Done done = copy_out(call.value[1], name, name_size); !done) return failed(done.error());
    return 0;
}

Result<u64> call_getcpu(Task&, const CallArguments& call) {
    if (call.value[0] != 0) {
        if (const Done done = put_to_user(call.value[0], static_cast<u32>(cpuSelf())); !done)
            return failed(done.error());
    }
    return 0;
}

Result<u64> call_reboot(Task& task, const CallArguments& call) {
    constexpr u64 magic = 0xfee1dead, power_off = 0x4321fedc, restart = 0x01234567;
    if (call.value[0] != magic) return failed(Error::einval);
    if (!task.process.files.credentials().root() || !task.process.trusted) return failed(Error::eperm);
    if (call.value[2] != restart && call.value[2] != power_off) return failed(Error::einval);
    const KnRebootDesc how{call.value[2] == restart ? K_REBOOT_COLD : K_REBOOT_SUCCESS};
    sysReboot(&how);
    return failed(Error::eio);
}

} // namespace

std::span<const CallEntry> system_call_entries() {
    static constexpr CallEntry entries[] = {
        {"uname", call_uname},         {"sysinfo", call_sysinfo},     {"prlimit64", call_prlimit64},
        {"getrlimit", call_getrlimit}, {"setrlimit", call_setrlimit}, {"getrandom", call_getrandom},
        {"prctl", call_prctl},         {"getcpu", call_getcpu},       {"reboot", call_reboot},
    };
    return entries;
}

} // namespace chorale::c_os
