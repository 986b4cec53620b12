#include "c_init/command.hpp"

#include "c_init/shell.hpp"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace chorale::c_init {

namespace {

[[nodiscard, gnu::format(printf, 1, 0)]] std::string formatted(const char* format, va_list arguments) {
    char* text = nullptr;
    const int size = vasprintf(&text, format, arguments);
    if (size < 0) return "no memory for the message";
    std::string result{text, static_cast<std::size_t>(size)};
    free(text);
    return result;
}

struct TopicTitle {
    Topic topic;
    const char* title;
};
constexpr TopicTitle topics[] = {
    {Topic::actors, "actors"}, {Topic::environment, "environment"}, {Topic::files, "files"},
    {Topic::system, "system"}, {Topic::shell, "console"},
};

} // namespace

int Invocation::failed(const char* format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    const std::string text = formatted(format, arguments);
    va_end(arguments);
    shell.complain(words.front() + ": " + text);
    return 1;
}

int Invocation::misused(const char* format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    const std::string text = formatted(format, arguments);
    va_end(arguments);
    shell.complain(words.front() + ": " + text);
    if (const Command* const command = find_command(words.front()); command != nullptr)
        fprintf(stderr, "usage: %s%s%s\n", command->name, command->syntax[0] == '\0' ? "" : " ",
                command->syntax);
    return 2;
}

std::span<const Command> commands() {
    static std::vector<Command> all;
    if (all.empty()) {
        for (const std::span<const Command> family :
             {actor_commands(), environment_commands(), shell_commands(), system_commands()})
            all.insert(all.end(), family.begin(), family.end());
    }
    return all;
}

const Command* find_command(std::string_view name) {
    for (const Command& command : commands()) {
        if (name == command.name) return &command;
    }
    return nullptr;
}

std::string help_text(const Command& command) {
    std::string text = command.name;
    if (*command.syntax != '\0') text += std::string{" "} + command.syntax;
    text += std::string{"\n    "} + command.summary + ".\n";
    if (*command.details != '\0') text += std::string{"\n"} + command.details;
    if (command.for_trusted) text += "\nFor trusted users.\n";
    return text;
}

std::string overview() {
    std::string text;
    for (const TopicTitle& topic : topics) {
        text += std::string{topic.title} + "\n";
        for (const Command& command : commands()) {
            if (command.topic != topic.topic) continue;
            std::string line = std::string{"  "} + command.name;
            constexpr std::size_t column = 14;
            line.resize(line.size() < column ? column : line.size() + 1, ' ');
            text += line + command.summary + "\n";
        }
    }
    return text +
           "\n`help command` tells more, as does `command --help`. Other names are programs in /bin.\n";
}

char Options::next() {
    if (letter_ != 0 && letter_ == words_[place_].size()) take_word();
    if (letter_ == 0) {
        if (place_ == words_.size()) return 0;
        const std::string& word = words_[place_];
        if (word.size() < 2 || word[0] != '-') return 0;
        if (word == "--") {
            ++place_;
            return 0;
        }
        letter_ = 1;
    }
    return words_[place_][letter_++];
}

const std::string* Options::value() {
    if (letter_ < words_[place_].size())
        value_ = words_[place_].substr(letter_);
    else if (place_ + 1 < words_.size())
        value_ = words_[++place_];
    else
        return nullptr;
    take_word();
    return &value_;
}

void Options::take_word() {
    ++place_;
    letter_ = 0;
}

} // namespace chorale::c_init
