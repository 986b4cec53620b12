// The unpredictable bits are SipHash-2-4 of a counter under the per-boot key: a keyed function that is known
// to be indistinguishable from random to whoever does not have the key, whatever names they have seen.
#include "kernel/core/names.hpp"

#include <atomic>
#include <bit>
#include <span>

namespace chorale {

namespace {

u64 key_low, key_high;
std::atomic<u64> counter;

constexpr unsigned site_shift = K_CUI_SITESHIFT, site_bits = 32;

[[nodiscard]] u64 sip_hash(std::span<const u64> message) {
    u64 v0 = key_low ^ 0x736f6d6570736575, v1 = key_high ^ 0x646f72616e646f6d;
    u64 v2 = key_low ^ 0x6c7967656e657261, v3 = key_high ^ 0x7465646279746573;
    const auto round = [&] {
        v0 += v1;
        v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    };
    const auto absorb = [&](u64 word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    };
    for (const u64 word : message) absorb(word);
    absorb(u64{message.size_bytes()} << 56); // the length, as the algorithm's last block
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
}

} // namespace

void init_names(u64 seed_low, u64 seed_high) {
    key_low = seed_low;
    key_high = seed_high;
}

u64 make_key() {
    // relaxed: each value is used once, in no order
    const u64 next[]{counter.fetch_add(1, std::memory_order_relaxed)};
    return sip_hash(next);
}

// Of two words, where the tails of names are of one: no tail is the key of another name.
u64 key_of(const KnUniqueId& name) {
    const u64 words[]{name.uiHead, name.uiTail};
    return sip_hash(words);
}

KnUniqueId make_name(NameKind kind, u64 bucket) {
    static_assert(site_shift + site_bits <= name_kind_shift && name_kind_shift + 4 <= 64 - name_bucket_bits);
    const u64 head = bucket << (64 - name_bucket_bits) | static_cast<u64>(kind) << name_kind_shift |
                     local_site << site_shift;
    return {.uiHead = head, .uiTail = make_key()};
}

} // namespace chorale
