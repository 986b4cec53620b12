// What a run of a program could see: the result of each call with a digest of all bytes that it got, in the
// order in which they came, and what there was at the end. Names of ports are told by the order in which they
// were first seen, so that two runs of one program can be compared.
#pragma once

#include "kernel/base/types.hpp"

#include <chorus.h>

#include <string>
#include <vector>

namespace chorale::equivalence {

struct Entry {
    unsigned thread{}, op{};
    const char* what{};
    long result{};
    u64 first{}, second{}, digest{};
    // The text: where one begins is no part of what it says.
    friend bool operator==(const Entry& one, const Entry& other);
};
[[nodiscard]] std::string text(const Entry& entry);

class Digest {
  public:
    void add(const void* bytes, std::size_t size);
    void add(u64 number) { add(&number, sizeof number); }
    [[nodiscard]] u64 value() const { return value_; }

  private:
    u64 value_ = 0xcbf2'9ce4'8422'2325;
};

class Log {
  public:
    void add(const Entry& entry) { entries_.push_back(entry); }
    [[nodiscard]] u64 number_of(const KnUniqueId& name);
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  private:
    std::vector<Entry> entries_;
    std::vector<KnUniqueId> names_;
};

} // namespace chorale::equivalence
