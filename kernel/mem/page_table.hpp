// The one walker of page tables, for every machine that describes its entries as a PageTableGeometry.
//
// Entries have three states: empty (0), present, and hidden: not present for the MMU, everything else kept.
// Pages enter hidden (insert) and are then shown; they leave by hide and, after a TLB flush, reap.
// Invariants: a present leaf has only present tables above it. A hidden table holds no present entry. A table
// is freed only while it is empty and hidden; whoever hid it last had just hidden entries in it, and these
// are cleared only after that hider's flush: so no TLB can still walk through a table that is freed. Context:
// under the lock of the owner, except that MMUs read, and set accessed bits, at any time.
#pragma once

#include "kernel/mem/page_account.hpp"
#include "kernel/mem/protection.hpp"
#include "kernel/mem/region.hpp"

#include <machine/mmu.hpp>

#include <array>
#include <atomic>
#include <optional>

namespace chorale {

enum class Visibility : u8 { hidden, shown };

struct Translation {
    PhysAddr address; // of the byte asked for
    Protection protection;
    uword leaf_size;
};

// What is at a page: nothing, or a leaf, shown or hidden.
struct PageSlot {
    bool there{}, shown{};
    unsigned level{}; // of the leaf, or of the largest piece of nothing
    PhysAddr frame{}; // behind this page
    Protection protection{};
};

template <class G>
class PageTableOf {
  public:
    [[nodiscard]] static constexpr unsigned top() { return G::levels() - 1; }
    // The bytes that one entry of a table of `level` maps.
    [[nodiscard]] static constexpr uword span(unsigned level) {
        return page_size << (level * G::bits_per_level);
    }
    [[nodiscard]] static constexpr unsigned order(unsigned level) { return level * G::bits_per_level; }

    // `root`: a table that is empty where leaves will be put in, but for tables that entries of level `fixed`
    // and above lead to: these stay. Other tables are taken from and given back to `account`.
    void open(PhysAddr root, PageAccount& account, unsigned fixed = G::most_levels) {
        root_ = root;
        account_ = &account;
        fixed_ = fixed;
    }

    // One leaf of span(level); both addresses aligned to it. On failure nothing changed.
    [[nodiscard]] Status insert(VirtAddr at, PhysAddr frame, Protection protection, unsigned level,
                                Visibility visibility);

    // Makes `at` a boundary between leaves. `owned`: as for reap(); the frames can be freed one by one
    // afterwards.
    [[nodiscard]] Status split(VirtAddr at, bool owned);

    // Makes a small page of its own of `page`, in a leaf that is there.
    [[nodiscard]] Status carve(VirtAddr page, bool owned) {
        const Status status = split(page, owned);
        return status == Status::ok ? split(page + page_size, owned) : status;
    }

    [[nodiscard]] std::optional<Translation> translate(VirtAddr at) const;
    // As translate(), for a page that is still hidden.
    [[nodiscard]] std::optional<PhysAddr> frame_at(VirtAddr at) const;

    [[nodiscard]] PageSlot look(VirtAddr at) const;
    // The frames of the shown pages of memory from `at` on that all allow Need: how many, at most `count` and
    // up to the end of their table.
    template <Protection Need>
    [[nodiscard]] unsigned frames_at(VirtAddr at, unsigned count, PhysAddr* frames) const;
    // Makes shown, small, writable pages from `at` on common, and tells their frames: how many, as
    // frames_at(). `share(frame, common)` adds an owner, or ends it here. `flush`: rights became narrower.
    template <class Share>
    [[nodiscard]] unsigned freeze_at(VirtAddr at, unsigned count, PhysAddr* frames, bool& flush,
                                     Share&& share);
    // The opposite, with `rights`, of pages whose frames are alone(), which the first that is not ends.
    template <class Alone>
    void thaw_at(VirtAddr at, unsigned count, Protection rights, Alone&& alone);
    // Another frame, or other rights, for a small page that is there. TLBs are the caller's business.
    void change(VirtAddr at, PhysAddr frame, Protection protection, Visibility visibility);
    // Where the entry for `at` ends, or `end` if that is nearer.
    [[nodiscard]] static VirtAddr next(VirtAddr at, unsigned level, VirtAddr end) {
        const VirtAddr after{round_down(at.raw(), span(level)) + span(level)};
        return after < end ? after : end;
    }

