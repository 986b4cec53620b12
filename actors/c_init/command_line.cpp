#include "c_init/command_line.hpp"

namespace chorale::c_init {

namespace {

[[nodiscard]] bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

[[nodiscard]] bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Characters that mean something outside quotes.
constexpr std::string_view special = " \t\r\n'\"\\$<>&|;#";

class Parser {
  public:
    Parser(std::string_view text, const Variables& variables, CommandLine& line)
        : text_{text}, variables_{variables}, line_{line} {}

    [[nodiscard]] std::string parse() {
        while (error_.empty() && skip_blanks()) {
            if (line_.background) return "`&` is not at the end of the line";
            if (!take_operator()) line_.words.push_back(take_word());
        }
        if (error_.empty() && line_.words.empty() && (line_.background || !line_.redirections.empty()))
            return "there is no command";
        return error_;
    }

  private:
    [[nodiscard]] bool at_end() const { return place_ == text_.size(); }
    [[nodiscard]] char next() const { return text_[place_]; }
    [[nodiscard]] bool begins(std::string_view what) const { return text_.substr(place_).starts_with(what); }

    // False: nothing else comes.
    [[nodiscard]] bool skip_blanks() {
        while (!at_end() && blank(next())) ++place_;
        return !at_end() && next() != '#';
    }

    // At the beginning of a word: what is no word.
    [[nodiscard]] bool take_operator() {
        struct Operator {
            std::string_view text;
            int descriptor;
            Redirection::Kind kind;
        };
        static constexpr Operator redirections[] = {
            {"2>>", 2, Redirection::Kind::append}, {"2>", 2, Redirection::Kind::write},
            {">>", 1, Redirection::Kind::append},  {">", 1, Redirection::Kind::write},
            {"<", 0, Redirection::Kind::read},
        };
        if (next() == '&') {
            ++place_;
            line_.background = true;
            return true;
        }
        for (const Operator& redirection : redirections) {
            if (!begins(redirection.text)) continue;
            place_ += redirection.text.size();
            take_redirection(redirection.text, redirection.descriptor, redirection.kind);
            return true;
        }
        return false;
    }

    void take_redirection(std::string_view text, int descriptor, Redirection::Kind kind) {
        if (skip_blanks() && next() != '<' && next() != '>' && next() != '&')
            line_.redirections.push_back({descriptor, kind, take_word()});
        else if (error_.empty())
            error_ = "`" + std::string{text} + "` without a file";
    }

    [[nodiscard]] std::string take_word() {
        std::string word;
        while (error_.empty() && !at_end() && !blank(next())) {
            const char c = next();
            if (c == '<' || c == '>' || c == '&') break;
            if (c == ';' || c == '|') {
                error_ = "`" + std::string{c} + "`: one command a line; as a part of a word it is quoted";
                break;
            }
            ++place_;
            if (c == '\'')
                take_quoted(word);
            else if (c == '"')
                take_double_quoted(word);
            else if (c == '\\')
                take_escaped(word);
            else if (c == '$')
                take_variable(word);
            else
                word += c;
        }
        return word;
    }

    void take_quoted(std::string& word) {
        const std::size_t end = text_.find('\'', place_);
        if (end == text_.npos) {
            error_ = "a ' without a second one";
            return;
        }
        word += text_.substr(place_, end - place_);
        place_ = end + 1;
    }

    void take_double_quoted(std::string& word) {
        while (error_.empty()) {
            if (at_end()) {
                error_ = "a \" without a second one";
                return;
            }
            const char c = text_[place_++];
            if (c == '"') return;
            if (c == '$')
                take_variable(word);
            else if (c == '\\' && !at_end() && (next() == '"' || next() == '\\' || next() == '$'))
                word += text_[place_++];
            else
                word += c;
        }
    }

    void take_escaped(std::string& word) {
        if (at_end())
            error_ = "nothing behind the \\";
        else
            word += text_[place_++];
    }

    // Behind the `$`.
    void take_variable(std::string& word) {
        if (begins("?")) {
            ++place_;
            variables_.append_value("?", word);
            return;
        }
        const bool braces = begins("{");
        const std::size_t begin = place_ + (braces ? 1 : 0);
        std::size_t end = begin;
        while (end < text_.size() && in_name(text_[end])) ++end;
        if (!braces && end == begin) {
            word += '$';
            return;
        }
        if (braces && (end == begin || end == text_.size() || text_[end] != '}')) {
            error_ = "`${` without a name and `}`";
            return;
        }
        variables_.append_value(text_.substr(begin, end - begin), word);
        place_ = end + (braces ? 1 : 0);
        // One variable that names another many times over must not fill the memory.
        if (word.size() > line_limit) error_ = "the values of the variables are too long";
    }

    std::string_view text_;
    const Variables& variables_;
    CommandLine& line_;
    std::size_t place_{};
    std::string error_;
};

} // namespace

std::string parse_line(std::string_view text, const Variables& variables, CommandLine& line) {
    if (text.size() > line_limit)
        return "the line is too long: " + std::to_string(text.size()) + " bytes, at most " +
               std::to_string(line_limit);
    if (text.find('\0') != text.npos) return "a NUL character in the line";
    return Parser{text, variables, line}.parse();
}

std::string quoted(std::string_view word) {
    std::string result;
    for (const char c : word) {
        if (special.find(c) != special.npos) result += '\\';
        result += c;
    }
    return result;
}

} // namespace chorale::c_init
