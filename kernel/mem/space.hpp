// An address space: regions, the page table behind them, and what is known of the TLBs that may remember it.
//
// Pages leave in three steps, so that no frame or table is reused while a TLB can still reach it, and no
// memory is needed to remember them meanwhile: hide (entries lose their present bit and keep the address),
// flush (by the caller, on the CPUs that TlbFlush names), reap (hidden entries are cleared, frames and empty
// tables go back). Pages come in the opposite way: hidden first, where a failure can be undone without any
// flush, then shown, which cannot fail. Each step is bounded; between steps the lock is free and interrupts
// may come in.
#pragma once

#include "kernel/base/spin_lock.hpp"
#include "kernel/base/types.hpp"
#include "kernel/mem/page_account.hpp"
#include "kernel/mem/page_table.hpp"
#include "kernel/mem/region.hpp"

#include <machine/cpu.hpp>
#include <machine/mmu.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>

namespace chorale {

// Which TLB entries must go before reap_step(). Every CPU in `cpus` calls apply() and reports back.
struct TlbFlush {
    VirtRange range;
    u64 root{};
    unsigned asid{};
    u64 cpus{};
    bool shared{}; // the part that all spaces have in common: it is mapped whatever root is loaded

    // Above: the whole space is dropped.
    static constexpr uword single_limit = machine::invalidate_page_limit * page_size;

    // On this CPU. `loaded_root` is what its MMU holds (PerCpu::space_root).
    void apply(u64 loaded_root) const;
};

// Applies it on this CPU and on all that it names, and waits for them: they are never far from an interrupt
// (kernel/core/shootdown.cpp). No lock may be held. For pages; ranges go by tours.
void flush_at_once(const TlbFlush& flush);

// The progress of one operation on a range. Lives with its caller, who does not move it before the end.
struct RangeWork {
    VirtRange range;
    VirtAddr at;
    Protection protection{};
    bool protecting{};   // pages below `at` have `protection` already
    bool flush_needed{}; // an entry that a TLB may hold was narrowed or taken out
    bool discarding{};   // pages go, their regions stay
    bool spares_lent{};  // nothing that is lent is changed
};

struct RegionInfo {
    VirtRange range;
    Protection protection;
    Backing backing;
    bool demand{};
    u32 locks{};
    RegionAttributes attributes{};
    SegmentView view{};
    RegionOwner owner{};
};

// Whose a new region shall be, and where: at an address, or the lowest that is free in a window.
struct Placement {
    VirtAddr at;
    VirtRange window{};
    RegionOwner owner{};
};

// How pages go to another region.
enum class Transfer : u8 {
    copy,      // what either writes from now on the other does not see
    duplicate, // the same, but at once: the supervisor space has no copies at the first write
    share
};

// Pages on their way from a space to another, each with a reference of its own to the frame.
struct PageBatch {
    static constexpr unsigned capacity = 4;
    struct Page {
        VirtAddr at; // in the source
        PhysAddr frame;
        Protection kind{}; // Protection::copy or none
        bool duplicate{};  // the contents go, not the frame
        bool borrowed{};   // nobody's frame: no reference
    };
    Page pages[capacity];
    unsigned count{};

    // Copying a page takes long.
    [[nodiscard]] bool full() const {
        return count == capacity || (count != 0 && pages[count - 1].duplicate);
    }
};

class Space {
  public:
    static constexpr VirtAddr user_begin{page_size}; // a null pointer always faults
    [[nodiscard]] static VirtAddr user_end() { return VirtAddr{machine::user_limit()}; }
    static constexpr VirtAddr anywhere_begin{uword{1} << 36}; // above where executables are linked
    static constexpr VirtAddr anywhere{~uword{page_size - 1}};
    static constexpr unsigned step_pages = 4; // entries that one step touches
    static constexpr unsigned fill_pages = 2; // pages filled between two preemption points

    Space() = default;
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;

    // A fresh root table. `page_limit` bounds its pages and tables. On failure the object is as before.
    [[nodiscard]] Status create(u64 page_limit);

