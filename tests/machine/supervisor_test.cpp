// What supervisor actors may call, and tables that are full.
#include "kernel/lap/binding.hpp"
#include "kernel/lap/lap.hpp"
#include "kernel/mem/fail_allocation.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/supervisor/exports.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/supervisor/system_stack.hpp"
#include "kernel/supervisor/thread_level.hpp"
#include "tests/machine/supervising.hpp"
#include "tests/machine/world.hpp"

#include <set>
#include <vector>

namespace chorale::test {

namespace {

using namespace host;

void expect_clean(const Program& scenario) {
    for (const std::string& finding : run_once(scenario, plain_chooser())) ADD_FAILURE() << finding;
    for (const std::string& complaint : take_complaints()) ADD_FAILURE() << complaint;
}

void do_nothing(u64, u64) {}

[[nodiscard]] bool mapped(VirtAddr at) { return supervisor_space().frame_of(at).ok(); }

// More than a row holds, some of them when there is no memory.
[[nodiscard]] Task<void> take_stacks() {
    constexpr unsigned many = 150;
    const u64 regions = supervisor_space().regions();
    std::vector<SystemStack*> taken;
    std::set<u64> places;
    while (taken.size() < many) {
        fail_allocation_after(taken.size() % 5 == 4 ? 2 : 0);
        const Result<SystemStack*> made = take_system_stack(3 * page_size);
        fail_allocation_after(0);
        const Result<SystemStack*> stack = made.ok() ? made : take_system_stack(3 * page_size);
        EXPECT_TRUE(stack.ok());
        if (!stack.ok()) break;
        const VirtAddr top = stack.value()->top;
        EXPECT_TRUE(places.insert(top.raw()).second);
        EXPECT_EQ(stack.value()->size(), 4 * page_size);
        EXPECT_TRUE(mapped(top - 1) && mapped(top - 4 * page_size));
        EXPECT_FALSE(mapped(top - 5 * page_size));
        taken.push_back(stack.value());
    }
    EXPECT_LE(supervisor_space().regions() - regions, 3u);
    for (SystemStack* const stack : taken) give_back_system_stack(stack);
    const Result<SystemStack*> again = take_system_stack(3 * page_size);
    EXPECT_TRUE(again.ok() && places.contains(again.value()->top.raw()));
    if (again.ok()) give_back_system_stack(again.value());
    for (const uword size : {uword{1}, SystemStack::largest_size}) {
        const Result<SystemStack*> stack = take_system_stack(size);
        EXPECT_TRUE(stack.ok() && stack.value()->size() >= size);
        if (stack.ok()) give_back_system_stack(stack.value());
    }
    EXPECT_EQ(take_system_stack(SystemStack::largest_size + 1).status(), Status::size);
    co_return;
}

// All of them together have a part of the memory; a larger one does when there is no more.
[[nodiscard]] Task<void> take_too_many_stacks() {
    const u64 most = frame_statistics().total / 8;
    std::vector<SystemStack*> taken;
    u64 frames = 0;
    Result<SystemStack*> made = Status::no_memory;
    while ((made = take_system_stack(8 * page_size)).ok()) {
        taken.push_back(made.value());
        frames += made.value()->size() >> page_bits;
    }
    EXPECT_EQ(made.status(), Status::no_memory);
    EXPECT_LE(frames, most);
    EXPECT_GT(frames, most / 2);
    EXPECT_FALSE(taken.empty());
    give_back_system_stack(taken.back());
    taken.pop_back();
    bool larger = false;
    while ((made = take_system_stack(page_size)).ok()) {
        taken.push_back(made.value());
        larger |= made.value()->size() > page_size;
    }
    EXPECT_TRUE(larger);
    for (SystemStack* const stack : taken) give_back_system_stack(stack);
    co_return;
}

[[nodiscard]] LapOf lap_for(KnCap owner) { return {owner, reinterpret_cast<u64>(&do_nothing)}; }

// All of the table, and again; each place is found again when it is free.
[[nodiscard]] Task<void> fill_table(KnCap owner) {
    std::vector<KnLapDesc> all;
    for (const u64 wanted : {lap_limit - live_laps(), lap_limit - live_laps()}) {
        long result = K_OK;
        for (KnLapDesc lap{}; (result = co_await make_lap(lap_for(owner), lap)) == K_OK;) all.push_back(lap);
        EXPECT_EQ(result, K_EFULL);
        EXPECT_EQ(all.size(), wanted);
        while (!all.empty()) {
            EXPECT_EQ(co_await delete_lap(all.back()), K_OK);
            all.pop_back();
        }
    }
}

[[nodiscard]] Task<long> bind_number(KnLapDesc lap, u64 number) {
    Local<KnLapDesc> place;
    Local<u64> name;
    co_await place.set(lap);
    co_await name.set(number + 1); // a few characters, whatever they are
    co_return co_await attempt(Call::svLapBind, place.at(), name.at(), 0);
}

// A name whose LAP has died gives its place to one that is bound when there is no other.
[[nodiscard]] Task<void> fill_names(KnCap owner) {
    KnLapDesc living{}, dying{};
    EXPECT_EQ(co_await make_lap(lap_for(owner), living), K_OK);
    EXPECT_EQ(co_await make_lap(lap_for(owner), dying), K_OK);
    constexpr u64 where = 5;
    for (u64 i = 0; i < binding_limit; ++i) {
        const long result = co_await bind_number(i == where ? dying : living, i);
        EXPECT_EQ(result, K_OK);
    }
    EXPECT_EQ(co_await bind_number(living, binding_limit), K_EFULL);
    EXPECT_EQ(co_await delete_lap(dying), K_OK);
    EXPECT_EQ(co_await bind_number(living, binding_limit), K_OK);
    EXPECT_EQ(co_await bind_number(living, binding_limit + 1), K_EFULL);
    EXPECT_EQ(unbind_lap(where + 1), Status::unknown);
    EXPECT_EQ(co_await delete_lap(living), K_OK);
    for (u64 i = 0; i <= binding_limit; ++i) {
        if (i != where) EXPECT_EQ(unbind_lap(i + 1), Status::ok);
    }
}

[[nodiscard]] Task<void> fill_all() {
    const auto stage = std::make_shared<Stage>();
    const KnCap owner = co_await supervisor_actor_of(stage);
    EXPECT_TRUE(co_await supervise([owner](u64) { return fill_table(owner); }));
    EXPECT_TRUE(co_await supervise([owner](u64) { return fill_names(owner); }));
    co_await stage->end();
}

} // namespace

TEST(Supervisor, full_tables) {
    expect_clean([](u64) { return fill_all(); });
}

TEST(Supervisor, stacks_lie_in_rows) {
    expect_clean([](u64) { return take_stacks(); });
}

TEST(Supervisor, stacks_have_a_part_of_the_memory) {
    expect_clean([](u64) { return take_too_many_stacks(); });
}

TEST(Supervisor, exported_symbols) {
    EXPECT_EQ(exported_symbol("nullCall"), machine::call_gate(static_cast<unsigned>(Call::nullCall)));
    EXPECT_EQ(exported_symbol("svLapDelete"), machine::call_gate(static_cast<unsigned>(Call::svLapDelete)));
    EXPECT_EQ(exported_symbol("nucleusMessage"), machine::call_gate(0));
    EXPECT_EQ(exported_symbol("lapInvoke"), reinterpret_cast<uword>(&machine::chorale_lap_invoke));
    EXPECT_EQ(exported_symbol("svCopyIn"), reinterpret_cast<uword>(&thread_level::copy_in));
    EXPECT_EQ(exported_symbol("svCopyInString"), reinterpret_cast<uword>(&thread_level::copy_in_string));
    EXPECT_EQ(exported_symbol("svCopyOut"), reinterpret_cast<uword>(&thread_level::copy_out));
    EXPECT_EQ(exported_symbol("svCopyInside"), reinterpret_cast<uword>(&thread_level::copy_inside));
    EXPECT_EQ(exported_symbol("svSymbolAddress"), reinterpret_cast<uword>(&thread_level::symbol_address));
    EXPECT_EQ(thread_level::symbol_address("nullCall"), exported_symbol("nullCall"));
    EXPECT_EQ(exported_symbol("imsIntrMask_f"), reinterpret_cast<uword>(&thread_level::mask_interrupts));
    EXPECT_EQ(exported_symbol("imsIntrUnmask_f"), reinterpret_cast<uword>(&thread_level::unmask_interrupts));
    EXPECT_EQ(exported_symbol("imsIntrMaskCount"), reinterpret_cast<uword>(&thread_level::count_masks));
    for (const char* const unknown : {"", "svCopy", "svCopyInStringx", "lapInvok"})
        EXPECT_EQ(exported_symbol(unknown), 0u);
}

} // namespace chorale::test