    // Over the leaves of a range whose ends are leaf boundaries. At most `budget` entries are visited; the
    // address returned is where to go on. `flush` is set when a TLB may hold what was changed. Holes are
    // passed over; a table that lies in a hole as a whole, or above one, may stay until the space ends.
    [[nodiscard]] VirtAddr show(VirtRange range, unsigned budget);
    // `begin`: where the hiding of these pages began, at or below the range.
    [[nodiscard]] VirtAddr hide(VirtRange range, VirtAddr begin, unsigned budget, bool& flush);
    [[nodiscard]] VirtAddr protect(VirtRange range, Protection protection, unsigned budget, bool& flush);
    // Clears hidden leaves and gives empty hidden tables back; the frames too if they are `owned`. `dead`: no
    // MMU uses this table any more, so that present entries go the same way.
    [[nodiscard]] VirtAddr reap(VirtRange range, unsigned budget, bool owned, bool dead);

    // For inspection: `visit(at, level, entry, above)` for each entry of its own that is not empty, a table's
    // before those in it; `above`: the entry that leads to the table, 0 for the root. Of a table with fixed
    // entries these are in the upper half and below them, else in the lower half.
    template <class Visit>
    void for_each_entry(Visit&& visit) const {
        constexpr unsigned half = G::entries / 2;
        const bool upper = fixed_ != G::most_levels;
        const VirtAddr begin{upper ? ~uword{0} << (page_bits + (top() + 1) * G::bits_per_level - 1) : 0};
        for_each_entry_in(root_, begin, top(), 0, upper ? half : 0, visit);
    }

  private:
    template <class Visit>
    void for_each_entry_in(PhysAddr table, VirtAddr at, unsigned level, u64 above, unsigned first,
                           Visit& visit) const;

    // The entries passed on the way to an address, by level, down to the one that is empty or a leaf.
    struct Path {
        std::array<u64*, G::most_levels> entry;
        unsigned level;
    };

    // relaxed: writers hold the owner's lock; the MMU needs whole entries and the order that insert() makes
    [[nodiscard]] static u64 load(u64* entry) {
        return std::atomic_ref{*entry}.load(std::memory_order_relaxed);
    }
    static void store(u64* entry, u64 value) {
        // relaxed: as load()
        std::atomic_ref{*entry}.store(value, std::memory_order_relaxed);
    }
    // release: what the entry leads to was written before; pairs with the address dependency of a walk
    static void publish(u64* entry, u64 value) {
        std::atomic_ref{*entry}.store(value, std::memory_order_release);
    }
    [[nodiscard]] static u64 hidden(u64 entry) { return entry & ~G::bit_present; }
    [[nodiscard]] static u64 shown(u64 entry) { return entry | G::bit_present; }
    [[nodiscard]] static u64 make_leaf(PhysAddr frame, Protection protection, unsigned level,
                                       Visibility visibility) {
        // A page without any access stays hidden: the MMU of most machines has no other way to say it.
        const bool visible = visibility == Visibility::shown && allows(protection, Protection::read);
        const u64 entry = G::make_leaf(frame, protection | Protection::read, level);
        return visible ? entry : hidden(entry);
    }
    [[nodiscard]] static unsigned index(VirtAddr at, unsigned level) {
        return static_cast<unsigned>(at.raw() >> (page_bits + level * G::bits_per_level)) & (G::entries - 1);
    }
    // `after` is the last of the range, or the first that the table of `level` does not map.
    [[nodiscard]] static bool leaves_table(VirtAddr after, VirtAddr end, unsigned level) {
        return after == end || level == top() || (after.raw() & (span(level + 1) - 1)) == 0;
    }

    [[nodiscard]] [[gnu::noinline]] Path walk(VirtAddr at) const; // one copy: the text budget
    [[nodiscard]] Status take_tables(std::array<PhysAddr, G::most_levels>& tables, unsigned count);
    // Whether an entry of the table has one of the bits. Eight at a time: it runs with interrupts off.
    [[nodiscard]] static bool any_of_table(PhysAddr table, u64 bits);
    static void show_tables(const Path& path);
    [[nodiscard]] static bool hidden_before(const Path& path, VirtAddr begin, VirtAddr at);
    void hide_tables(const Path& path, bool& flush);
    void free_tables(const Path& path, bool dead);

