// vmMap: pages that somebody puts into a user actor's region (K_VMMAP), and takes out again.
#include "../settled.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

#include <array>

namespace chorale::test {

namespace {

constexpr VmSize page = 4096, large = VmSize{2} << 20;
constexpr VmAddr place = 0x10000000;

volatile unsigned long& word(VmAddr at) { return *reinterpret_cast<volatile unsigned long*>(at); }
KnRgnDesc region(VmAddr start, VmSize size, VmFlags options = 0) {
    return {start, size, options, 0, nullptr, 0};
}

// A user actor without threads, with a region that is to be filled.
class Borrower {
  public:
    Borrower() = default;
    Borrower(const Borrower&) = delete;
    Borrower& operator=(const Borrower&) = delete;
    ~Borrower() { end(); }

    int create(VmSize size, VmFlags options = K_WRITABLE) {
        const int status = actorCreate(K_MYACTOR, &capability_, K_USERACTOR, K_ACTIVE);
        if (status != K_OK) {
            return status;
        }
        exists_ = true;
        KnRgnDesc made = region(place, size, options | K_VMMAP);
        return rgnAllocate(&capability_, &made);
    }
    void end() {
        if (exists_) {
            actorDelete(&capability_);
        }
        exists_ = false;
    }
    [[nodiscard]] const KnCap* capability() const { return &capability_; }

    // All ones: nothing can be read there.
    [[nodiscard]] unsigned long read(VmAddr at) const {
        unsigned long value = ~0UL;
        vmCopy(&capability_, at, K_SVACTOR, reinterpret_cast<VmAddr>(&value), sizeof value, 0);
        return value;
    }
    [[nodiscard]] int write(VmAddr at, unsigned long value) const {
        return vmCopy(K_SVACTOR, reinterpret_cast<VmAddr>(&value), &capability_, at, sizeof value, 0);
    }
    [[nodiscard]] int take_back(VmAddr at, VmSize size) const {
        const KnRgnDesc range = region(at, size, K_DISCARD);
        return rgnFree(&capability_, &range);
    }

