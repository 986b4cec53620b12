#include "c_os/security.hpp"

#include "c_os/base/memory.hpp"
#include "c_os/file/path.hpp"
#include "formats/bytes.hpp"

namespace chorale::c_os {

namespace {

constexpr std::size_t field_count = 7;

// Up to the separator, which is taken off too.
[[nodiscard]] std::string_view take_part(std::string_view& text, char separator) {
    const std::size_t end = formats::index_of(text, separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return part;
}

[[nodiscard]] std::optional<u32> number(std::string_view digits) {
    constexpr u64 most = 0xffff'fffe; // the last one is no user and no group
    if (digits.empty()) return {};
    u64 value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') return {};
        value = value * 10 + static_cast<u64>(digit - '0');
        if (value > most) return {};
    }
    return static_cast<u32>(value);
}

[[nodiscard]] SecurityFault parse_groups(std::string_view list, SecurityEntry& entry) {
    while (!list.empty()) {
        const std::optional<u32> group = number(take_part(list, ','));
        if (!group) return SecurityFault::bad_group;
        if (entry.group_count == Credentials::group_limit) return SecurityFault::too_many_groups;
        entry.groups[entry.group_count++] = *group;
    }
    return SecurityFault::none;
}

[[nodiscard]] SecurityFault parse(std::string_view line, SecurityEntry& entry) {
    std::size_t colons = 0;
    for (const char c : line) {
        if (static_cast<unsigned char>(c) < ' ' || c == 127) return SecurityFault::control_character;
        colons += c == ':';
    }
    if (colons != field_count - 1) return SecurityFault::field_count;
    entry.user = take_part(line, ':');
    if (entry.user.empty()) return SecurityFault::no_user;
    const std::string_view trusted = take_part(line, ':');
    entry.trusted = trusted == "TRUSTED";
    if (!entry.trusted && !trusted.empty()) return SecurityFault::bad_trusted;
    const std::string_view uid = take_part(line, ':'), gid = take_part(line, ':');
    entry.uid = number(uid);
    if (!entry.uid && !uid.empty()) return SecurityFault::bad_uid;
    entry.gid = number(gid);
    if (!entry.gid && !gid.empty()) return SecurityFault::bad_gid;
    const SecurityFault groups = parse_groups(take_part(line, ':'), entry);
    entry.hosts = take_part(line, ':');
    entry.password = line;
    return groups;
}

} // namespace

bool SecurityEntry::allows_host(std::string_view host) const {
    for (std::string_view list = hosts; !list.empty();) {
        const std::string_view name = take_part(list, ',');
        if (name == "*" || (!name.empty() && name == host)) return true;
    }
    return false;
}

std::string_view text(SecurityFault fault) {
    switch (fault) {
    case SecurityFault::none:
        return "no fault";
    case SecurityFault::control_character:
        return "a control character";
    case SecurityFault::field_count:
        return "not seven fields";
    case SecurityFault::no_user:
        return "no user";
    case SecurityFault::bad_trusted:
        return "neither TRUSTED nor empty";
    case SecurityFault::bad_uid:
        return "the user's number is none";
    case SecurityFault::bad_gid:
        return "the group's number is none";
    case SecurityFault::bad_group:
        return "the number of a further group is none";
    case SecurityFault::too_many_groups:
        return "too many groups";
    }
    return "?";
}

std::optional<SecurityLines::Line> SecurityLines::next() {
    while (!rest_.empty()) {
        std::string_view line = take_part(rest_, '\n');
        ++number_;
        if (line.empty() || line.front() == '#') continue;
        Line found{.number = number_, .fault = {}, .entry = {}};
        found.fault = parse(line, found.entry);
        return found;
    }
    return {};
}

std::expected<SecurityAnswer, SecurityRefusal> lookup_security(std::string_view text, std::string_view user,
                                                               std::string_view host, u32 default_uid,
                                                               u32 default_gid, SecurityReport* report) {
    std::optional<SecurityEntry> own, any;
    SecurityLines lines{text};
    while (const auto line = lines.next()) {
        if (line->fault != SecurityFault::none) {
            if (report != nullptr) report->on_bad_line(line->number, line->fault);
        } else if (line->entry.user == "*") {
            if (!any) any = line->entry;
        } else if (line->entry.user == user && !own) {
            own = line->entry;
        }
    }
    const std::optional<SecurityEntry>& entry = own ? own : any;
    if (!entry) return std::unexpected{SecurityRefusal::unknown_user};
    if (!entry->allows_host(host)) return std::unexpected{SecurityRefusal::host_not_listed};
    SecurityAnswer answer{.credentials = {}, .trusted = entry->trusted, .password = entry->password};
    Credentials& credentials = answer.credentials;
    credentials.uid = credentials.real_uid = credentials.saved_uid = entry->uid.value_or(default_uid);
    credentials.gid = credentials.real_gid = credentials.saved_gid = entry->gid.value_or(default_gid);
    credentials.group_count = entry->group_count;
    for (u32 i = 0; i < entry->group_count; ++i) credentials.groups[i] = entry->groups[i];
    return answer;
}

Result<SecurityText> read_security(FileContext& context) {
    const Result<Ref<OpenFile>> file =
        open_file(context, at_current_directory, security_path, open_read_only);
    if (!file) return failed(file.error());
    SecurityText text;
    text.bytes.reset(new (std::nothrow) char[security_size_limit + 1]);
    if (text.bytes == nullptr) return failed(Error::enomem);
    Buffer to = Buffer::of_memory(text.bytes.get(), security_size_limit + 1);
    for (;;) {
        const Result<std::size_t> size = (*file)->read(to);
        if (!size) return failed(size.error());
        if (*size == 0) break;
    }
    text.size = to.done();
    if (text.size > security_size_limit) return failed(Error::efbig);
    return text;
}

bool secured(FileContext& context) {
    constexpr u32 read_by_others = 04;
    const Result<Ref<Node>> node = resolve(context, at_current_directory, security_path);
    return node && (*node)->kind() == NodeKind::regular && ((*node)->attributes().mode & read_by_others) != 0;
}

Done may_load_supervisor(FileContext& context) {
    return context.credentials().root() || !secured(context) ? Done{} : failed(Error::eperm);
}

} // namespace chorale::c_os
