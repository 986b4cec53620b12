#include "fuzz/messages_plan.hpp"

#include <machine/mmu.hpp>

#include <algorithm>
#include <cstring>

namespace chorale::fuzz {

namespace {

constexpr std::size_t header_bytes = 6 + sender_limit + server_limit;
constexpr std::size_t step_bytes = 16;
constexpr unsigned step_limit = 64;
constexpr u8 mostly = 208; // of 256

[[nodiscard]] u32 size_of(Input& input) {
    constexpr u32 sizes[] = {0,    1,    7,    8,    9,     63,    64,    65,    72,    100,
                             4095, 4096, 4097, 8191, 12289, 32768, 65535, 65536, 65537, ~0u};
    const u8 kind = input.byte();
    const auto exact = static_cast<u32>(input.number(2));
    return kind < 160 ? sizes[kind % std::size(sizes)] : kind < 200 ? exact % 200 : exact;
}

[[nodiscard]] Memory memory_of(Input& input) {
    const u8 kind = input.byte();
    return {kind, input.byte()};
}

[[nodiscard]] Body body_of(Input& input) {
    Body made{};
    made.size = size_of(input);
    made.memory = memory_of(input);
    const u8 annex = input.byte();
    made.has_annex = (annex & 1) != 0;
    made.annex = {static_cast<u8>(annex >= 240 ? annex : 0), annex};
    return made;
}

[[nodiscard]] SendStep send_of(Input& input, unsigned senders, unsigned servers) {
    SendStep made{};
    const u8 first = input.byte();
    made.sender = static_cast<u8>(first % senders);
    made.how = static_cast<Send>(first / 8 % static_cast<unsigned>(Send::limit));
    const u8 second = input.byte();
    made.server = static_cast<u8>(second < 250 ? second % servers : servers);
    made.body = body_of(input);
    made.reply = body_of(input);
    const u8 last = input.byte();
    made.delay = static_cast<u8>(last < 224 ? 0 : last % 4);
    made.described = last % 2 != 0;
    static_cast<void>(input.byte());
    return made;
}

[[nodiscard]] ServeStep serve_of(Input& input) {
    ServeStep made{};
    const u8 first = input.byte();
    made.how = static_cast<Reply>(first % static_cast<unsigned>(Reply::limit));
    made.described = first / 4 % 4 != 0;
    made.any = first / 16 % 4 == 0;
    made.room = body_of(input);
    made.reply = body_of(input);
    made.move = input.byte();
    static_cast<void>(input.number(2));
    return made;
}

} // namespace

u64 Memory::address(VirtAddr area, uword size) const {
    if (kind < mostly) return (area + offset % 64 * 8).raw();
    const u64 end = (area + area_size).raw();
    switch (kind % 12) {
    case 0:
        return end - size; // just fits
    case 1:
        return end - size + 1;
    case 2:
        return end;
    case 3:
        return (area + page_size - offset % 128).raw();
    case 4:
        return area.raw() - offset;
    case 5:
        return offset;
    case 6:
        return machine::user_limit() - size;
    case 7:
        return machine::user_limit();
    case 8:
        return ~u64{0} - offset;
    case 9:
        return u64{0} - size;
    case 10:
        return u64{0xffff'8000'0000'0000};
    default:
        return (area + page_size - 1).raw();
    }
}

bool reachable(u64 address, uword size) {
    if (size == 0) return address <= machine::user_limit();
    for (const VirtAddr area : {out_area, in_area}) {
        const u64 begin = area.raw();
        if (address >= begin && size <= area_size && address - begin <= area_size - size) return true;
    }
    return false;
}

bool Plan::in_order() const {
    return std::all_of(homes.begin(), homes.end(), [&](u8 home) { return home == homes.front(); });
}

Plan plan_of(std::span<const u8> bytes) {
    Input input{bytes.data(), bytes.size()};
    Plan plan;
    const unsigned senders = 1 + input.byte() % sender_limit, servers = 1 + input.byte() % server_limit;
    plan.pace = input.byte();
    plan.seed = input.byte();
    const unsigned sends = input.byte() % step_limit, serves = 1 + input.byte() % 8;
    for (unsigned i = 0; i < sender_limit; ++i) {
        const u8 cpu = input.byte() % message_cpus;
        if (i < senders) plan.sender_cpus.push_back(cpu);
    }
    for (unsigned i = 0; i < server_limit; ++i) {
        const u8 place = input.byte();
        if (i >= servers) continue;
        plan.server_cpus.push_back(place % message_cpus);
        plan.homes.push_back(place / message_cpus % message_cpus);
    }
    for (unsigned i = 0; i < serves; ++i) plan.serves.push_back(serve_of(input));
    for (unsigned i = 0; i < sends && !input.empty(); ++i)
        plan.sends.push_back(send_of(input, senders, servers));
    while (!input.empty()) plan.schedule.push_back(input.byte());
    return plan;
}

std::size_t mutate_plan(u8* data, std::size_t size, std::size_t limit, Chance& chance) {
    if (size < header_bytes + step_bytes || chance.one_in(3)) return LLVMFuzzerMutate(data, size, limit);
    const std::size_t steps = (size - header_bytes) / step_bytes;
    u8* const at = data + header_bytes + chance.below(steps) * step_bytes;
    u8* const end = data + size;
    switch (chance.below(4)) {
    case 0: // one more, like another
        if (size + step_bytes > limit) break;
        std::memmove(at + step_bytes, at, static_cast<std::size_t>(end - at));
        ++data[4];
        return size + step_bytes;
    case 1:
        if (at + step_bytes > end) break;
        std::memmove(at, at + step_bytes, static_cast<std::size_t>(end - at) - step_bytes);
        --data[4];
        return size - step_bytes;
    default:
        at[chance.below(std::min<std::size_t>(step_bytes, static_cast<std::size_t>(end - at)))] =
            static_cast<u8>(chance.below(256));
        break;
    }
    return size;
}

} // namespace chorale::fuzz