    PhysAddr root_;
    PageAccount* account_{};
    unsigned fixed_{}; // the level from which on no table is taken out
};

template <class G>
template <class Visit>
void PageTableOf<G>::for_each_entry_in(PhysAddr table, VirtAddr at, unsigned level, u64 above, unsigned first,
                                       Visit& visit) const {
    const unsigned count = level == top() ? G::entries / 2 : G::entries;
    for (unsigned i = first; i < first + count; ++i, at = at + span(level)) {
        u64& entry = machine::direct<u64>(table)[i];
        if (entry == 0) continue;
        if (level < fixed_) visit(at, level, entry, above);
        if (!G::leaf(entry, level)) for_each_entry_in(G::address(entry), at, level - 1, entry, 0, visit);
    }
}

template <class G>
auto PageTableOf<G>::walk(VirtAddr at) const -> Path {
    Path path{};
    PhysAddr table = root_;
    for (unsigned level = top();; --level) {
        u64* const entry = machine::direct<u64>(table) + index(at, level);
        path.entry[level] = entry;
        path.level = level;
        const u64 value = load(entry);
        if (value == 0 || G::leaf(value, level)) return path;
        table = G::address(value);
    }
}

template <class G>
Status PageTableOf<G>::take_tables(std::array<PhysAddr, G::most_levels>& tables, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const Result<PhysAddr> table = account_->take(0);
        if (!table.ok()) {
            while (i > 0) account_->give_back(tables[--i], 0);
            return table.status();
        }
        tables[i] = table.value();
        zero_frames(tables[i], 0);
    }
    return Status::ok;
}

template <class G>
Status PageTableOf<G>::insert(VirtAddr at, PhysAddr frame, Protection protection, unsigned level,
                              Visibility visibility) {
    const Path path = walk(at);
    if (path.level < level || load(path.entry[path.level]) != 0) return Status::overlap;

    // The missing tables are linked to each other from the bottom up and to the tree last, all hidden: the
    // MMU never sees one that is not complete.
    std::array<PhysAddr, G::most_levels> tables{};
    const unsigned missing = path.level - level;
    if (const Status status = take_tables(tables, missing); status != Status::ok) return status;
    Path whole = path;
    whole.level = level;
    u64 entry = make_leaf(frame, protection, level, visibility);
    for (unsigned i = 0; i < missing; ++i) {
        u64* const slot = machine::direct<u64>(tables[i]) + index(at, level + i);
        store(slot, entry);
        whole.entry[level + i] = slot;
        entry = hidden(G::make_table(tables[i]));
    }
    publish(path.entry[path.level], entry);
    if (G::present(load(whole.entry[level]))) show_tables(whole);
    return Status::ok;
}

template <class G>
bool PageTableOf<G>::any_of_table(PhysAddr table, u64 bits) {
    constexpr unsigned together = 8;
    u64* const entries = machine::direct<u64>(table);
    for (unsigned i = 0; i < G::entries; i += together) {
        u64 all = 0;
        for (unsigned j = 0; j < together; ++j) all |= load(entries + i + j);
        if ((all & bits) != 0) return true;
    }
    return false;
}

template <class G>
void PageTableOf<G>::show_tables(const Path& path) {
    for (unsigned level = path.level + 1; level <= top(); ++level) {
        const u64 entry = load(path.entry[level]);
        if (!G::present(entry)) publish(path.entry[level], shown(entry));
    }
}

template <class G>
Status PageTableOf<G>::split(VirtAddr at, bool owned) {
    for (;;) {
        const Path path = walk(at);
        const unsigned level = path.level;
        const u64 leaf = load(path.entry[level]);
        if (leaf == 0 || level == 0 || (at.raw() & (span(level) - 1)) == 0) return Status::ok;
        std::array<PhysAddr, G::most_levels> tables{};
        if (const Status status = take_tables(tables, 1); status != Status::ok) return status;
        if (owned) split_frames(G::address(leaf), order(level));
        const bool visible = G::present(leaf);
        const Visibility visibility = visible ? Visibility::shown : Visibility::hidden;
        u64* const entries = machine::direct<u64>(tables[0]);
        for (unsigned i = 0; i < G::entries; ++i) {
            const PhysAddr frame = G::address(leaf) + i * span(level - 1);
            store(entries + i, make_leaf(frame, G::protection(leaf), level - 1, visibility));
        }
        const u64 table = G::make_table(tables[0]);
        // release: as in insert(). No flush: the translations are the same, and invalidating any page of the
        // old leaf drops all of it.
        publish(path.entry[level], visible ? table : hidden(table));
    }
}

