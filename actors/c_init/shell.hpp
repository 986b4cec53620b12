// Carries lines out: built-in commands here, everything else by actors made from files.
#pragma once

#include "c_init/command.hpp"
#include "c_init/command_line.hpp"
#include "c_init/session.hpp"
#include "c_init/terminal.hpp"

namespace chorale::c_init {

class Shell final : public Variables {
  public:
    static constexpr int file_depth_limit = 16; // files that source files
    static constexpr std::size_t file_limit = 1 << 20;

    Shell(ActorManager& actors, Site& site, Terminal& terminal, Session session)
        : actors_{actors}, site_{site}, terminal_{terminal}, session_{std::move(session)} {}

    // Returns the line's status, which $? has from then on; a blank line has that of the one before.
    int run_line(std::string_view text);
    // Line by line; lines that fail are reported and do not end it. Ctrl-C in a program does.
    int run_file(const std::string& path);

    // How a program is run.
    struct Manner {
        bool background{};
        bool quiet{};   // without "Started aid = N"
        bool stopped{}; // for a debugger: akill -c lets it go
    };
    // A name without `/` is looked for in /bin, with here_too then in the current folder.
    int run_program(StartRequest request, const Manner& manner, bool here_too);

    // An error, with the file and line that it is in.
    void complain(const std::string& text) const;
    // Says which actors in the background have ended.
    void report_ended();
    // The same, when one of them is about to end.
    void report_end_of(int aid);

    void append_value(std::string_view name, std::string& to) const override;

    [[nodiscard]] ActorManager& actors() { return actors_; }
    [[nodiscard]] Site& site() { return site_; }
    [[nodiscard]] const Session& session() const { return session_; }
    void set_session(Session session) { session_ = std::move(session); }
    [[nodiscard]] bool prompting() const { return prompting_; }
    void set_prompting() { prompting_ = true; }

  private:
    struct Background {
        int aid;
        std::string name;
    };
    // Where the line is that is carried out.
    struct Place {
        const std::string* path;
        unsigned line;
    };

    [[nodiscard]] int run_command(const CommandLine& line);
    [[nodiscard]] int run_builtin(const Command& command, const CommandLine& line);
    [[nodiscard]] int create(StartRequest& request, bool here_too);
    int run_lines(const std::string& path, std::string_view text);
    int wait_in_foreground(int aid, const std::string& name);

    ActorManager& actors_;
    Site& site_;
    Terminal& terminal_;
    Session session_;
    std::vector<Background> background_;
    std::vector<Place> places_;
    int status_{};
    bool interrupted_{};
    bool prompting_{};
};

// "exit 0", "killed", ...
[[nodiscard]] std::string text(const End& end);

} // namespace chorale::c_init
