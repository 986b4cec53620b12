// A mapper for the tests: a thread of this actor that serves one segment from an array, well or in all the
// ways in which it can be done badly.
#pragma once

#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {

enum class Manner : unsigned {
    good,
    read_only_first, // the right to write is given by KN_MPGETACCESS only
    denies_writing,  // and not even then
    refuses,         // with an error of its own
    short_body,
    long_body,
    wrong_offset,
    no_annex,
    no_rights,
    drops,       // receives the next request instead of answering
    never,       // takes no request any more
    deletes_port // its own, when the next request comes
};

inline constexpr int mapper_error = -4711;

class Mapper {
  public:
    static constexpr VmSize pages = 32;

    // On that CPU. K_OK or an error.
    int start(Manner manner, KnCpuId cpu = 0, bool wants_release = false,
              unsigned priority = higher_priority);
    void stop();
    ~Mapper() { stop(); }

    [[nodiscard]] KnObjDesc segment(VmSize first = 0, VmSize count = pages) const {
        return {{port_, key}, first * page, count * page};
    }
    // What the segment has, as the mapper sees it.
    [[nodiscard]] static std::uint64_t stored(VmSize index);

    static constexpr KnKey key = 0x5e6;
    static std::atomic<Manner> manner;
    static std::atomic<unsigned> pulls, pushes, accesses, releases,
        bad; // requests received; nonsensical ones

  private:
    static void run(std::uintptr_t argument);

    Helper thread_;
    KnUniqueId port_{};
    int port_li_{};
};

[[nodiscard]] inline int map(const KnCap* actor, VmAddr at, VmSize size, const KnObjDesc& segment,
                             VmFlags options = K_WRITABLE) {
    KnRgnDesc region = region_at(at, size, options);
    return rgnMap(actor, &region, &segment);
}

[[nodiscard]] inline std::uint64_t first_word(VmSize index) { return 0x1000 + index; }

} // namespace chorale::test
