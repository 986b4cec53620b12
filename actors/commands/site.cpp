#include "commands/site.hpp"

#include <stdio.h>

namespace chorale::commands {

namespace {

// Asks again with more room until all fits. `ask`: the call's result for that room.
template <class Element, class Ask>
[[nodiscard]] std::vector<Element> all(const char* what, Ask ask) {
    std::vector<Element> elements(64);
    for (;;) {
        const int count = ask(elements.data(), static_cast<unsigned>(elements.size() * sizeof(Element)));
        if (count == K_EPRIV)
            fail("%s: only SYSTEM actors are told (arun -T %s)", what, program_invocation_short_name);
        // One that has gone meanwhile has none.
        if (count < 0) return {};
        const auto found = static_cast<std::size_t>(count);
        if (found <= elements.size()) {
            elements.resize(found);
            return elements;
        }
        elements.resize(found + 16);
    }
}

} // namespace

std::vector<SiteActor> site_actors() {
    std::vector<SiteActor> actors;
    for (const KnActorStat& found : all<KnActorStat>(
             "actors", [](KnActorStat* stat, unsigned size) { return actorStat(0, stat, size); })) {
        char name[K_ACTORNAMEMAX];
        if (actorName(&found.asCap, name, nullptr) == K_OK)
            actors.push_back({found.asCap, found.asStatus, name});
    }
    return actors;
}

std::vector<KnThreadStat> threads_of(const SiteActor& actor) {
    return all<KnThreadStat>("threads", [&](KnThreadStat* stat, unsigned size) {
        return threadStat(&actor.capability, 0, stat, size);
    });
}

std::vector<KnPortStat> ports_of(const SiteActor& actor) {
    return all<KnPortStat>(
        "ports", [&](KnPortStat* stat, unsigned size) { return portStat(&actor.capability, 0, stat, size); });
}

Table::Table(std::string_view titles) {
    begin_row();
    while (!titles.empty()) {
        const std::size_t end = titles.find(' ');
        std::string_view title = titles.substr(0, end);
        titles = end == titles.npos ? std::string_view{} : titles.substr(end + 1);
        left_.push_back(title.starts_with('<'));
        if (left_.back()) title.remove_prefix(1);
        add(std::string{title});
    }
}

void Table::print() const {
    std::vector<std::size_t> widths(left_.size());
    for (const std::vector<std::string>& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (row[i].size() > widths[i]) widths[i] = row[i].size();
        }
    }
    for (const std::vector<std::string>& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::string cell = row[i];
            const std::string padding(widths[i] - cell.size(), ' ');
            if (i != 0) line += ' ';
            line += left_[i] ? cell + padding : padding + cell;
        }
        line.resize(line.find_last_not_of(' ') + 1);
        puts(line.c_str());
    }
}

} // namespace chorale::commands
