// Names: making them, finding ports by them, and the system environment.
#include "bench/host/meter.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/environment.hpp"
#include "kernel/core/names.hpp"
#include "kernel/ipc/port.hpp"

#include <stdexcept>
#include <vector>

namespace chorale::bench {

namespace {

constexpr unsigned operations = 1024;

// Actors full of ports; the same ones for all benchmarks, which tell how many they want.
class Population {
  public:
    void want(unsigned ports) {
        while (names_.size() > ports) remove();
        while (names_.size() < ports) make();
    }
    [[nodiscard]] const std::vector<KnUniqueId>& names() const { return names_; }
    // One that is not full.
    [[nodiscard]] Actor& actor() { return *actors_.back(); }

  private:
    void make() {
        if (names_.size() % Actor::port_limit == 0) {
            const Result<Actor*> made = create_actor("bench", K_USERACTOR, {});
            if (!made.ok()) throw std::runtime_error{"no actor could be made"};
            actors_.push_back(made.value());
            names_.push_back(made.value()->default_port->ui);
            return;
        }
        const Result<Port*> made = create_port(*actors_.back(), false);
        if (!made.ok()) throw std::runtime_error{"no port could be made"};
        names_.push_back(made.value()->ui);
    }
    // As deletion does when no thread is left and no other CPU could still look.
    void remove() {
        Port* port{};
        const auto li = static_cast<int>(find_port(names_.back())->li);
        Actor& actor = *actors_.back();
        if (!begin_port_deletion(actor, li, port)) throw std::runtime_error{"a port is gone"};
        free_port(*port);
        names_.pop_back();
        if (names_.size() % Actor::port_limit != 0) return;
        static_cast<void>(begin_actor_deletion(actor, actor));
        while (!actor.space.destroy_step()) {
        }
        free_actor(actor);
        actors_.pop_back();
    }

    std::vector<Actor*> actors_;
    std::vector<KnUniqueId> names_;
};

Population population;

// In the order in which they are looked up, and always from the start, so that the CPU fetches them ahead.
[[nodiscard]] std::vector<KnUniqueId> shuffled_names() {
    std::vector<KnUniqueId> names;
    for (const unsigned i : Random{}.permutation(static_cast<unsigned>(population.names().size())))
        names.push_back(population.names()[i]);
    return names;
}

// Each look-up waits for what the one before found, as when a call's target comes with a message.
class Chain {
  public:
    void find(const KnUniqueId& name) {
        found_ = find_port({name.uiHead + (found_->li & none_), name.uiTail});
    }
    explicit Chain(Port* first) : found_{first} {}

  private:
    Port* found_;
    const u64 none_ = unknown(u64{0});
};

void measure_find(benchmark::State& state, unsigned ports) {
    population.want(ports);
    const std::vector<KnUniqueId> names = shuffled_names();
    Chain chain{find_port(names[0])};
    unsigned next = 0;
    measure(state, operations, [&](unsigned) {
        chain.find(names[next]);
        next = next + 1 == names.size() ? 0 : next + 1;
    });
    keep(chain);
}

// Between two batches so much other memory is read that little of table and ports is left in the CPU's own
// caches; whether it is in a shared one is the machine's affair.
constexpr unsigned cold_operations = 64;

void measure_find_cold(benchmark::State& state) {
    constexpr std::size_t others = std::size_t{8} << 20;
    population.want(port_buckets);
    const std::vector<KnUniqueId> names = shuffled_names();
    static std::vector<u8> other_memory(others, 1);
    Chain chain{find_port(names[0])};
    std::size_t next = 0;
    measure(
        state, cold_operations,
        [&] {
            u64 sum = 0;
            for (std::size_t at = 0; at < others; at += cache_line) sum += other_memory[at];
            keep(sum);
        },
        [&](unsigned) {
            chain.find(names[next]);
            next = next + 1 == names.size() ? 0 : next + 1;
        },
        [] {});
    keep(chain);
}

void measure_create_delete(benchmark::State& state, unsigned ports) {
    population.want(ports);
    Actor& actor = population.actor();
    bool done = true;
    measure(state, operations / 4, [&](unsigned) {
        const Result<Port*> made = create_port(actor, false);
        Port* port{};
        done = done && made.ok() && begin_port_deletion(actor, static_cast<int>(made.value()->li), port);
        if (done) free_port(*port);
    });
    if (!done) state.SkipWithError("a port could not be made or deleted");
}

void measure_environment(benchmark::State& state, unsigned entries, bool present) {
    const auto name_of = [](unsigned i) { return "variable." + std::to_string(i); };
    Status status = Status::ok;
    for (unsigned i = 0; i < entries; ++i) {
        if (environment::set(name_of(i), "value of a usual length") != Status::ok) status = Status::no_memory;
    }
    char value[K_ENVVALUEMAX];
    const std::string wanted = present ? name_of(entries - 1) : "absent";
    measure(state, operations / 4, [&](unsigned) {
        const Result<unsigned> size = environment::get(wanted, value);
        if (size.ok() != present) status = Status::fail;
        keep(value);
    });
    for (unsigned i = 0; i < entries; ++i) static_cast<void>(environment::unset(name_of(i)));
    if (status != Status::ok) state.SkipWithError("the environment did not hold what was put into it");
}

} // namespace

void add_names() {
    add("host.name.make_key",
        [](benchmark::State& state) { measure(state, operations, [](unsigned) { keep(make_key()); }); });
    add("host.name.make_name", [](benchmark::State& state) {
        measure(state, operations, [](unsigned i) { keep(make_name(NameKind::port, i)); });
    });
    add("host.port.find.n1", [](benchmark::State& state) { measure_find(state, 1); });
    add("host.port.find.n4096", [](benchmark::State& state) { measure_find(state, port_buckets); });
    add("host.port.find_cold.n4096", measure_find_cold, 32 * cold_operations);
    add("host.port.create_delete.n1", [](benchmark::State& state) { measure_create_delete(state, 1); });
    add("host.port.create_delete.n4000", [](benchmark::State& state) { measure_create_delete(state, 4000); });
    add("host.environment.get.n1", [](benchmark::State& state) { measure_environment(state, 1, true); });
    add("host.environment.get.n192",
        [](benchmark::State& state) { measure_environment(state, environment::entry_limit, true); });
    add("host.environment.get_absent.n192",
        [](benchmark::State& state) { measure_environment(state, environment::entry_limit, false); });
}

} // namespace chorale::bench
