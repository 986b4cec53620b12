// liburcu's rculfhash, which does for others what the table of ports by name (kernel/ipc/port.cpp) does for
// the nucleus: look-ups without a lock beside writers, memory that is freed after a grace period. Keys,
// entries, their number and the order of the look-ups are those of host.port.find.*: names of 128 bits, of
// which 64 are random and so the hash; each look-up waits for what the one before found. The reader is of the
// kind that costs least there (QSBR).
#include "bench/host/meter.hpp"
#include "bench/host/structures.hpp"

#include "kernel/ipc/port.hpp"

#define _LGPL_SOURCE
#include <urcu/urcu-qsbr.h>

#include <urcu/rculfhash.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 1024;

// As large as a port, and where a port is in memory decides how fast it is there.
struct alignas(Port) Entry {
    cds_lfht_node node; // first
    KnUniqueId name;
    u64 zero;
    std::byte more[sizeof(Port) - sizeof(cds_lfht_node) - sizeof(KnUniqueId) - sizeof(u64)];
};
static_assert(sizeof(Entry) == sizeof(Port));

int same_name(cds_lfht_node* node, const void* key) {
    const auto& name = reinterpret_cast<const Entry*>(node)->name;
    const auto& wanted = *static_cast<const KnUniqueId*>(key);
    return static_cast<int>(name.uiHead == wanted.uiHead && name.uiTail == wanted.uiTail);
}

class Table {
  public:
    explicit Table(unsigned count) : entries_(count) {
        urcu_qsbr_register_thread();
        table_ = cds_lfht_new_flavor(count, count, 0, 0, &urcu_qsbr_flavor, nullptr);
        if (table_ == nullptr) throw std::runtime_error{"no rculfhash"};
        Random random;
        for (Entry& entry : entries_) {
            cds_lfht_node_init(&entry.node);
            entry.name = {random.next(), random.next() << 32 ^ random.next()};
            cds_lfht_add(table_, entry.name.uiTail, &entry.node);
        }
    }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table() {
        for (Entry& entry : entries_) cds_lfht_del(table_, &entry.node);
        urcu_qsbr_synchronize_rcu();
        urcu_qsbr_unregister_thread(); // cds_lfht_destroy() asks for it
        cds_lfht_destroy(table_, nullptr);
    }
    [[nodiscard]] Entry* find(const KnUniqueId& name) const {
        cds_lfht_iter found;
        cds_lfht_lookup(table_, name.uiTail, same_name, &name, &found);
        return reinterpret_cast<Entry*>(cds_lfht_iter_get_node(&found));
    }
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  private:
    std::vector<Entry> entries_;
    cds_lfht* table_;
};

void measure_find(benchmark::State& state, unsigned count) {
    Table table{count};
    std::vector<KnUniqueId> names;
    for (const unsigned i : Random{}.permutation(count)) names.push_back(table.entries()[i].name);
    const u64 none = unknown(u64{0});
    Entry* found = table.find(names[0]);
    std::size_t next = 0;
    measure(state, operations, [&](unsigned) {
        found = table.find({names[next].uiHead + (found->zero & none), names[next].uiTail});
        next = next + 1 == names.size() ? 0 : next + 1;
    });
    keep(found);
}

} // namespace

void add_peer_hash() {
    add("host.rculfhash.find.n1", [](benchmark::State& state) { measure_find(state, 1); });
    add("host.rculfhash.find.n4096", [](benchmark::State& state) { measure_find(state, 4096); });
}

} // namespace chorale::bench