    // Instead: the supervisor range of the nucleus half, whose upper tables the machine made at boot. It is
    // mapped in every space, inaccessible from user mode, and never ends.
    void open_shared(u64 page_limit);

    // Frees a bounded part; true: all is gone and the object may be created again or freed. Before the first
    // step no CPU has it loaded, and all in cpus() have applied whole_flush().
    [[nodiscard]] bool destroy_step();

    // What the MMU takes; 0 before create(). First member: the fast path reads it.
    [[nodiscard]] u64 root() const { return root_; }
    [[nodiscard]] unsigned asid() const { return asid_; }
    [[nodiscard]] u64 pages() const { return account_.used(); }
    [[nodiscard]] PageAccount& account() { return account_; } // for what else its actor has
    [[nodiscard]] u64 page_limit() const { return account_.limit(); }
    void set_page_limit(u64 pages) { account_.set_limit(pages); }
    [[nodiscard]] bool shared() const { return shared_; } // the supervisor space
    [[nodiscard]] VirtRange window() const;               // where regions may lie

    // A CPU calls this before it loads the root for the first time.
    void enter_cpu(CpuIndex cpu) {
        // relaxed: a bit is set by its own CPU and stays
        if ((cpus_.load(std::memory_order_relaxed) & (u64{1} << cpu)) != 0) return;
        // seq_cst: pairs with the fence in flush_for(): either the flusher sees this CPU, or this CPU's page
        // walks see what the flusher wrote
        cpus_.fetch_or(u64{1} << cpu, std::memory_order_seq_cst);
        // Page walks come after loads and stores only by the MMU's own fence. Without an identifier each load
        // of the root has one.
        if (asid_ != 0) machine::invalidate_asid(asid_);
        machine::synchronize_instructions(); // another CPU has written the text
    }
    // relaxed: a snapshot; flush_for() orders its own
    [[nodiscard]] u64 cpus() const { return cpus_.load(std::memory_order_relaxed); }

    // In the supervisor space what follows makes regions for an owner, and changes this owner's only: others
    // in the range are left alone, like holes.

    // ---- pages come in: all or nothing; interrupts may be let in meanwhile ---------------------
    // Addresses whose pages come, zeroed, when they are first touched; with Backing::nothing they never come.
    // With `work` the region stays in the hands of that operation. size is rounded up to pages.
    [[nodiscard]] Result<VirtAddr> reserve(uword size, Protection protection, const Placement& place,
                                           const RegionAttributes& attributes, Backing backing,
                                           RangeWork* work = nullptr, const SegmentView& view = {});
    // Zeroed memory, there at once. `at`: page-aligned, or `anywhere`.
    [[nodiscard]] Result<VirtAddr> allocate(uword size, Protection protection, VirtAddr at = anywhere);
    // Read-write, an unmapped guard page below it. The address just above the stack (16-aligned).
    [[nodiscard]] Result<VirtAddr> allocate_stack(uword size);
    // A sparse region: nothing is in it but what is put into its parts, each once. One region for many parts
    // keeps their number small, which bounds every walk.
    [[nodiscard]] Result<VirtAddr> reserve_sparse(uword size);
    // Zeroed read-write pages. On failure none has come.
    [[nodiscard]] Status fill_part(VirtRange part);
    // Frames that the space does not own and never frees.
    [[nodiscard]] Result<VirtAddr> map_physical(PhysAddr frames, uword size, Protection protection,
                                                VirtAddr at = anywhere);
    // A segment of an executable: `file` at `address`, zeros up to memory_size and in the rest of the pages.
    [[nodiscard]] Status map_segment(VirtAddr address, uword memory_size, std::span<const std::byte> file,
                                     Protection protection, RegionOwner owner = RegionOwner::nobody);

