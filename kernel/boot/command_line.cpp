// The table of kernel command line keys, and the words of a line checked against it.
#include "kernel/boot/command_line.hpp"

#include "formats/bytes.hpp"

#include <optional>

namespace chorale::boot {

using namespace formats;
namespace {

using namespace std::string_view_literals;

enum class Kind : std::uint8_t { number, choice, text };

struct Value {
    std::uint64_t number = 0; // for a choice: its index
    std::string_view text;
};

struct Key {
    std::string_view name;
    Kind kind;
    void (*store)(BootOptions&, const Value&);
    std::uint64_t least = 0;
    std::uint64_t most = ~std::uint64_t{0};
    std::string_view choices = {}; // separated by '|'
};

consteval Key number_key(std::string_view name, std::uint64_t least, std::uint64_t most,
                         void (*store)(BootOptions&, const Value&)) {
    return {name, Kind::number, store, least, most};
}
consteval Key choice_key(std::string_view name, std::string_view choices,
                         void (*store)(BootOptions&, const Value&)) {
    return {.name = name, .kind = Kind::choice, .store = store, .choices = choices};
}
consteval Key text_key(std::string_view name, void (*store)(BootOptions&, const Value&)) {
    return {name, Kind::text, store};
}

constexpr std::uint64_t any = ~std::uint64_t{0};
constexpr std::uint64_t day = 24 * 60 * 60;

// The order of the choices is that of the enumerations.
constexpr Key keys[] = {
    number_key("cpus", 1, cpu_limit, [](BootOptions& o, const Value& v) { o.cpus = v.number; }),
    choice_key("console", "com1|com2|none",
               [](BootOptions& o, const Value& v) { o.console = static_cast<Console>(v.number); }),
    text_key("bench", [](BootOptions& o, const Value& v) { o.bench = v.text; }),
    text_key("test", [](BootOptions& o, const Value& v) { o.test = v.text; }),
    choice_key("fastpath", "on|off", [](BootOptions& o, const Value& v) { o.fastpath = v.number == 0; }),
    number_key("smp.stress", 0, day, [](BootOptions& o, const Value& v) { o.stress_seconds = v.number; }),
    number_key("ipc.credits", 32, 1 << 20, [](BootOptions& o, const Value& v) { o.credits = v.number; }),
    number_key("fail.alloc", 0, any, [](BootOptions& o, const Value& v) { o.fail_allocation = v.number; }),
    choice_key("poll", "on|off|auto",
               [](BootOptions& o, const Value& v) { o.poll = static_cast<Polling>(v.number); }),
    text_key("init", [](BootOptions&, const Value&) {}), // C_OS's, which finds it in the environment
    text_key("run", [](BootOptions& o, const Value& v) { o.run = v.text; }),
    number_key("bench.rounds", 0, 1'000'000'000,
               [](BootOptions& o, const Value& v) { o.bench_rounds = v.number; }),
    number_key("seed", 0, any, [](BootOptions& o, const Value& v) { o.seed = v.number; }),
    choice_key("irq", "on|check", [](BootOptions& o, const Value& v) { o.irq_check = v.number == 1; }),
};
static_assert(std::size(keys) <= 32, "one bit each in the set of keys seen");

[[nodiscard]] bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits) {
    std::uint64_t base = 10;
    if (digits.starts_with("0x"sv)) {
        digits.remove_prefix(2);
        base = 16;
    }
    if (digits.empty()) return {};
    std::uint64_t number = 0;
    for (const char c : digits) {
        const char lower = static_cast<char>(c | 0x20);
        std::uint64_t digit = base;
        if (c >= '0' && c <= '9')
            digit = static_cast<std::uint64_t>(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            digit = static_cast<std::uint64_t>(lower - 'a') + 10;
        if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return {};
    }
    return number;
}

[[nodiscard]] std::optional<std::uint64_t> choice_index(std::string_view choices, std::string_view word) {
    for (std::uint64_t index = 0;; ++index) {
        const std::size_t bar = index_of(choices, '|');
        if (word == std::string_view{choices.data(), bar == choices.npos ? choices.size() : bar})
            return index;
        if (bar == choices.npos) return {};
        choices.remove_prefix(bar + 1);
    }
}

// Cuts words off the front of the line.
class Words {
  public:
    explicit Words(std::string_view line) : rest_{line} {}

    struct Word {
        std::string_view key;
        std::string_view value;
        std::string_view problem; // why the word makes no sense, or nothing
    };

    [[nodiscard]] std::optional<Word> next() {
        while (!rest_.empty() && blank(rest_.front())) rest_.remove_prefix(1);
        if (rest_.empty()) return {};
        Word word;
        word.key = take([](char c) { return c == '=' || blank(c); });
        if (rest_.empty() || rest_.front() != '=') {
            word.problem = "no value"sv;
            return word;
        }
        rest_.remove_prefix(1);
        if (rest_.empty() || rest_.front() != '"') {
            word.value = take(blank);
            return word;
        }
        rest_.remove_prefix(1);
        word.value = take([](char c) { return c == '"'; });
        if (rest_.empty()) {
            word.problem = "no closing quote"sv;
            return word;
        }
        rest_.remove_prefix(1);
        if (!take(blank).empty()) word.problem = "text after the quote"sv;
        return word;
    }

  private:
    template <class Stop>
    [[nodiscard]] std::string_view take(Stop stop) {
        std::size_t length = 0;
        while (length < rest_.size() && !stop(rest_[length])) ++length;
        const std::string_view taken{rest_.data(), length};
        rest_.remove_prefix(length);
        return taken;
    }

    std::string_view rest_;
};

[[nodiscard]] const Key* find_key(std::string_view name) {
    for (const Key& key : keys)
        if (key.name == name) return &key;
    return nullptr;
}

[[nodiscard]] bool printable(std::string_view word) {
    for (const char c : word)
        if (c < ' ' || c > '~') return false;
    return true;
}

// Stores the value, or says why not.
[[nodiscard]] std::string_view apply(const Key& key, std::string_view word, BootOptions& options) {
    if (word.size() > command_value_limit) return "value too long"sv;
    Value value{0, word};
    switch (key.kind) {
    case Kind::number: {
        const auto number = parse_number(word);
        if (!number) return "not a number"sv;
        if (*number < key.least || *number > key.most) return "out of range"sv;
        value.number = *number;
        break;
    }
    case Kind::choice: {
        const auto index = choice_index(key.choices, word);
        if (!index) return "not one of"sv;
        value.number = *index;
        break;
    }
    case Kind::text:
        if (!printable(word)) return "unprintable value"sv;
        break;
    }
    key.store(options, value);
    return {};
}

// The line up to the limit, without the word that the limit cuts.
[[nodiscard]] std::string_view shortened(std::string_view line) {
    std::size_t length = command_line_limit;
    while (length > 0 && !blank(line[length])) --length;
    return {line.data(), length};
}

} // namespace

BootOptions parse_command_line(std::string_view line, Callback<void(const CommandLineProblem&)> report) {
    BootOptions options;
    if (const std::size_t end = index_of(line, '\0'); end != line.npos) line = {line.data(), end};
    if (line.size() > command_line_limit) {
        report({{}, {}, "command line too long"sv, {}});
        line = shortened(line);
    }
    Words words{line};
    std::uint32_t seen = 0;
    for (std::size_t count = 0; const auto word = words.next(); ++count) {
        if (count == command_word_limit) {
            report({word->key, {}, "too many words"sv, {}});
            break;
        }
        const Key* const key = find_key(word->key);
        std::string_view message = key == nullptr ? "unknown key"sv : word->problem;
        if (message.empty() && key != nullptr) {
            const std::uint32_t bit = std::uint32_t{1} << (key - keys);
            message = apply(*key, word->value, options);
            if (message.empty() && (seen & bit) != 0) report({word->key, word->value, "given twice"sv, {}});
            seen |= message.empty() ? bit : 0;
        }
        if (!message.empty())
            report({word->key, word->value, message, key == nullptr ? std::string_view{} : key->choices});
    }
    return options;
}

} // namespace chorale::boot
