// Enumerates executions and checks each against the axioms. Not instrumented.
#include "tests/weak/axioms.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace chorale::weak::test {

namespace {

constexpr unsigned most_events = 32;

// On events, which are numbered; event 0 is the initial store to every location.
class Relation {
  public:
    void add(unsigned from, unsigned to) { rows_[from] |= 1u << to; }
    [[nodiscard]] bool has(unsigned from, unsigned to) const { return (rows_[from] >> to & 1) != 0; }
    [[nodiscard]] bool irreflexive() const {
        for (unsigned i = 0; i < most_events; ++i) {
            if (has(i, i)) return false;
        }
        return true;
    }
    // Transitive closure.
    [[nodiscard]] Relation closed() const {
        Relation result = *this;
        for (unsigned via = 0; via < most_events; ++via) {
            for (unsigned i = 0; i < most_events; ++i) {
                if (result.has(i, via)) result.rows_[i] |= result.rows_[via];
            }
        }
        return result;
    }
    [[nodiscard]] Relation reflexive() const {
        Relation result = *this;
        for (unsigned i = 0; i < most_events; ++i) result.add(i, i);
        return result;
    }
    // First one, then the other.
    friend Relation operator*(const Relation& first, const Relation& second) {
        Relation result;
        for (unsigned i = 0; i < most_events; ++i) {
            for (unsigned via = 0; via < most_events; ++via) {
                if (first.has(i, via)) result.rows_[i] |= second.rows_[via];
            }
        }
        return result;
    }
    friend Relation operator|(Relation first, const Relation& second) {
        for (unsigned i = 0; i < most_events; ++i) first.rows_[i] |= second.rows_[i];
        return first;
    }

  private:
    std::array<std::uint32_t, most_events> rows_{};
};

// Goes through all executions, consistent or not.
class Checker {
  public:
    explicit Checker(const Program& program);
    [[nodiscard]] std::set<Execution> all();

  private:
    struct Event {
        Step step;
        unsigned cpu;
        bool succeeds; // if it is a compare-exchange
    };

    // The identity on the events that satisfy the condition.
    template <class F>
    [[nodiscard]] Relation those(F&& condition) const {
        Relation result;
        for (unsigned i = 0; i < events_.size(); ++i) {
            if (condition(events_[i])) result.add(i, i);
        }
        return result;
    }
    [[nodiscard]] Relation with_order(std::initializer_list<Order> orders) const {
        return those([&](const Event& event) {
            const bool failed = event.step.access == Access::compare_exchange && !event.succeeds;
            return std::ranges::find(orders, failed ? event.step.failure : event.step.order) != orders.end();
        });
    }
    void choose_success(unsigned event);
    void choose_order(unsigned location);
    void choose_stores(unsigned event);
    void choose_store(unsigned event, unsigned store);
    void check();
    [[nodiscard]] Relation synchronises_with(const Relation& reads_from) const;
    [[nodiscard]] bool racy(const Relation& before) const;

