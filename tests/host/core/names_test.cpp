// Names and keys: the unpredictable part is SipHash-2-4 of a counter, held against a reference that is itself
// held against the vectors of the algorithm's paper.
#include "kernel/core/names.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <set>
#include <span>
#include <thread>
#include <vector>

namespace chorale {
namespace {

class SipReference {
  public:
    SipReference(u64 low, u64 high)
        : v_{low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d, low ^ 0x6c7967656e657261,
             high ^ 0x7465646279746573} {}

    [[nodiscard]] u64 operator()(std::span<const u8> bytes) && {
        std::size_t at = 0;
        for (; at + 8 <= bytes.size(); at += 8) {
            u64 word;
            std::memcpy(&word, bytes.data() + at, 8);
            compress(word);
        }
        u64 last = u64{bytes.size()} << 56;
        for (unsigned i = 0; at + i < bytes.size(); ++i) last |= u64{bytes[at + i]} << (8 * i);
        compress(last);
        v_[2] ^= 0xff;
        rounds(4);
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

  private:
    void compress(u64 word) {
        v_[3] ^= word;
        rounds(2);
        v_[0] ^= word;
    }
    void half(unsigned a, unsigned b, int turn) {
        v_[a] += v_[b];
        v_[b] = std::rotl(v_[b], turn) ^ v_[a];
    }
    void rounds(int count) {
        for (; count != 0; --count) {
            half(0, 1, 13);
            half(2, 3, 16);
            v_[0] = std::rotl(v_[0], 32);
            half(2, 1, 17);
            half(0, 3, 21);
            v_[2] = std::rotl(v_[2], 32);
        }
    }
    u64 v_[4];
};

// Key 00 01 … 0f; message 00 01 … (n - 1): the published outputs for n = 0, 1, 7, 8, 15.
constexpr u64 vector_low = 0x0706050403020100, vector_high = 0x0f0e0d0c0b0a0908;

TEST(Names, TheReferenceIsSipHash) {
    u8 message[16];
    for (u8 i = 0; i < 16; ++i) message[i] = i;
    const auto hash = [&](std::size_t size) {
        return SipReference{vector_low, vector_high}({message, size});
    };
    EXPECT_EQ(hash(0), 0x726fdb47dd0e0e31u);
    EXPECT_EQ(hash(1), 0x74f839c593dc67fdu);
    EXPECT_EQ(hash(7), 0xab0200f58b01d137u);
    EXPECT_EQ(hash(8), 0x93f5f5799a932462u);
    EXPECT_EQ(hash(15), 0xa129ca6149be45e5u);
}

[[nodiscard]] u64 reference(u64 low, u64 high, u64 counter) {
    u8 bytes[8];
    std::memcpy(bytes, &counter, 8);
    return SipReference{low, high}(bytes);
}

TEST(Names, KeysAreSipHashOfACounter) {
    init_names(vector_low, vector_high);
    const u64 first = make_key();
    // Other tests have drawn keys before: find the place.
    u64 counter = 0;
    while (counter < 10'000'000 && reference(vector_low, vector_high, counter) != first) ++counter;
    ASSERT_EQ(reference(vector_low, vector_high, counter), first);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(make_key(), reference(vector_low, vector_high, ++counter));
}

TEST(Names, AnotherSeedGivesOtherKeys) {
    std::set<u64> keys;
    for (const u64 seed : {u64{1}, u64{2}, u64{3}}) {
        init_names(seed, 0);
        for (int i = 0; i < 10'000; ++i) keys.insert(make_key());
        init_names(0, seed);
        for (int i = 0; i < 10'000; ++i) keys.insert(make_key());
    }
    EXPECT_EQ(keys.size(), 60'000u);
}

TEST(Names, TheHeadTellsKindAndBucket) {
    for (const u64 bucket : {u64{0}, u64{1}, u64{0x800}, u64{4095}}) {
        const KnUniqueId port = make_name(NameKind::port, bucket);
        const KnUniqueId actor = make_name(NameKind::actor, bucket);
        EXPECT_EQ(kind_of(port), NameKind::port);
        EXPECT_EQ(kind_of(actor), NameKind::actor);
        EXPECT_EQ(bucket_of(port.uiHead), bucket);
        EXPECT_NE(port.uiHead, actor.uiHead);
    }
}

TEST(Names, KeysBelongToTheirNames) {
    init_names(1, 2);
    const KnUniqueId name = make_name(NameKind::group, 0);
    const u64 key = key_of(name);
    EXPECT_EQ(key_of(name), key);
    for (unsigned bit = 0; bit < 64; ++bit) {
        EXPECT_NE(key_of({name.uiHead ^ u64{1} << bit, name.uiTail}), key);
        EXPECT_NE(key_of({name.uiHead, name.uiTail ^ u64{1} << bit}), key);
    }
    init_names(1, 3);
    EXPECT_NE(key_of(name), key);
}

TEST(Names, StaticNamesHaveTheSecondHalfOfTheBuckets) {
    const u64 half = u64{1} << (name_bucket_bits - 1);
    std::set<u64> buckets;
    for (u32 stamp = 0; stamp < half; ++stamp) {
        KnUniqueId name;
        ASSERT_EQ(uiBuild(&name, K_UIPORT, 5, stamp), K_OK);
        EXPECT_TRUE(is_declared(name) && !is_static_port(name));
        EXPECT_EQ(site_of(name), 5u);
        EXPECT_GE(bucket_of(name.uiHead), half);
        buckets.insert(bucket_of(name.uiHead));
    }
    EXPECT_EQ(buckets.size(), half) << "small stamps do not collide";
}

TEST(Names, NoTwoAreEqualThoughEveryCpuMakesThem) {
    constexpr unsigned threads = 4, each = 20'000;
    std::vector<std::vector<u64>> made(threads);
    std::vector<std::thread> makers;
    for (std::vector<u64>& mine : made) {
        makers.emplace_back([&mine] {
            for (unsigned i = 0; i < each; ++i) mine.push_back(make_name(NameKind::port, 7).uiTail);
        });
    }
    for (std::thread& maker : makers) maker.join();
    std::set<u64> all;
    for (const std::vector<u64>& mine : made) all.insert(mine.begin(), mine.end());
    EXPECT_EQ(all.size(), std::size_t{threads} * each);
}

} // namespace
} // namespace chorale
