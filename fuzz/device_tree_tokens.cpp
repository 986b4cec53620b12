// Takes device trees apart, changes them and puts them together.
#include "fuzz/device_tree_tokens.hpp"

#include <algorithm>
#include <map>

namespace chorale::fuzz {
namespace {

using Kind = Token::Kind;

constexpr std::uint32_t tag_begin = 1, tag_end_node = 2, tag_property = 3, tag_nop = 4, tag_end = 9;
constexpr std::size_t token_limit = 4000, header_size = 40;

// What the nucleus looks for, so that changes need not find the words by themselves.
constexpr const char* property_names[] = {"#address-cells",
                                          "#size-cells",
                                          "#interrupt-cells",
                                          "compatible",
                                          "device_type",
                                          "reg",
                                          "ranges",
                                          "status",
                                          "phandle",
                                          "interrupt-parent",
                                          "interrupts",
                                          "interrupts-extended",
                                          "riscv,ndev",
                                          "riscv,isa",
                                          "mmu-type",
                                          "riscv,num-ids",
                                          "riscv,guest-index-bits",
                                          "riscv,hart-index-bits",
                                          "riscv,group-index-bits",
                                          "riscv,group-index-shift",
                                          "riscv,num-sources",
                                          "msi-parent",
                                          "timebase-frequency",
                                          "bootargs",
                                          "stdout-path",
                                          "rng-seed",
                                          "linux,initrd-start",
                                          "linux,initrd-end",
                                          "reg-shift",
                                          "reg-io-width",
                                          "reg-offset",
                                          "model",
                                          "linux,phandle"};
constexpr const char* texts[] = {"riscv,sv39",
                                 "riscv,sv48",
                                 "riscv,sv57",
                                 "riscv,none",
                                 "ns16550a",
                                 "ns16550",
                                 "sifive,uart0",
                                 "riscv,plic0",
                                 "sifive,plic-1.0.0",
                                 "riscv,imsics",
                                 "riscv,aplic",
                                 "riscv,cpu-intc",
                                 "sifive,test0",
                                 "sifive,test1",
                                 "okay",
                                 "disabled",
                                 "cpu",
                                 "memory",
                                 "serial0",
                                 "/soc/serial@10000000:115200n8"};
constexpr const char* node_names[] = {"chosen",          "aliases", "cpus",  "memory@80000000",
                                      "reserved-memory", "soc",     "cpu@0", "interrupt-controller",
                                      "serial@10000000", "region"};

[[nodiscard]] std::uint32_t cell(formats::Bytes bytes, std::size_t at) {
    return __builtin_bswap32(formats::load<std::uint32_t>(bytes, at));
}

[[nodiscard]] std::string text_at(formats::Bytes bytes, std::size_t at) {
    const std::string_view rest = formats::characters(formats::slice(bytes, at, 256));
    return std::string{rest.substr(0, rest.find('\0'))};
}

void add_cell(std::string& to, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift));
}

void pad(std::string& bytes, std::size_t alignment) {
    bytes.resize(formats::align_up(bytes.size(), alignment));
}

// The token behind the node that begins at `at`.
[[nodiscard]] std::size_t node_end(const std::vector<Token>& all, std::size_t at) {
    for (int depth = 0; at < all.size(); ++at) {
        depth += all[at].kind == Kind::begin ? 1 : all[at].kind == Kind::end ? -1 : 0;
        if (depth == 0) return at + 1;
    }
    return at;
}

[[nodiscard]] std::vector<std::size_t> places(const std::vector<Token>& all, Kind kind) {
    std::vector<std::size_t> found;
    for (std::size_t i = 1; i < all.size(); ++i) // the root stays
        if (all[i].kind == kind) found.push_back(i);
    return found;
}

[[nodiscard]] bool known(const std::string& name) {
    return std::ranges::find(property_names, name) != std::end(property_names);
}

// Mostly one that the nucleus looks at.
[[nodiscard]] std::size_t choose_property(const std::vector<Token>& all,
                                          const std::vector<std::size_t>& properties, Chance& chance) {
    std::size_t at = properties[chance.below(properties.size())];
    for (int tries = 0; tries < 4 && !known(all[at].name); ++tries)
        at = properties[chance.below(properties.size())];
    return at;
}

