// What the nucleus tells of the actors of this site.
#pragma once

#include "commands/common.hpp"

#include <vector>

namespace chorale::commands {

struct SiteActor {
    KnCap capability;
    KnActorStatus status;
    std::string name;
};

// Ends the program when the nucleus refuses: only SYSTEM actors are told.
[[nodiscard]] std::vector<SiteActor> site_actors();
[[nodiscard]] std::vector<KnThreadStat> threads_of(const SiteActor& actor);
[[nodiscard]] std::vector<KnPortStat> ports_of(const SiteActor& actor);

// A table for people: columns as wide as what is in them, numbers to the right.
class Table {
  public:
    // The titles, parted by blanks; one with `<` before it is of a column of text.
    explicit Table(std::string_view titles);
    void begin_row() { rows_.emplace_back(); }
    void add(std::string text) { rows_.back().push_back(std::move(text)); }
    void add(unsigned long long number) { add(std::to_string(number)); }
    void print() const;

  private:
    std::vector<bool> left_;
    std::vector<std::vector<std::string>> rows_; // the first: the titles
};

} // namespace chorale::commands