template <class G>
std::optional<Translation> PageTableOf<G>::translate(VirtAddr at) const {
    const Path path = walk(at);
    const u64 entry = load(path.entry[path.level]);
    if (!G::present(entry)) return std::nullopt;
    const uword size = span(path.level);
    return Translation{G::address(entry) + (at.raw() & (size - 1)), G::protection(entry), size};
}

template <class G>
std::optional<PhysAddr> PageTableOf<G>::frame_at(VirtAddr at) const {
    const Path path = walk(at);
    const u64 entry = load(path.entry[path.level]);
    if (entry == 0) return std::nullopt;
    return G::address(entry) + (at.raw() & (span(path.level) - 1));
}

template <class G>
PageSlot PageTableOf<G>::look(VirtAddr at) const {
    const Path path = walk(at);
    const u64 entry = load(path.entry[path.level]);
    if (entry == 0) return {.level = path.level};
    const uword offset = at.raw() & (span(path.level) - 1) & ~(page_size - 1);
    return {true, G::present(entry), path.level, G::address(entry) + offset, G::protection(entry)};
}

template <class G>
template <Protection Need>
unsigned PageTableOf<G>::frames_at(VirtAddr at, unsigned count, PhysAddr* frames) const {
    const auto fits = [](u64 entry) {
        return G::present(entry) && (G::protection(entry) & (Need | Protection::device)) == Need;
    };
    const Path path = walk(at);
    u64* entry = path.entry[path.level];
    unsigned found = 0;
    if (path.level != 0) {
        const unsigned first = index(at, 0);
        for (; found < count && found < G::entries - first && fits(load(entry)); ++found)
            frames[found] = G::address(load(entry)) + (first + found) * page_size;
        return path.level == 1 ? found : 0;
    }
    const unsigned left = G::entries - index(at, 0);
    for (; found < count && found < left && fits(load(entry)); ++found)
        frames[found] = G::address(load(entry++));
    return found;
}

template <class G>
template <class Share>
unsigned PageTableOf<G>::freeze_at(VirtAddr at, unsigned count, PhysAddr* frames, bool& flush,
                                   Share&& share) {
    constexpr Protection wanted = Protection::user | Protection::read, never = Protection::device;
    const Path path = walk(at);
    if (path.level != 0) return 0;
    u64* entry = path.entry[0];
    const unsigned left = G::entries - index(at, 0), most = count < left ? count : left;
    unsigned done = 0;
    for (; done < most; ++done, ++entry) {
        const u64 before = load(entry);
        const Protection rights = G::protection(before);
        if (!G::present(before) || (rights & (wanted | never)) != wanted) break;
        const PhysAddr frame = G::address(before);
        const bool common = allows(rights, Protection::copy);
        if (!share(frame, common)) break;
        frames[done] = frame;
        if (common) continue;
        flush = flush || allows(rights, Protection::write);
        store(entry, make_leaf(frame, rights | Protection::copy, 0, Visibility::shown));
    }
    return done;
}

template <class G>
template <class Alone>
void PageTableOf<G>::thaw_at(VirtAddr at, unsigned count, Protection rights, Alone&& alone) {
    const Path path = walk(at);
    if (path.level != 0) return;
    u64* entry = path.entry[0];
    const unsigned left = G::entries - index(at, 0), most = count < left ? count : left;
    for (unsigned i = 0; i < most; ++i, ++entry) {
        const u64 before = load(entry);
        if (!G::present(before) || !allows(G::protection(before), Protection::copy)) return;
        if (!alone(G::address(before))) return;
        store(entry, make_leaf(G::address(before), rights, 0, Visibility::shown));
    }
}

template <class G>
void PageTableOf<G>::change(VirtAddr at, PhysAddr frame, Protection protection, Visibility visibility) {
    const Path path = walk(at);
    const u64 entry = make_leaf(frame, protection, 0, visibility);
    // release: the frame was filled before; pairs with the address dependency of a walk
    publish(path.entry[0], entry);
    if (G::present(entry)) show_tables(path);
}

