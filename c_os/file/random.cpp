#include "c_os/file/random.hpp"
#include "c_os/base/bytes.hpp"

#include "c_os/base/sync.hpp"

#include <entropy.hpp>

extern "C" {
#include <bearssl_block.h>
#include <bearssl_hash.h>
}

namespace chorale::c_os {

namespace {

constexpr std::size_t key_size = 32;
static_assert(br_sha256_SIZE == key_size);

// So many requests later the machine is asked again.
constexpr u32 requests_per_stir = 1024;
constexpr unsigned machine_numbers = 8;
constexpr unsigned jitter_samples = 2048;

struct Generator {
    Mutex mutex;
    u8 key[key_size]{};
    u32 requests{};
};

constinit Generator generator;

// Not to be left out because nobody reads it afterwards.
void forget(void* memory, std::size_t size) {
    auto* const bytes = static_cast<volatile u8*>(memory);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = 0;
}

// The new key depends on the old one and on all of the other.
void mix(const void* from, std::size_t size) {
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, generator.key, key_size);
    br_sha256_update(&hash, from, size);
    br_sha256_out(&hash, generator.key);
    forget(&hash, sizeof hash);
}

[[nodiscard]] bool mix_machine_numbers() {
    u64 numbers[machine_numbers]{};
    bool all = true;
    for (u64& number : numbers) all = machine_random(number) && all;
    mix(numbers, sizeof numbers);
    forget(numbers, sizeof numbers);
    return all;
}

// How long the same few memory accesses take differs from time to time, by caches, interrupts, other CPUs.
// Whether it did: at least one in eight samples another value than the one before.
[[nodiscard]] bool mix_jitter() {
    static constinit u8 place[8192]{};
    unsigned changes = 0;
    u64 before = machine_ticks(), last = 0;
    for (unsigned i = 0; i < jitter_samples; ++i) {
        for (unsigned j = 0; j < 16; ++j) {
            auto& byte = const_cast<volatile u8&>(place[(before * 67 + j * 509) % sizeof place]);
            byte = static_cast<u8>(byte + j);
        }
        const u64 time = machine_ticks();
        const u64 sample[2] = {time, now()};
        mix(sample, sizeof sample);
        changes += time - before != last;
        last = time - before;
        before = time;
    }
    return changes >= jitter_samples / 8;
}

} // namespace

bool start_random() {
    const Lock lock{generator.mutex};
    const bool machine = mix_machine_numbers();
    const bool jitter = mix_jitter();
    return machine || jitter;
}

void add_entropy(const void* from, std::size_t size) {
    const u64 time = machine_ticks();
    const Lock lock{generator.mutex};
    mix(from, size);
    mix(&time, sizeof time);
}

RandomStream::RandomStream() {
    const Lock lock{generator.mutex};
    if (++generator.requests % requests_per_stir == 0) {
        const u64 time = machine_ticks();
        mix(&time, sizeof time);
        // Where the machine has none, what has been mixed in at the start has to do.
        if (!mix_machine_numbers()) mix(&time, sizeof time);
    }
    // Two blocks' worth of key stream: the generator's next key, and this request's.
    static constexpr u8 nonce[12]{};
    u8 keys[2 * key_size]{};
    br_chacha20_ct_run(generator.key, nonce, 0, keys, sizeof keys);
    copy_bytes(generator.key, keys, key_size);
    copy_bytes(key_, keys + key_size, key_size);
    forget(keys, sizeof keys);
}

RandomStream::~RandomStream() { forget(key_, sizeof key_); }

void RandomStream::generate(void* to, std::size_t size) {
    auto* at = static_cast<u8*>(to);
    clear_bytes(at, size);
    while (size != 0) {
        // Pieces of whole blocks, but for the last; a counter of 32 bits lasts for 256 GiB, and then another
        // nonce comes.
        const std::size_t part = size < 4096 ? size : 4096;
        u8 nonce[12]{};
        copy_bytes(nonce, &nonce_, sizeof nonce_);
        const u32 blocks = static_cast<u32>((part + 63) / 64);
        if (block_ > ~u32{0} - blocks) {
            block_ = 0;
            ++nonce_;
            continue;
        }
        block_ = br_chacha20_ct_run(key_, nonce, block_, at, part);
        at += part;
        size -= part;
    }
}

void random_bytes(void* to, std::size_t size) {
    RandomStream stream;
    stream.generate(to, size);
}

} // namespace chorale::c_os