    // Where `size` bytes are free. Somebody else may take the place before the caller does.
    [[nodiscard]] Result<VirtAddr> find_room(uword size);
    // ---- pages come when they are touched ------------------------------------------------------
    // Makes `access` to the page possible (none: that there is one): zeros where nothing was yet, a copy of
    // its own of a page that others have too. ok: try again. Errors: fault (not allowed), no_memory; busy:
    // its mapper has to be asked for what `wanted` then says.
    [[nodiscard]] Status resolve(VirtAddr address, Protection access, WantedPage* wanted = nullptr);
    // The same for up to `budget` pages of a range; where to go on.
    [[nodiscard]] Result<VirtAddr> populate(VirtRange range, Protection access, unsigned budget,
                                            WantedPage* wanted = nullptr);

    // ---- pages go to another region, of this space or another ----------------------------------
    // begin_lend; while pages are left: lend, and take in the other space; flush; finish_change. At most one
    // batch at a time. The source stays usable meanwhile.
    // `whole`: the range must be memory from end to end.
    [[nodiscard]] Status begin_lend(VirtRange range, bool whole, RangeWork& work,
                                    RegionOwner owner = RegionOwner::nobody);
    // From work.at on, which it advances, in the one region there.
    [[nodiscard]] Status lend(RangeWork& work, Transfer how, PageBatch& batch);
    // `delta`: what a page's address grows by. On failure the batch's references are gone too.
    [[nodiscard]] Status take(const PageBatch& batch, uword delta);
    // A part of the region that the work is filling shows a segment instead of zeros. Errors: no_memory.
    [[nodiscard]] Status show_segment(VirtRange part, const SegmentView& view, const RangeWork& work);
    // The regions of the work are everybody's again.
    void finish_change(RangeWork& work);
    // They are to be taken out: as after begin_free().
    void give_up(RangeWork& work);

    // ---- pages change hands with their frames; whole ones, at most most_moved_pages --------------
    static constexpr unsigned most_moved_pages = 16;
    // Whether somebody knows a frame of the range by its address; asked while nobody new can learn it.
    using InUse = bool (*)(VirtRange range);
    // All of the range or nothing: its frames are the caller's from now on, and its pages come again when
    // they are touched. Only memory that is this space's alone, there, and comes on demand.
    [[nodiscard]] bool give_pages(VirtRange range, std::span<PhysAddr> frames, InUse in_use);
    // The caller becomes an owner of the frames, too, all of them or none: memory that is there and no
    // segment's.
    [[nodiscard]] bool share_pages(VirtRange range, std::span<PhysAddr> frames);
    // The same with their contents as they are now: who writes to the range gets copies. Not if `events` is
    // no longer `seen`: it changes only with the space locked.
    [[nodiscard]] bool freeze_pages(VirtRange range, std::span<PhysAddr> frames,
                                    const std::atomic<u64>& events, u64 seen);
    // The frames of a range of memory that is all there, in small or large pages, each with a reference for
    // the caller. Errors: address, busy, no_memory (to split a large page).
    [[nodiscard]] Status lend_frames(VirtRange range, RegionOwner owner, std::span<PhysAddr> frames);
    // They come to a range of a region that is lent: the references are used up, whatever happens. Errors:
    // address, busy, overlap, no_memory.
    [[nodiscard]] Status take_frames(VirtRange range, std::span<const PhysAddr> frames);
    // Whether all of it may be written, though perhaps not at once.
    [[nodiscard]] bool writable(VirtRange range);
    // Takes frames, each the caller's alone, in the place of what the range has. A bit for each that it has
    // taken; the others could not be, and stay the caller's.
    [[nodiscard]] u32 accept_pages(VirtRange range, std::span<const PhysAddr> frames, InUse in_use);