[[nodiscard]] std::ptrdiff_t signed_of(std::size_t place) { return static_cast<std::ptrdiff_t>(place); }

// A number near the one that is there, or any.
[[nodiscard]] std::uint32_t changed(std::uint32_t number, Chance& chance) {
    switch (chance.below(6)) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return number ^ std::uint32_t{1} << chance.below(32);
    case 3:
        return static_cast<std::uint32_t>(chance.below(16));
    case 4:
        return 2 * number + 1;
    default:
        return static_cast<std::uint32_t>(chance.number() >> (chance.one_in(2) ? 32 : 0));
    }
}

void change_value(std::string& value, const std::vector<Token>& all, Chance& chance) {
    switch (chance.below(6)) {
    case 0:
        value = texts[chance.below(std::size(texts))];
        value.push_back('\0');
        break;
    case 1:
    case 2: { // one cell
        const std::size_t at = std::min(4 * chance.below(value.size() / 4 + 1), value.size());
        std::string number;
        add_cell(number, changed(cell(std::as_bytes(std::span{value}), at), chance));
        value.replace(at, 4, number);
        break;
    }
    case 3: // as long as its neighbours' or longer
        value += chance.one_in(2) ? value : all[chance.below(all.size())].value;
        if (value.size() > 4096) value.resize(4096);
        break;
    case 4:
        value.resize(chance.below(value.size() + 1));
        break;
    default: {
        std::uint8_t buffer[512] = {};
        const std::size_t size = std::min<std::size_t>(value.size(), 256);
        std::memcpy(buffer, value.data(), size);
        value.assign(buffer, buffer + LLVMFuzzerMutate(buffer, size, sizeof buffer));
    }
    }
}

void change_nodes(std::vector<Token>& all, Chance& chance) {
    const std::vector<std::size_t> nodes = places(all, Kind::begin);
    if (nodes.empty() || chance.one_in(6)) {
        const Token pair[] = {{Kind::begin, node_names[chance.below(std::size(node_names))], {}},
                              {Kind::end, {}, {}}};
        all.insert(all.begin() + signed_of(1 + chance.below(all.size() - 1)), pair, pair + 2);
        return;
    }
    const std::size_t at = nodes[chance.below(nodes.size())], end = node_end(all, at);
    const std::vector<Token> node{all.begin() + signed_of(at), all.begin() + signed_of(end)};
    switch (chance.below(4)) {
    case 0:
        all.erase(all.begin() + signed_of(at), all.begin() + signed_of(end));
        break;
    case 1: // elsewhere too, at times often
        for (std::size_t i = chance.one_in(8) ? chance.below(140) : 1; i > 0 && all.size() < token_limit;
             --i) {
            const std::size_t to = 1 + chance.below(all.size() - 1);
            all.insert(all.begin() + signed_of(to), node.begin(), node.end());
        }
        break;
    case 2:
        all[at].name = chance.one_in(2) ? node_names[chance.below(std::size(node_names))]
                                        : all[nodes[chance.below(nodes.size())]].name;
        break;
    default: // copies beside it that differ in their numbers, as harts do
        for (std::size_t i = 1 + chance.below(chance.one_in(8) ? 140 : 4); i > 0 && all.size() < token_limit;
             --i) {
            std::vector<Token> copy = node;
            for (Token& token : copy)
                if ((token.name == "reg" || token.name == "phandle") && token.value.size() >= 4)
                    token.value[token.value.size() - 1] = static_cast<char>(i + 16);
            all.insert(all.begin() + signed_of(at), copy.begin(), copy.end());
        }
    }
}

} // namespace

