// Reads exchanges from an input: mostly such that work, often just not.
#include "fuzz/message_exchange.hpp"

namespace chorale::fuzz {
namespace {

constexpr std::size_t exchange_limit = 12;

[[nodiscard]] u64 address(Input& input) {
    const u8 kind = input.byte();
    switch (kind % 8) {
    case 4:
        return room + room_size - input.number(1);
    case 5:
        return read_only + input.number(2) % (read_only_size + 64);
    case 6:
        return nowhere + input.number(2);
    case 7:
        return kind / 8 % 2 == 0 ? 0 : input.number(8) | outside;
    default:
        return room + input.number(3) % room_size;
    }
}

[[nodiscard]] u32 size(Input& input) {
    switch (input.byte() % 8) {
    case 0:
    case 1:
        return static_cast<u32>(input.below(65));
    case 2:
        return static_cast<u32>(64 + input.below(8));
    case 3:
        return static_cast<u32>(input.number(2));
    case 4: // around whole pages
        return static_cast<u32>(page_size * input.below(16) + input.below(5) - 2);
    case 5:
        return static_cast<u32>(K_CMSGSIZEMAX - 2 + input.below(5));
    case 6:
        return static_cast<u32>(input.number(4));
    default:
        return 0;
    }
}

[[nodiscard]] Place place(Input& input) {
    const u8 kind = input.byte();
    Place place{.size = size(input), .body = address(input)};
    if (kind % 4 == 0) place.annex = address(input);
    place.none = kind / 4 % 8 == 0;
    return place;
}

} // namespace

Script read_script(Input input) {
    Script script;
    const u8 cpus = input.byte();
    script.client_cpu = cpus % 3;
    script.server_cpu = cpus / 3 % 3;
    script.server_priority = input.byte() % 16;
    script.pace = input.byte();
    script.seed = input.byte();
    while (!input.empty() && script.exchanges.size() < exchange_limit) {
        const u8 kind = input.byte();
        Exchange exchange{.in_registers = kind % 3 == 0,
                          .reply_in_registers = kind / 4 % 3 == 0,
                          .request = place(input),
                          .reply_room = place(input),
                          .receive_room = place(input),
                          .reply = place(input)};
        if (exchange.in_registers) exchange.request.size %= 65;
        if (exchange.reply_in_registers) exchange.reply.size %= 65;
        script.exchanges.push_back(exchange);
    }
    return script;
}

} // namespace chorale::fuzz
