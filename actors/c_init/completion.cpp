#include "c_init/completion.hpp"

#include "c_init/command.hpp"
#include "c_init/command_line.hpp"

#include <algorithm>
#include <dirent.h>
#include <sys/stat.h>

namespace chorale::c_init {

namespace {

// Where the last word begins, and whether it is the first one. Words in quotes are not completed.
struct LastWord {
    std::size_t place{};
    bool first{true}, quoted{};
    std::string text;    // without its backslashes
    std::string command; // the first, unless the last is a file of a redirection
};

[[nodiscard]] LastWord last_word(std::string_view line) {
    LastWord word;
    bool in_word = false, redirected = false, any = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '\'' || c == '"') word.quoted = true;
        if (c == ' ' || c == '\t' || c == '<' || c == '>') {
            if (in_word && !redirected && !any) word.command = word.text;
            if (in_word && !redirected) any = true;
            if (in_word) redirected = false;
            if (c == '<' || c == '>') redirected = true;
            in_word = false;
            word.text.clear();
            word.place = i + 1;
            continue;
        }
        in_word = true;
        if (c == '\\' && i + 1 < line.size())
            word.text += line[++i];
        else
            word.text += c;
    }
    word.first = !any && !redirected;
    if (redirected) word.command.clear();
    return word;
}

void add_files(const std::string& folder, const std::string& shown, const std::string& begin,
               std::vector<std::string>& words) {
    DIR* const directory = opendir(folder.c_str());
    if (directory == nullptr) return;
    while (const dirent* const entry = readdir(directory)) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || !name.starts_with(begin)) continue;
        if (name[0] == '.' && begin.empty()) continue;
        struct stat status{};
        const bool is_folder = stat((folder + "/" + name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
        words.push_back(quoted(shown + name) + (is_folder ? "/" : ""));
        if (words.size() == completion_limit) break;
    }
    closedir(directory);
}

void add_commands(const std::string& begin, std::vector<std::string>& words) {
    for (const Command& command : commands()) {
        if (std::string_view{command.name}.starts_with(begin)) words.emplace_back(command.name);
    }
}

} // namespace

std::vector<std::string> completions(std::string_view line) {
    const LastWord word = last_word(line);
    std::vector<std::string> words;
    if (word.quoted) return words;
    const std::size_t slash = word.text.rfind('/');
    if (slash != std::string::npos) {
        const std::string shown = word.text.substr(0, slash + 1);
        add_files(shown, shown, word.text.substr(slash + 1), words);
    } else if (word.first) {
        add_commands(word.text, words);
        add_files("/bin", "", word.text, words);
    } else if (word.command == "help") {
        add_commands(word.text, words);
    } else {
        if (word.command == "arun" || word.command == "ktrace") add_files("/bin", "", word.text, words);
        add_files(".", "", word.text, words);
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    for (std::string& each : words) {
        if (each.back() != '/') each += ' ';
        each.insert(0, line.substr(0, word.place));
    }
    return words;
}

} // namespace chorale::c_init
