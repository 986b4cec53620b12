#include "formats/security.hpp"

#include "formats/bytes.hpp"

namespace chorale::formats {

namespace {

constexpr std::size_t field_count = 7;

// Up to the separator, which is taken off too.
[[nodiscard]] std::string_view take_part(std::string_view& text, char separator) {
    const std::size_t end = index_of(text, separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return part;
}

[[nodiscard]] std::optional<std::uint32_t> number(std::string_view digits) {
    constexpr std::uint64_t most = 0xffff'fffe; // the last one is no user and no group
    if (digits.empty()) return {};
    std::uint64_t value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') return {};
        value = value * 10 + static_cast<std::uint64_t>(digit - '0');
        if (value > most) return {};
    }
    return static_cast<std::uint32_t>(value);
}

[[nodiscard]] SecurityFault parse_groups(std::string_view list, SecurityEntry& entry) {
    while (!list.empty()) {
        const std::optional<std::uint32_t> group = number(take_part(list, ','));
        if (!group) return SecurityFault::bad_group;
        if (entry.group_count == SecurityEntry::group_limit) return SecurityFault::too_many_groups;
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

std::optional<SecurityEntry> find_user(std::string_view text, std::string_view user, SecurityReport* report) {
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
    return own ? own : any;
}

} // namespace chorale::formats
