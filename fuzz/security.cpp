// /etc/security: every line is read or reported once, no view leads out of the text, and the answer is what a
// plain reading of the good lines gives.
#include "formats/security.hpp"

#include "fuzz/target.hpp"

#include <vector>

namespace chorale::fuzz {
namespace {

using namespace formats;

struct Count final : SecurityReport {
    void on_bad_line(std::uint32_t number, SecurityFault fault) override {
        must(number > last && fault != SecurityFault::none, "bad lines come in order");
        must(!text(fault).empty(), "a fault has a text");
        last = number;
        ++lines;
    }
    std::uint32_t last{};
    std::size_t lines{};
};

void check_entry(const SecurityEntry& entry, formats::Bytes bytes) {
    must(!entry.user.empty(), "an entry has a user");
    must(entry.group_count <= SecurityEntry::group_limit, "groups fit");
    for (const std::string_view view : {entry.user, entry.hosts, entry.password})
        must(inside(view, bytes) && view.find_first_of(":\n") == view.npos, "a field lies in its line");
    must(entry.uid.value_or(0) != ~0U && entry.gid.value_or(0) != ~0U, "nobody is no user");
}

} // namespace
} // namespace chorale::fuzz

using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chorale::formats::Bytes bytes = bytes_of(data, size);
    const std::string_view text = chorale::formats::characters(bytes);
    std::vector<SecurityEntry> good;
    std::size_t bad = 0;
    std::uint32_t last = 0;
    SecurityLines lines{text};
    while (const auto line = lines.next()) {
        must(line->number > last, "lines are counted");
        last = line->number;
        if (line->fault != SecurityFault::none) {
            ++bad;
            continue;
        }
        check_entry(line->entry, bytes);
        good.push_back(line->entry);
    }
    for (const std::string_view user : {"a", "*", "root", ""}) {
        Count count;
        const auto answer = find_user(text, user, &count);
        must(count.lines == bad, "each bad line is reported once");
        const SecurityEntry* wanted = nullptr;
        for (const SecurityEntry& entry : good)
            if (wanted == nullptr && entry.user == user && user != "*") wanted = &entry;
        for (const SecurityEntry& entry : good)
            if (wanted == nullptr && entry.user == "*") wanted = &entry;
        must(answer.has_value() == (wanted != nullptr), "who is not there is unknown");
        if (wanted == nullptr) continue;
        must(answer->trusted == wanted->trusted && answer->uid == wanted->uid && answer->gid == wanted->gid,
             "the answer is the line's");
        must(answer->allows_host("h") == wanted->allows_host("h"), "hosts are the line's");
    }
    return 0;
}
