// The secured mode: who may do what is said by /etc/security, a line for each user:
//
//   username:trusted:uid:gid:add_groups:rem_hosts:password
//
// `username` may be `*`, any user: such a line counts for those that have none of their own. `trusted` is
// empty or TRUSTED: who may use every command. An empty uid or gid is the system's default. `add_groups` and
// `rem_hosts` are lists with commas; `*` is any host, and no host at all lets nobody in. Empty lines and
// those that begin with
// `#` say nothing. A line that is wrong counts for nobody, and is reported with its number.
#pragma once

#include "c_os/base/owned.hpp"
#include "c_os/file/file_context.hpp"

#include <expected>
#include <optional>
#include <string_view>

namespace chorale::c_os {

inline constexpr std::string_view security_path = "/etc/security";

struct SecurityEntry {
    std::string_view user;
    bool trusted{};
    std::optional<u32> uid, gid;
    u32 group_count{};
    u32 groups[Credentials::group_limit]{};
    std::string_view hosts, password;

    [[nodiscard]] bool allows_host(std::string_view host) const;
};

enum class SecurityFault : u8 {
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
        u32 number{};
        SecurityFault fault{};
        SecurityEntry entry;
    };
    [[nodiscard]] std::optional<Line> next();

  private:
    std::string_view rest_;
    u32 number_{};
};

// Is told of lines that are wrong.
class SecurityReport {
  public:
    virtual void on_bad_line(u32 number, SecurityFault fault) = 0;

  protected:
    ~SecurityReport() = default;
};

enum class SecurityRefusal : u8 { unknown_user, host_not_listed };

struct SecurityAnswer {
    Credentials credentials;
    bool trusted{};
    std::string_view password; // in the text
};

// What a user who comes from a host may be. The first line of the user's own counts, else the first of any
// user's.
[[nodiscard]] std::expected<SecurityAnswer, SecurityRefusal>
lookup_security(std::string_view text, std::string_view user, std::string_view host, u32 default_uid,
                u32 default_gid, SecurityReport* report = nullptr);

// The file's text. Errors: efbig (above security_size_limit), enomem, and those of opening and reading it.
inline constexpr std::size_t security_size_limit = 64 * 1024;
struct SecurityText {
    Owned<char[]> bytes;
    std::size_t size{};
    [[nodiscard]] std::string_view view() const { return {bytes.get(), size}; }
};
[[nodiscard]] Result<SecurityText> read_security(FileContext& context);

// Whether the system is secured: there is such a file, and everybody may read it.
[[nodiscard]] bool secured(FileContext& context);
// Supervisor actors may do all; where the system is secured only root loads any. Errors: eperm.
[[nodiscard]] Done may_load_supervisor(FileContext& context);

} // namespace chorale::c_os