Tokens tokens_of(formats::Bytes tree) {
    Tokens tokens;
    const std::size_t strings = cell(tree, 12);
    for (std::size_t at = cell(tree, 16); tokens.reservations.size() < 300; at += 16) {
        const auto begin = __builtin_bswap64(formats::load<std::uint64_t>(tree, at));
        const auto length = __builtin_bswap64(formats::load<std::uint64_t>(tree, at + 8));
        if (begin == 0 && length == 0) break;
        tokens.reservations.insert(tokens.reservations.end(), {begin, length});
    }
    int depth = 0;
    for (std::size_t at = cell(tree, 8); at + 4 <= tree.size() && tokens.structure.size() < token_limit;) {
        const std::uint32_t tag = cell(tree, at);
        at += 4;
        if (tag == tag_begin) {
            const std::string name = text_at(tree, at);
            tokens.structure.push_back({Kind::begin, name, {}});
            at = formats::align_up(at + name.size() + 1, 4);
            ++depth;
        } else if (tag == tag_property && depth > 0) {
            const std::size_t length = cell(tree, at);
            const std::string_view value = formats::characters(formats::slice(tree, at + 8, length));
            tokens.structure.push_back(
                {Kind::property, text_at(tree, strings + cell(tree, at + 4)), std::string{value}});
            at = formats::align_up(at + 8 + length, 4);
        } else if (tag == tag_end_node && depth > 1) {
            tokens.structure.push_back({Kind::end, {}, {}});
            --depth;
        } else if (tag != tag_nop) {
            break;
        }
    }
    if (tokens.structure.empty()) tokens.structure.push_back({Kind::begin, {}, {}}), ++depth;
    for (; depth > 0; --depth) tokens.structure.push_back({Kind::end, {}, {}});
    return tokens;
}

void change(Tokens& tokens, Chance& chance) {
    std::vector<Token>& all = tokens.structure;
    const std::vector<std::size_t> properties = places(all, Kind::property);
    const std::size_t choice = chance.below(16);
    if (choice == 0) { // memory reservations
        const std::size_t count = chance.one_in(8) ? chance.below(100) : chance.below(4);
        tokens.reservations.clear();
        for (std::size_t i = 0; i < 2 * count; ++i) tokens.reservations.push_back(chance.number() | 1);
    } else if (choice < 5) {
        change_nodes(all, chance);
    } else if (choice < 7 || properties.empty()) {
        Token token{Kind::property, property_names[chance.below(std::size(property_names))], {}};
        change_value(token.value, all, chance);
        all.insert(all.begin() + signed_of(1 + chance.below(all.size() - 1)), token);
    } else {
        const std::size_t at = choose_property(all, properties, chance);
        if (choice == 7)
            all.erase(all.begin() + signed_of(at));
        else if (choice == 8)
            all[at].name = property_names[chance.below(std::size(property_names))];
        else if (choice == 9)
            all[at].value = all[properties[chance.below(properties.size())]].value;
        else
            change_value(all[at].value, all, chance);
    }
}

std::vector<std::uint8_t> flattened(const Tokens& tokens) {
    std::string strings, structure, reservations;
    std::map<std::string, std::size_t> offsets;
    for (const Token& token : tokens.structure) {
        if (token.kind == Kind::end) {
            add_cell(structure, tag_end_node);
        } else if (token.kind == Kind::begin) {
            add_cell(structure, tag_begin);
            structure.append(token.name).push_back('\0');
        } else {
            const auto [place, fresh] = offsets.emplace(token.name, strings.size());
            if (fresh) strings.append(token.name).push_back('\0');
            add_cell(structure, tag_property);
            add_cell(structure, static_cast<std::uint32_t>(token.value.size()));
            add_cell(structure, static_cast<std::uint32_t>(place->second));
            structure.append(token.value);
        }
        pad(structure, 4);
    }
    add_cell(structure, tag_end);
    for (const std::uint64_t word : tokens.reservations) {
        add_cell(reservations, static_cast<std::uint32_t>(word >> 32));
        add_cell(reservations, static_cast<std::uint32_t>(word));
    }
    reservations.append(16, '\0');
    const std::size_t structure_at = header_size + reservations.size(),
                      strings_at = structure_at + structure.size();
    std::string tree;
    for (const std::size_t field :
         {std::size_t{0xd00d'feed}, strings_at + strings.size(), structure_at, strings_at, header_size,
          std::size_t{17}, std::size_t{16}, std::size_t{0}, strings.size(), structure.size()})
        add_cell(tree, static_cast<std::uint32_t>(field));
    tree.append(reservations).append(structure).append(strings);
    return {tree.begin(), tree.end()};
}

} // namespace chorale::fuzz