    // ---- pages go out --------------------------------------------------------------------------
    // begin_free; while (!hide_step); flush; while (!reap_step). Holes in the range are accepted. After
    // begin_free() succeeded nothing fails. Status::busy: another operation is at work in the range;
    // Status::timeout: a part of it is locked.
    [[nodiscard]] Status begin_free(VirtRange range, RangeWork& work,
                                    RegionOwner owner = RegionOwner::nobody);
    // The same for all that a dead owner has, whatever state it is in: whoever was at work on it has been
    // told by every CPU, and does not look at it again. False: there is nothing.
    [[nodiscard]] bool begin_forfeit(RegionOwner owner, RangeWork& work);
    [[nodiscard]] bool hide_step(RangeWork& work);
    [[nodiscard]] bool reap_step(RangeWork& work);
    // The pages of the range go, and the regions stay: as begin_free(), and at the end finish_change. Pages
    // of segments stay. no_memory: to split a large page.
    [[nodiscard]] Status begin_discard(VirtRange range, RangeWork& work);

    // begin_protect; while (!protect_step); flush.
    // Status::privilege: a part of it is lent, and to be spared.
    enum class Lent : u8 { changed, spared };
    [[nodiscard]] Status begin_protect(VirtRange range, Protection protection, RangeWork& work,
                                       RegionOwner owner = RegionOwner::nobody, Lent lent = Lent::changed);
    [[nodiscard]] bool protect_step(RangeWork& work);

    [[nodiscard]] TlbFlush flush_for(const RangeWork& work) const;
    [[nodiscard]] TlbFlush whole_flush() const;

    // The two sequences in one, for callers that can wait: `flush(const TlbFlush&)` returns when it is done
    // everywhere.
    template <class Flush>
    [[nodiscard]] Status free(VirtRange range, Flush&& flush, RegionOwner owner = RegionOwner::nobody);
    template <class Flush>
    [[nodiscard]] Status protect(VirtRange range, Protection protection, Flush&& flush);

    // ---- contents, through the direct map: the space need not be loaded ------------------------
    // `use(std::byte* bytes, std::size_t count)` for each piece of the range, in order, none crossing a page,
    // with the space locked so that the page stays; false ends with Status::fault. `need`: what the pages
    // must allow. Pages that come at their first touch come now: no_memory.
    template <class Use>
    [[nodiscard]] Status visit(VirtAddr address, uword size, Protection need, Use&& use,
                               WantedPage* wanted = nullptr);
    // The frames behind at most most_reached_pages pages of user memory, all at one moment, brought in and
    // made the space's own if need be. On a CPU in cpus() they stay until it answers a flush: at the earliest
    // in the next interrupt window, and then something is pending. False: they are out of reach, or something
    // is pending already.
    static constexpr unsigned most_reached_pages = 17;
    enum class Reach : u8 { read, write };
    [[nodiscard]] bool reach(VirtAddr at, uword size, Reach how, PhysAddr* frames);
    [[nodiscard]] Status copy_to(VirtAddr address, std::span<const std::byte> bytes);
    [[nodiscard]] Status copy_from(std::span<std::byte> bytes, VirtAddr address,
                                   WantedPage* wanted = nullptr);

    // The region that holds `address`, or Status::address.
    [[nodiscard]] Result<RegionInfo> region_at(VirtAddr address);
    // It, or the next above that begins before `end`.
    [[nodiscard]] Result<RegionInfo> region_from(VirtAddr address, VirtAddr end,
                                                 RegionOwner owner = RegionOwner::nobody);
    // `change(Region&)` on each region of the range, cut at its ends. Errors: address (nothing is there),
    // busy, no_memory.
    template <class Change>
    [[nodiscard]] Status change_regions(VirtRange range, Change&& change,
                                        RegionOwner owner = RegionOwner::nobody);
    // vmLock: from now on the range is neither freed nor protected, as often as it was locked. Errors: as
    // above; invalid: it is not locked.
    [[nodiscard]] Status lock_range(VirtRange range, RegionOwner owner = RegionOwner::nobody);
    [[nodiscard]] Status unlock_range(VirtRange range, RegionOwner owner = RegionOwner::nobody);
    [[nodiscard]] static u64 locked_pages(); // of all spaces
    // The frame behind an address, if there is one by now.
    [[nodiscard]] Result<PhysAddr> frame_of(VirtAddr address);
    [[nodiscard]] unsigned regions();

