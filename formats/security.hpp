// /etc/security, which says who may do what in a secured system, a line for each user:
//
//   username:trusted:uid:gid:add_groups:rem_hosts:password
//
// `username` may be `*`, any user: such a line counts for those that have none of their own. `trusted` is
// empty or TRUSTED: who may use every command. An empty uid or gid is the system's default. `add_groups` and
// `rem_hosts` are lists with commas; `*` is any host, and no host at all lets nobody in. Empty lines and
// those that begin with `#` say nothing. A line that is wrong counts for nobody, and is reported with its
// number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace chorale::formats {

struct SecurityEntry {
    static constexpr std::size_t group_limit = 32;

    std::string_view user;
    bool trusted{};
    std::optional<std::uint32_t> uid, gid;
    std::uint32_t group_count{};
    std::uint32_t groups[group_limit]{};
    std::string_view hosts, password;

    [[nodiscard]] bool allows_host(std::string_view host) const;
};

enum class SecurityFault : std::uint8_t {
    none,
    control_character,
    field_count,
    no_user,
    bad_trusted,
    bad_uid,
    bad_gid,
    bad_group,
    too_many_groups,
};
[[nodiscard]] std::string_view text(SecurityFault fault);

// The lines of a text, one after the other. All views lead into the text.
class SecurityLines {
  public:
    explicit SecurityLines(std::string_view text) : rest_{text} {}

    // The next line that says something; `entry` is whole when there is no fault.
    struct Line {
        std::uint32_t number{};
        SecurityFault fault{};
        SecurityEntry entry;
    };
    [[nodiscard]] std::optional<Line> next();

  private:
    std::string_view rest_;
    std::uint32_t number_{};
};

// Is told of lines that are wrong.
class SecurityReport {
  public:
    virtual void on_bad_line(std::uint32_t number, SecurityFault fault) = 0;

  protected:
    ~SecurityReport() = default;
};

// What a user may: the first line of the user's own counts, else the first of any user's. Nothing: there is
// neither. Hosts are the caller's to ask.
[[nodiscard]] std::optional<SecurityEntry> find_user(std::string_view text, std::string_view user,
                                                     SecurityReport* report = nullptr);

} // namespace chorale::formats