    std::vector<Event> events_;
    unsigned locations_ = 0;
    Relation program_order_;
    Execution now_;
    std::set<Execution> found_;
};

bool reads(Access access) {
    return access == Access::load || access == Access::exchange || access == Access::compare_exchange;
}

Checker::Checker(const Program& program) {
    events_.push_back({{Access::store}, 0, false});
    for (unsigned cpu = 0; cpu < program.size(); ++cpu) {
        for (const Step& step : program[cpu]) {
            events_.push_back({step, cpu, false});
            locations_ = std::max(locations_, step.location + 1);
        }
    }
    if (events_.size() > most_events) throw std::length_error{"a program of too many steps"};
    for (unsigned i = 1; i < events_.size(); ++i) {
        program_order_.add(0, i);
        for (unsigned j = i + 1; j < events_.size(); ++j) {
            if (events_[i].cpu == events_[j].cpu) program_order_.add(i, j);
        }
    }
}

std::set<Execution> Checker::all() {
    now_.sees.assign(events_.size(), 0);
    choose_success(1);
    return found_;
}

void Checker::choose_success(unsigned event) {
    if (event == events_.size()) {
        now_.order.clear();
        choose_order(0);
        return;
    }
    choose_success(event + 1);
    if (events_[event].step.access != Access::compare_exchange) return;
    events_[event].succeeds = true;
    choose_success(event + 1);
    events_[event].succeeds = false;
}

bool writes(Access access, bool succeeds) {
    return access == Access::store || access == Access::exchange ||
           (access == Access::compare_exchange && succeeds);
}

void Checker::choose_order(unsigned location) {
    if (location == locations_) {
        choose_stores(1);
        return;
    }
    std::vector<unsigned> stores;
    for (unsigned i = 1; i < events_.size(); ++i) {
        const Event& event = events_[i];
        if (writes(event.step.access, event.succeeds) && event.step.location == location) stores.push_back(i);
    }
    if (stores.empty()) {
        choose_order(location + 1);
        return;
    }
    do {
        now_.order[location] = stores;
        choose_order(location + 1);
    } while (std::ranges::next_permutation(stores).found);
}

void Checker::choose_stores(unsigned event) {
    if (event == events_.size()) {
        check();
        return;
    }
    now_.sees[event] = 0;
    const Step& step = events_[event].step;
    const auto stored = now_.order.find(step.location);
    if (!reads(step.access) || stored == now_.order.end()) {
        choose_store(event, 0);
        return;
    }
    const std::vector<unsigned>& order = stored->second;
    // An exchange sees its predecessor in the modification order, and nothing else: atomicity.
    const auto own = std::ranges::find(order, event);
    if (own != order.end()) {
        choose_store(event, own == order.begin() ? 0 : *(own - 1));
        return;
    }
    choose_store(event, 0);
    for (const unsigned store : order) choose_store(event, store);
}

void Checker::choose_store(unsigned event, unsigned store) {
    const Event& it = events_[event];
    const bool compares = it.step.access == Access::compare_exchange;
    if (compares && (store == it.step.expected) != it.succeeds) return;
    now_.sees[event] = store;
    choose_stores(event + 1);
}

// A release sequence is a store and the exchanges that see it, or one another after it. Fences stand for the
// stores after, and the loads before, them.
Relation Checker::synchronises_with(const Relation& reads_from) const {
    const Relation stores =
        those([](const Event& event) { return writes(event.step.access, event.succeeds); });
    const Relation exchanges = stores * those([](const Event& event) { return reads(event.step.access); });
    const Relation fences = those([](const Event& event) { return event.step.access == Access::fence; });
    const Relation releases = with_order({Order::release, Order::acquire_release, Order::sequential});
    const Relation acquires = with_order({Order::acquire, Order::acquire_release, Order::sequential});
    const Relation sequence = stores * (reads_from * exchanges).closed().reflexive();
    return releases * (fences * program_order_).reflexive() * sequence * reads_from *
           (program_order_ * fences).reflexive() * acquires;
}

bool Checker::racy(const Relation& before) const {
    for (unsigned i = 1; i < events_.size(); ++i) {
        for (unsigned j = i + 1; j < events_.size(); ++j) {
            const Step &one = events_[i].step, &other = events_[j].step;
            const bool plain = one.access <= Access::write && other.access <= Access::write;
            const bool conflict = one.access == Access::write || other.access == Access::write;
            if (plain && conflict && one.location == other.location && !before.has(i, j) &&
                !before.has(j, i)) {
                return true;
            }
        }
    }
    return false;
}

void Checker::check() {
    Relation reads_from, modified_before, read_before;
    for (const auto& [location, stores] : now_.order) {
        for (auto i = stores.begin(); i != stores.end(); ++i) {
            modified_before.add(0, *i);
            for (auto j = i + 1; j != stores.end(); ++j) modified_before.add(*i, *j);
        }
    }
    for (unsigned i = 1; i < events_.size(); ++i) {
        if (!reads(events_[i].step.access)) continue;
        reads_from.add(now_.sees[i], i);
        const auto stored = now_.order.find(events_[i].step.location);
        if (stored == now_.order.end()) continue;
        for (const unsigned store : stored->second) {
            if (store != i && modified_before.has(now_.sees[i], store)) read_before.add(i, store);
        }
    }
    const Relation before = (program_order_ | synchronises_with(reads_from)).closed();
    const Relation coherence_ordered = (reads_from | modified_before | read_before).closed();
    if (!before.irreflexive() || !coherence_ordered.irreflexive()) return;
    if (!(before * coherence_ordered).irreflexive()) return;
    const Relation sequential = with_order({Order::sequential});
    const Relation fence =
        sequential * those([](const Event& event) { return event.step.access == Access::fence; });
    const Relation one_order =
        (sequential | fence * before) * coherence_ordered * (sequential | before * fence);
    // One order of execution for everything.
    if (!(program_order_ | reads_from | modified_before | one_order).closed().irreflexive()) return;
    now_.racy = racy(before);
    found_.insert(now_);
}

} // namespace

std::set<Execution> consistent_executions(const Program& program) { return Checker{program}.all(); }

} // namespace chorale::weak::test