    // For inspection: `visit(const RegionList&, const PageTable&)`, with the space locked.
    template <class Visit>
    void inspect(Visit&& visit) {
        contents_.with([&](Contents& contents) { visit(contents.regions, contents.table); });
    }

  private:
    struct Contents {
        RegionList regions;
        PageTable table;
        u64 hidings{};    // pages hidden so that they can be copied: tells whether one has stayed hidden
        u32 freezing{};   // whose flushes are still to come
        VirtAddr swept{}; // at the end of the space: tables below are gone
    };
    // What a range is filled with.
    struct Fill {
        VirtRange range{};
        Protection protection{};
        Backing backing{Backing::frames};
        VirtRange window{};                   // anywhere: where; empty: where programs do not lie
        const RegionAttributes* attributes{}; // given: the region is there at once, its pages on demand
        RangeWork* work{};
        RegionOwner owner{};
        SegmentView view{};                // with `attributes`
        PhysAddr borrowed{};               // the frame of range.begin
        std::span<const std::byte> file{}; // lies at file_offset; all else is zero
        uword file_offset{};
    };
    struct Piece {
        PhysAddr frame;
        unsigned level;
    };

    [[nodiscard]] VirtRange anywhere_window() const; // where they are put when it does not matter
    [[nodiscard]] Protection page_protection(Protection wanted) const;
    [[nodiscard]] Status check_range(VirtRange range) const;
    [[nodiscard]] Status claim(Fill& fill, uword size, VirtAddr at);
    [[nodiscard]] [[gnu::noinline]] Status bring_in(const Fill& fill); // one copy: the text budget
    [[nodiscard]] Result<Piece> take_piece(const Fill& fill, VirtAddr at);
    [[nodiscard]] Status stage(const Fill& fill);
    void show(const Fill& fill);
    void abandon(VirtRange range);
    void withdraw(VirtRange part);
    [[nodiscard]] Status begin_change(VirtRange range, RegionState state, RangeWork& work, RegionOwner owner);
    // Makes the range's ends boundaries of regions and of leaves. On failure nothing anyone could see
    // changed.
    [[nodiscard]] static Status cut(Contents& contents, VirtRange range, RegionOwner owner);
    [[nodiscard]] static Status cut_for_change(Contents& contents, VirtRange range, RegionOwner owner);
    // Whether a TLB may hold pages of it that the table does not show: whoever took the access away is done
    // with the table, but perhaps not with the TLBs.
    [[nodiscard]] static bool perhaps_known(const Region& region) {
        return region.backing != Backing::nothing && !allows(region.protection, Protection::read);
    }
    static void count_locked(const Region& region, bool locked);
    // Whether the range may be changed: ok, address (nothing is there), busy, timeout (locked).
    [[nodiscard]] static Status changeable(Contents& contents, VirtRange range, bool despite_locks,
                                           RegionOwner owner);
    // A page of which the space shall get a copy of its own, or another one instead of it.
    struct Copying {
        PhysAddr fresh; // for the copy; 0: none yet
        PhysAddr old;
        u64 hidings{};
        bool zeros{}; // instead of the contents
    };
    [[nodiscard]] static Protection rights_at(const Region& region, VirtAddr page);
    enum class Look : u8 { done, widened, refused, no_memory, hidden, wanted };
    [[nodiscard]] Look look_at(Contents& contents, VirtAddr page, Protection access, Copying& copying,
                               WantedPage* wanted);
    [[nodiscard]] Look look_at_segment(Contents& contents, const Region& region, VirtAddr page,
                                       Protection access, WantedPage* wanted);
    [[nodiscard]] Look copy_segment_page(Contents& contents, VirtAddr page, Protection rights,
                                         const WantedPage& source);
    [[nodiscard]] static bool any_lent(Contents& contents, VirtRange range);
    [[nodiscard]] static bool being_discarded(const Region& region) {
        return region.work != nullptr && region.work->discarding && region.backing == Backing::frames;
    }
    void drop_step(Contents& contents, Region& region, RangeWork& work);
    [[nodiscard]] VirtAddr reap_pages(Contents& contents, const Region& region, VirtRange rest, bool dead);
    [[nodiscard]] Look bring_zeros(Contents& contents, VirtAddr page, Protection rights);
    static void thaw(Contents& contents, const Region& region, VirtAddr page, PhysAddr frame,
                     Protection rights);
    [[nodiscard]] Look begin_copy(Contents& contents, VirtAddr page, const PageSlot& slot, Copying& copying,
                                  bool zeros);
    [[nodiscard]] bool put_copy(Contents& contents, VirtAddr page, Copying& copying);
    [[nodiscard]] bool fill_large(VirtAddr at, VirtAddr end);
    [[nodiscard]] static const Region* movable(Contents& contents, VirtAddr page);
    static void hide_for_move(Contents& contents, VirtAddr page, const PageSlot& slot);
    [[nodiscard]] static bool stayed_hidden(Contents& contents, VirtAddr page, PhysAddr frame, u64 hidings);
    static void show_again(Contents& contents, VirtAddr page);
    [[nodiscard]] bool accept_new(Contents& contents, const Region& region, VirtAddr page, PhysAddr frame);
    [[nodiscard]] Status lend_page(Contents& contents, const Region& region, RangeWork& work, Transfer how,
                                   PageBatch& batch);
    [[nodiscard]] Status take_page(const PageBatch::Page& page, VirtAddr at);
    // The next region from work.at on that belongs to `work`.
    [[nodiscard]] static Region* current(Contents& contents, RangeWork& work);
    [[nodiscard]] std::byte* page_for(Contents& contents, VirtAddr address, Protection need) const;

