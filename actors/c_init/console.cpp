#include "c_init/console.hpp"

#include "c_init/completion.hpp"

#include <chorus/terminal.h>
extern "C" {
#include <linenoise.h>
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace chorale::c_init {

namespace {

constexpr const char* prompt = "C_INIT> ";
constexpr int history_lines = 500;
// A terminal that is gone ends each read at once; nobody types Ctrl-D that often in a row.
constexpr int ends_limit = 8;

// ---- the history's file: as the editor's own functions write it, but line by line ------------------------

[[nodiscard]] std::string history_path() {
    const char* const home = getenv("HOME");
    std::string path = home != nullptr ? home : "";
    if (path.empty() || path.back() != '/') path += '/';
    return path + ".c_init_history";
}

void load_history() {
    linenoiseHistorySetMaxLen(history_lines);
    const std::string path = history_path();
    linenoiseHistoryLoad(path.c_str());
    int lines = 0;
    linenoiseHistory(&lines);
    if (lines == history_lines) linenoiseHistorySave(path.c_str());
}

// Without a file, or without room in it, there is a history nevertheless.
void keep(const char* line) {
    if (linenoiseHistoryAdd(line) == 0) return;
    std::string text;
    for (const char* c = line; *c != '\0'; ++c) {
        if (*c == '\\' || *c == '\r') text += '\\';
        text += *c == '\r' ? 'r' : *c;
    }
    text += '\n';
    constexpr mode_t mode = 0600;
    const int file = open(history_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode);
    if (file < 0) return;
    [[maybe_unused]] const ssize_t written = write(file, text.data(), text.size());
    close(file);
}

// ---- completion ------------------------------------------------------------------------------------------

[[nodiscard]] std::size_t common_size(const std::vector<std::string>& lines) {
    std::size_t size = lines.front().size();
    for (const std::string& line : lines) {
        std::size_t same = 0;
        while (same < size && same < line.size() && line[same] == lines.front()[same]) ++same;
        size = same;
    }
    return size;
}

// First what all have in common; then the key steps through them.
void complete(const char* begin, linenoiseCompletions* found, void*) {
    const std::vector<std::string> lines = completions(begin);
    if (lines.empty()) return;
    const std::size_t common = common_size(lines);
    if (lines.size() > 1 && common > std::string_view{begin}.size())
        linenoiseAddCompletion(found, lines.front().substr(0, common).c_str());
    for (const std::string& line : lines) linenoiseAddCompletion(found, line.c_str());
}

enum class Read { line, interrupted, end };

// The editor clears the line that it begins in.
void begin_line() {
    int column = 0;
    fflush(stdout);
    if (ioctl(STDOUT_FILENO, CHORUS_TIOCGCOLUMN, &column) == 0 && column != 0) putchar('\n');
    fflush(stdout);
}

[[nodiscard]] Read read_line(std::string& text) {
    begin_line();
    errno = 0;
    char* const line = linenoise(prompt);
    if (line == nullptr) return errno == EAGAIN ? Read::interrupted : Read::end;
    text = line;
    if (!text.empty()) keep(line);
    free(line);
    return Read::line;
}

} // namespace

int run_console(Shell& shell) {
    const bool terminal = isatty(STDIN_FILENO) != 0;
    shell.set_prompting();
    load_history();
    linenoiseSetCompletionCallback(complete, nullptr);
    int status = 0;
    for (int ends = 0; ends < ends_limit;) {
        shell.report_ended();
        std::string line;
        const Read read = read_line(line);
        if (read == Read::end) {
            ++ends;
            if (!terminal) break;
            puts("The console stays: `shutdown -i 0` switches the machine off.");
            continue;
        }
        ends = 0;
        if (read == Read::line) status = shell.run_line(line);
    }
    return status;
}

} // namespace chorale::c_init
