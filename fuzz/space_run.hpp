// One run of the fuzzer of address spaces: the space, its model, and the operations that the input asks for.
#pragma once

#include "arch/host/engine.hpp"
#include "fuzz/space_model.hpp"
#include "fuzz/target.hpp"

#include <array>

namespace chorale::fuzz {

inline constexpr u64 window_begin = 0x4000'0000,
                     window_pages = 1100; // where operations meet: two large pages
inline constexpr u64 no_limit = 1'000'000;

// The machine: one CPU. Where the nucleus lets interrupts in, the run may do something else in between.
class Run : public host::Engine {
  public:
    explicit Run(Input input);
    ~Run() override;

    void all();

    void relax() override { must(false, "nobody else has a lock"); }
    void ring(CpuIndex) override {}
    void wait_for_interrupt() override {}
    void interrupt_window() override;
    [[nodiscard]] u64 now() override { return 0; }
    [[noreturn]] void stop(int) override { std::abort(); }

  private:
    // A free or protect operation between its steps.
    struct Pending {
        RangeWork work{};
        bool active = false, freeing = false, hidden = false;
        Protection protection{};

        [[nodiscard]] bool covers(u64 page) const { return active && work.range.contains(VirtAddr{page}); }
    };
    struct Place {
        u64 at, size;
    };
    static constexpr int entering = 100; // owner of pages on their way in

    void one();
    void create();
    void destroy();
    void finish_all();

    [[nodiscard]] u64 page_somewhere();
    [[nodiscard]] Protection rights() { return static_cast<Protection>(input_.below(8)); }
    // Mostly sensible; sizes up to several large pages.
    [[nodiscard]] Place place();
    [[nodiscard]] Status claim_status(u64 at, u64 size) const;
    [[nodiscard]] bool room(u64 size) const;
    // A page of it may fail to come.
    [[nodiscard]] bool may_starve(const ModelRegion& region) const {
        return region.demand && (limited_ || allocations_before_failure() != 0);
    }

    // Notes whether memory may have run out on the way.
    template <class Operation>
    [[nodiscard]] Status attempt(Operation&& operation) {
        const u64 before = allocations_before_failure();
        const unsigned regions = space_.regions();
        interruptible_ = before == 0 && !limited_;
        interrupted_ = false;
        const Status status = operation();
        interruptible_ = false;
        starved_ = limited_ || (before != 0 && allocations_before_failure() == 0) ||
                   regions + interrupted_ + 2 >= RegionList::limit;
        return status;
    }
    // The claim, which the model foretold: pages come in.
    template <class Operation>
    [[nodiscard]] bool bring_in(Status expected, u64 at, const ModelRegion& region, Operation&& operation);
    void allocate();
    void allocate_anywhere();
    void allocate_stack();
    void map_physical();
    void map_segment();
    void comb();
    void check_zero(u64 at);

    void begin(bool freeing);
    void step(int slot, unsigned times);
    void change_at_once(bool freeing);
    void access();
    void access_page(u64 page, u8 mark);
    void access_ends(VirtRange range);
    void copy_across();

    Input input_;
    Space space_;
    SpaceModel model_;
    std::array<Pending, 3> pending_;
    bool limited_ = false, starved_ = false, interruptible_ = false, interrupted_ = false;
};

// Frames that are lent to every space: a block of the largest order.
[[nodiscard]] u64 lent_frames();

[[nodiscard]] Protection with_user(Protection wanted);

} // namespace chorale::fuzz