    u64 root_{};
    std::atomic<u64> cpus_{};
    PhysAddr table_;
    unsigned asid_{};
    bool shared_{}; // open_shared()
    PageAccount account_;
    Guarded<Rank::space, Contents> contents_;
};

template <class Flush>
Status Space::free(VirtRange range, Flush&& flush, RegionOwner owner) {
    RangeWork work;
    if (const Status status = begin_free(range, work, owner); status != Status::ok) return status;
    while (!hide_step(work)) machine::interrupt_window();
    if (work.flush_needed) flush(flush_for(work));
    while (!reap_step(work)) machine::interrupt_window();
    return Status::ok;
}

template <class Flush>
Status Space::protect(VirtRange range, Protection protection, Flush&& flush) {
    RangeWork work;
    if (const Status status = begin_protect(range, protection, work); status != Status::ok) return status;
    while (!protect_step(work)) machine::interrupt_window();
    if (work.flush_needed) flush(flush_for(work));
    return Status::ok;
}

template <class Use>
Status Space::visit(VirtAddr address, uword size, Protection need, Use&& use, WantedPage* wanted) {
    const VirtRange all = window();
    if (address > all.end || size > all.end - address || (shared_ && address < all.begin))
        return Status::fault;
    while (size != 0) {
        const uword room = page_size - address.page_offset();
        const uword count = size < room ? size : room;
        bool missing = false;
        const bool done = contents_.with([&](Contents& contents) {
            std::byte* const bytes = page_for(contents, address, need);
            missing = bytes == nullptr;
            return !missing && use(bytes, count);
        });
        if (missing) {
            if (const Status status = resolve(address, need, wanted); status != Status::ok) return status;
            continue;
        }
        if (!done) return Status::fault;
        address = address + count;
        size -= count;
    }
    return Status::ok;
}

template <class Change>
Status Space::change_regions(VirtRange range, Change&& change, RegionOwner owner) {
    if (const Status status = check_range(range); status != Status::ok) return status;
    return contents_.with([&](Contents& contents) {
        if (const Status status = cut_for_change(contents, range, owner); status != Status::ok) return status;
        RegionList& regions = contents.regions;
        Region* region = regions.at_or_after(range.begin);
        for (; region != nullptr && region->range.begin < range.end; region = regions.next(*region))
            if (region->owner == owner) change(*region);
        return Status::ok;
    });
}

} // namespace chorale