  private:
    KnCap capability_{};
    bool exists_{};
};

void lent_pages(Report& report) {
    VmAddr own = 0;
    REQUIRE_EQ(svPagesAllocate(&own, 4 * page, 0, K_MYACTOR), K_OK);
    Borrower first, second;
    REQUIRE_EQ(first.create(8 * page), K_OK);
    REQUIRE_EQ(second.create(8 * page), K_OK);
    CHECK_EQ(first.read(place), ~0UL);
    REQUIRE_EQ(vmMap(K_SVACTOR, own, first.capability(), place, 2 * page, 0), K_OK);
    REQUIRE_EQ(vmMap(K_SVACTOR, own + page, second.capability(), place + 5 * page, page, 0), K_OK);
    word(own + page) = 11;
    CHECK_EQ(first.read(place + page), 11);
    CHECK_EQ(second.read(place + 5 * page), 11);
    CHECK_EQ(first.write(place + page, 12), K_OK);
    CHECK_EQ(word(own + page), 12);
    CHECK_EQ(second.read(place + 5 * page), 12);
    CHECK_EQ(first.read(place + 2 * page), ~0UL);

    // Taken back from one: the other has it still. It can be put in again.
    CHECK_EQ(first.take_back(place + page, 7 * page), K_OK);
    CHECK_EQ(first.read(place + page), ~0UL);
    CHECK_EQ(first.read(place), 0);
    CHECK_EQ(second.read(place + 5 * page), 12);
    CHECK_EQ(vmMap(K_SVACTOR, own + 2 * page, first.capability(), place + page, page, 0), K_OK);
    CHECK_EQ(first.read(place + page), 0);

    // The lender's end is not the pages' end.
    CHECK_EQ(svPagesFree(own, 4 * page), K_OK);
    CHECK_EQ(second.read(place + 5 * page), 12);
}

// Out of large pages, more than one step's, into what may only be read.
void lent_parts(Report& report) {
    VmAddr own = 0;
    REQUIRE_EQ(svPagesAllocate(&own, 2 * large, 0, K_MYACTOR), K_OK);
    for (VmSize at = 0; at < 2 * large; at += page) {
        word(own + at) = at + 1;
    }
    Borrower borrower;
    REQUIRE_EQ(borrower.create(large, 0), K_OK);
    REQUIRE_EQ(vmMap(K_SVACTOR, own + 3 * page, borrower.capability(), place, large, 0), K_OK);
    for (VmSize at = 0; at < large; at += page) {
        CHECK_EQ(borrower.read(place + at), at + 3 * page + 1);
    }
    CHECK_EQ(borrower.write(place, 1), K_EADDR); // not by anybody's hand
    const KnRgnDesc wider = region(place, page, K_WRITABLE);
    CHECK_EQ(rgnSetProtect(borrower.capability(), &wider), K_OK); // but by who may
    CHECK_EQ(borrower.write(place, 1), K_OK);
    CHECK_EQ(word(own + 3 * page), 1);
    borrower.end();
    CHECK_EQ(svPagesFree(own, 2 * large), K_OK);
}

void lending_errors(Report& report) {
    VmAddr own = 0;
    REQUIRE_EQ(svPagesAllocate(&own, 2 * page, 0, K_MYACTOR), K_OK);
    Borrower borrower;
    REQUIRE_EQ(borrower.create(4 * page), K_OK);
    const KnCap* const to = borrower.capability();
    KnRgnDesc plain = region(place + 4 * page, page, K_WRITABLE);
    REQUIRE_EQ(rgnAllocate(to, &plain), K_OK);
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place, page, 1), K_EINVAL);
    CHECK_EQ(vmMap(K_SVACTOR, own, K_SVACTOR, own, page, 0), K_EINVAL);
    CHECK_EQ(vmMap(K_SVACTOR, own + 1, to, place, page, 0), K_EROUND);
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place + 1, page, 0), K_EROUND);
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place, 0, 0), K_ESIZE);
    CHECK_EQ(vmMap(K_MYACTOR, own, to, place, page, 0), K_EADDR);                // not its own
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place + 4 * page, page, 0), K_EADDR);     // its actor's own
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place + 16 * page, page, 0), K_EADDR);    // nothing
    CHECK_EQ(vmMap(to, place + 4 * page, to, place, page, 0), K_EADDR);          // never touched
    CHECK_EQ(vmMap(to, place, to, place + page, page, 0), K_EADDR);              // is lent itself
    CHECK_EQ(vmMap(K_SVACTOR, own, to, place + 3 * page, 2 * page, 0), K_EADDR); // ends too early
    CHECK_EQ(borrower.take_back(place, 4 * page), K_OK);
    REQUIRE_EQ(vmMap(K_SVACTOR, own, to, place, page, 0), K_OK);
    CHECK_EQ(vmMap(K_SVACTOR, own + page, to, place, page, 0), K_EOVERLAP);

    // Nothing goes on to others.
    KnRgnDesc copy = region(place + 8 * page, 0, K_WRITABLE);
    const KnRgnDesc source = region(place, page);
    CHECK_EQ(rgnMapFromActor(to, &copy, to, &source), K_EADDR);
    CHECK_EQ(rgnInitFromActor(to, &copy, to, &source), K_EADDR);
    Borrower other;
    REQUIRE_EQ(actorCreate(K_MYACTOR, const_cast<KnCap*>(other.capability()), K_USERACTOR, K_ACTIVE), K_OK);
    CHECK_EQ(rgnDup(other.capability(), to, K_INHERITSHARE), K_OK);
    CHECK_EQ(other.read(place + 4 * page), 0);
    CHECK_EQ(other.read(place), ~0UL);
    CHECK_EQ(actorDelete(other.capability()), K_OK);

    // A lock does not keep the lender off.
    CHECK_EQ(vmLock(to, place, page, K_WRITABLE), K_OK);
    CHECK_EQ(borrower.take_back(place, page), K_OK);
    CHECK_EQ(borrower.read(place), ~0UL);
    for (const VmFlags options : {K_RESERVED, K_NODEMAND}) {
        KnRgnDesc bad = region(place + 8 * page, page, options | K_VMMAP);
        CHECK_EQ(rgnAllocate(to, &bad), K_EINVAL);
    }
    KnRgnDesc here = region(0, page, K_ANYWHERE | K_VMMAP);
    CHECK_EQ(rgnAllocate(K_MYACTOR, &here), K_EINVAL);
    const KnRgnDesc mine = region(own, page, K_DISCARD);
    CHECK_EQ(rgnFree(K_SVACTOR, &mine), K_EINVAL);
    CHECK_EQ(svPagesFree(own, 2 * page), K_OK);
}

constexpr Case all[] = {
    {"lent_pages", lent_pages}, {"lent_parts", lent_parts}, {"lending_errors", lending_errors}};

} // namespace

const std::span<const Case> lending_cases{all};

} // namespace chorale::test
