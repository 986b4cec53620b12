// Address spaces: the input is a row of operations, some of them begun and carried on step by step among
// others, some in the middle of others, some with memory running out. After them the space is what a simple
// model says.
#include "fuzz/space_run.hpp"
#include "kernel/mem/asid.hpp"
#include "tests/host/mem/memory_machine.hpp"

using namespace chorale;
using namespace chorale::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::start_memory();
    static_cast<void>(lent_frames());
    static const u64 frames = [] {
        Space space; // the nucleus's own objects have their first memory from now on
        must(space.create(no_limit) == Status::ok, "a space is made");
        must(space.allocate(page_size, Protection::read).ok(), "a region is made");
        while (!space.destroy_step()) {
        }
        return test::free_frame_count();
    }();
    Run{Input{data, size}}.all();
    must(live_regions() == 0, "no region is left");
    must(asids_in_use() == 0, "no address space identifier is left");
    must(test::free_frame_count() == frames, "no frame is left");
    return 0;
}