template <class G>
VirtAddr PageTableOf<G>::show(VirtRange range, unsigned budget) {
    VirtAddr at = range.begin;
    for (; at < range.end && budget != 0; --budget) {
        const Path path = walk(at);
        u64* const leaf = path.entry[path.level];
        if (const u64 entry = load(leaf); entry != 0) {
            store(leaf, shown(entry));
            show_tables(path);
        }
        at = next(at, path.level, range.end);
    }
    return at;
}

template <class G>
VirtAddr PageTableOf<G>::hide(VirtRange range, VirtAddr begin, unsigned budget, bool& flush) {
    VirtAddr at = range.begin;
    for (; at < range.end && budget != 0; --budget) {
        const Path path = walk(at);
        u64* const leaf = path.entry[path.level];
        const u64 entry = load(leaf);
        const VirtAddr here = at;
        at = next(at, path.level, range.end);
        if (G::present(entry)) {
            store(leaf, hidden(entry));
            flush = true;
        }
        if (!leaves_table(at, range.end, path.level)) continue;
        if (entry != 0 || hidden_before(path, begin, here)) hide_tables(path, flush);
    }
    return at;
}

// Whether the table of small pages that ends in a hole holds a page of the operation: only then may it hide
// the table, which nobody frees before the operation itself takes that page out, after its flush.
template <class G>
bool PageTableOf<G>::hidden_before(const Path& path, VirtAddr begin, VirtAddr at) {
    if (path.level != 0) return false;
    const VirtAddr table{round_down(at.raw(), span(1))};
    u64* const last = path.entry[0];
    u64* first = last - index(at, 0);
    if (begin > table) first += index(begin, 0);
    for (; first < last; ++first) {
        if (load(first) != 0) return true;
    }
    return false;
}

template <class G>
void PageTableOf<G>::hide_tables(const Path& path, bool& flush) {
    for (unsigned level = path.level + 1; level <= top() && level < fixed_; ++level) {
        const u64 entry = load(path.entry[level]);
        if (any_of_table(G::address(entry), G::bit_present)) return;
        if (!G::present(entry)) continue;
        store(path.entry[level], hidden(entry));
        flush = true;
    }
}

template <class G>
VirtAddr PageTableOf<G>::protect(VirtRange range, Protection protection, unsigned budget, bool& flush) {
    VirtAddr at = range.begin;
    for (; at < range.end && budget != 0; --budget) {
        const Path path = walk(at);
        u64* const leaf = path.entry[path.level];
        if (const u64 before = load(leaf); before != 0) {
            const Protection kept = G::protection(before) & Protection::copy;
            const u64 after = make_leaf(G::address(before), protection | kept, path.level, Visibility::shown);
            store(leaf, after);
            // Wider rights are flushed too: a stale entry would make an access fault that is allowed now.
            if (G::present(before) && before != after) flush = true;
            if (G::present(after)) show_tables(path);
        }
        at = next(at, path.level, range.end);
    }
    return at;
}

template <class G>
VirtAddr PageTableOf<G>::reap(VirtRange range, unsigned budget, bool owned, bool dead) {
    VirtAddr at = range.begin;
    for (; at < range.end && budget != 0; --budget) {
        const Path path = walk(at);
        u64* const leaf = path.entry[path.level];
        const u64 entry = load(leaf);
        at = next(at, path.level, range.end);
        if (entry != 0) {
            store(leaf, 0);
            if (owned) account_->give_back(G::address(entry), order(path.level));
        }
        if (leaves_table(at, range.end, path.level)) free_tables(path, dead);
    }
    return at;
}

template <class G>
void PageTableOf<G>::free_tables(const Path& path, bool dead) {
    for (unsigned level = path.level + 1; level <= top() && level < fixed_; ++level) {
        const u64 entry = load(path.entry[level]);
        if (G::present(entry) && !dead) return;
        if (any_of_table(G::address(entry), ~u64{0})) return;
        store(path.entry[level], 0);
        account_->give_back(G::address(entry), 0);
    }
}

using PageTable = PageTableOf<machine::PageTableGeometry>;
extern template class PageTableOf<machine::PageTableGeometry>;

} // namespace chorale
