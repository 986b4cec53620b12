#include "fuzz/calls_values.hpp"

#include <chorus/message_registers.h>
#include <machine/supervisor.hpp>
#include <machine/user_access.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace chorale::fuzz {

namespace {

using chorus::ArgumentInfo;
using chorus::Direction;

constexpr u8 mostly = 192; // of 256: the ordinary kind

template <class T>
[[nodiscard]] T pick(std::span<const T> from, u8 which) {
    return from.empty() ? T{} : from[which % from.size()];
}
template <class T, std::size_t N>
[[nodiscard]] T pick(const T (&from)[N], u8 which) {
    return from[which % N];
}

// Where arithmetic changes.
[[nodiscard]] u64 scalar(u8 kind, Choice& choice) {
    if (kind < 96) return kind % 8;
    if (kind < 128) return u64{1} << kind % 64;
    if (kind < 160) return (u64{1} << kind % 64) - 1;
    if (kind < 192) return u64{0} - (kind - 159);
    if (kind < 224) return page_size * (kind - 192);
    return choice.more();
}

[[nodiscard]] u64 size_of_body(u8 kind, Choice& choice) {
    constexpr u64 sizes[] = {0,    1,    7,    8,    16,   63,    64,    65,    100,   120,
                             4095, 4096, 4097, 8192, 9000, 32768, 65535, 65536, 65537, 131072};
    return kind < mostly ? pick(sizes, kind) : scalar(kind, choice);
}

[[nodiscard]] bool ends_in(std::string_view name, std::string_view end) { return name.ends_with(end); }

// An `int` says what it is only by its name.
[[nodiscard]] bool names_port(const ArgumentInfo& info) {
    const std::string_view name{info.name};
    return std::string_view{info.type} == "int" && (ends_in(name, "li") || ends_in(name, "src"));
}

[[nodiscard]] std::string text_of(Choice& choice) {
    constexpr std::string_view texts[] = {"cpus",  "poll", "model", "counter",   "one",        "two",
                                          "three", "four", "",      "with=sign", "boot.bytes", "a b"};
    const u8 kind = choice.first();
    if (kind < mostly) return std::string{texts[kind % std::size(texts)]} + '\0';
    constexpr std::size_t lengths[] = {30, 31, 32, 33, 254, 255, 256, 300};
    std::string text(pick(lengths, kind), static_cast<char>('a' + choice.second() % 26));
    if ((choice.third() & 1) != 0) text += '\0';
    return text;
}

template <class T>
void put(std::span<u8> bytes, const T& value) {
    std::memcpy(bytes.data(), &value, std::min(bytes.size(), sizeof value));
}

} // namespace

u64 Choice::more() { // splitmix64
    u64 z = more_ += 0x9e37'79b9'7f4a'7c15;
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    return z ^ z >> 31;
}

// ---- addresses -------------------------------------------------------------------------------------------

u64 Values::region_address(u8 kind) const {
    if (kind < 64) return 0x60'0000 + kind % 16 * page_size;
    if (kind < 96) return host::data_base.raw() + kind % 20 * page_size;
    if (kind < 128 && !pools_->regions.empty()) return pools_->regions[kind % pools_->regions.size()];
    constexpr u64 places[] = {host::code_base.raw(), 0,       page_size, 0x20'0000, 0x3fff'f000, 0x8000'0000,
                              u64{1} << 36,          1 << 12, ~u64{4095}};
    if (kind < 176) return pick(places, kind);
    if (kind < 216) return machine::user_limit() - (kind - 176) * page_size;
    return 0x60'0000 + kind * 8;
}

u64 Values::hostile(u8 kind, uword size) const {
    const u64 end = host::data_base.raw() + host::data_size; // behind it nothing is mapped
    switch (kind % 16) {
    case 0:
        return 0;
    case 1: // all of it just fits
        return end - size;
    case 2: // its last byte does not
        return end - size + 1;
    case 3:
        return end - 1;
    case 4:
        return end;
    case 5: // over a page's end, both mapped
        return host::data_base.raw() + page_size - size / 2;
    case 6: // may only be read
        return host::code_base.raw() + 64;
    case 7:
        return machine::user_limit() - size;
    case 8:
        return machine::user_limit() - 1;
    case 9:
        return machine::user_limit();
    case 10: // around the end of all addresses
        return u64{0} - size / 2;
    case 11:
        return ~u64{0};
    case 12: // no address of any machine
        return u64{1} << 47 | 64;
    case 13:
        return u64{0xffff'8000'0000'0000};
    case 14:
        return scratch(kind / 16 % list_limit, kind % argument_limit).raw();
    default:
        return region_address(kind);
    }
}

// What may be given to the nucleus by mistake. No place of somebody else's that can be written: that would be
// the caller's own doing.
u64 Values::hostile_to_supervisor(u8 kind, uword size) const {
    const u64 own = system_stack_.raw() + argument_limit * argument_room;
    switch (kind / 16 % 8) {
    case 0:
        return machine::supervisor_end - size;
    case 1: // its last bytes are beyond
        return machine::supervisor_end - size / 2;
    case 2:
        return machine::supervisor_end;
    case 3:
        return machine::supervisor_begin - size / 2;
    case 4:
        return ~u64{0} - kind;
    case 5: // may only be read
        return pools_->programs.empty() ? 0 : pools_->programs.front();
    case 6: // all of it just fits
        return own - size;
    default: {
        const u64 place = hostile(kind, size);
        return place < machine::supervisor_begin ? place : 0;
    }
    }
}

u64 Values::supervisor_place(u8 kind, unsigned index, uword size) const {
    if (kind < 208) return (system_stack_ + index * argument_room).raw();
    if (kind < 224) return scratch(list_, index).raw(); // of the user actor, if there is one
    return hostile_to_supervisor(static_cast<u8>(kind * 8), size);
}

// For handlers and LAPs that run at thread level: code, or not.
u64 Values::code(u8 kind) const {
    if (kind < 80) return pick(std::span{pools_->programs}, kind);
    if (kind < 224) return pick(std::span{pools_->functions}, kind);
    constexpr u64 bad[] = {0,       1,           0x1000, host::code_base.raw(), host::code_base.raw() + 1,
                           ~u64{0}, u64{1} << 47};
    constexpr u64 high[] = {machine::supervisor_begin, machine::supervisor_begin + 1,
                            machine::supervisor_end - 16};
    return kind < 244 ? pick(bad, kind) : pick(high, kind);
}

u64 Values::place(u8 kind, unsigned index, uword size) const {
    if (supervisor()) return supervisor_place(kind, index, size);
    if (kind < mostly) return scratch(list_, index).raw();
    if (kind < 208) return host::data_base.raw() + host::free_data_size + kind * 8; // everybody's
    return hostile(kind, size);
}

// ---- structures ------------------------------------------------------------------------------------------

KnCap Values::actor(Choice& choice) const {
    KnCap capability = pick(std::span{pools_->actors}, choice.first());
    switch (choice.second() < mostly ? 0 : choice.second() % 8) {
    case 0:
        break;
    case 1:
        capability.key ^= u64{1} << choice.third() % 64;
        break;
    case 2:
        capability.ui.uiTail ^= u64{1} << choice.third() % 64;
        break;
    case 3:
        capability.ui.uiHead ^= u64{1} << choice.third() % 64;
        break;
    case 4:
        capability.ui = pick(std::span{pools_->ports}, choice.third());
        break;
    case 5:
        capability = {};
        break;
    default:
        capability = {{choice.more(), choice.more()}, choice.more()};
        break;
    }
    return capability;
}

KnUniqueId Values::port(Choice& choice) const {
    KnUniqueId name = pick(std::span{pools_->ports}, choice.first());
    if (choice.second() < 232) return name;
    switch (choice.second() % 4) {
    case 0:
        name.uiHead ^= u64{1} << choice.third() % 64;
        break;
    case 1:
        name.uiTail ^= u64{1} << choice.third() % 64;
        break;
    case 2:
        name = pick(std::span{pools_->actors}, choice.third()).ui;
        break;
    default:
        name = {choice.more() % 2 == 0 ? 0 : choice.more(), choice.more() % 2 == 0 ? 0 : choice.more()};
        break;
    }
    return name;
}

KnMsgDesc Values::message(Choice& choice) const {
    KnMsgDesc made{};
    made.flags = (choice.third() & 1) != 0 ? K_ABORTABLE : 0;
    if ((choice.third() & 0xf0) == 0xf0) made.flags |= static_cast<unsigned>(choice.more());
    if (supervisor()) made.flags |= K_ABORTABLE; // it must be possible to bring it home
    made.bodySize = static_cast<unsigned>(size_of_body(choice.first(), choice));
    // All of an actor's data is memory for a body of the largest size.
    made.bodyAddr = choice.second() < mostly ? host::data_base.raw() + choice.second() % 64 * 8
                                             : hostile(choice.second(), made.bodySize);
    if (choice.second() >= 248) made.bodyAddr = 0;
    constexpr u64 annex_places = 8;
    switch (choice.third() >> 1 & 3) {
    case 0:
        made.annexAddr = host::free_data.raw() + choice.more() % annex_places * 128;
        break;
    case 1:
        made.annexAddr = hostile(static_cast<u8>(choice.more()), K_CMSGANNEXSIZE);
        break;
    default:
        break;
    }
    return made;
}

KnRgnDesc Values::region(Choice& choice) const {
    KnRgnDesc made{};
    made.startAddr = region_address(choice.first());
    const u8 size = choice.second();
    if (size < 128) {
        made.size = (1 + size % 16) * page_size;
    } else if (size < mostly) {
        constexpr u64 sizes[] = {0, 1, 4095, 4097, 0x1'0000, 0x10'0000, 0x20'0000, 0x80'0000, 0x1000'0000};
        made.size = pick(sizes, size);
    } else {
        made.size = scalar(size, choice);
    }
    const u8 options = choice.third();
    made.options = options < 64 ? K_WRITABLE : options & 0x3f;
    if (options >= 128) made.options = K_WRITABLE | (options & 0x3fU) << 6;
    if (options >= 232) made.options = (options & 0x7U) << 14; // K_NOACCESS, K_DISCARD, K_VMMAP
    if (options >= 248) made.options = static_cast<VmFlags>(choice.more());
    made.endAddr = choice.more();
    return made;
}

KnDefaultStartInfo_f Values::start(Choice& choice) const {
    KnDefaultStartInfo_f made{};
    made.dsType = choice.third() < 240 ? unsigned{K_DEFAULT_START_INFO} : choice.third() % 4;
    made.dsPrivilege =
        choice.third() % 16 == 0 ? static_cast<unsigned>(choice.more() % 3) : unsigned{K_USERTHREAD};
    made.dsEntry = choice.first() < mostly ? pick(std::span{pools_->entries}, choice.first())
                                           : hostile(choice.first(), 1);
    if (supervisor() && choice.third() % 4 != 0) {
        made.dsPrivilege = K_SUPTHREAD;
        made.dsEntry = code(choice.first());
        constexpr u64 sizes[] = {0, 0, 1, 4096, 4097, 8192, 1 << 21, ~u64{0}};
        made.dsSystemStackSize = pick(sizes, choice.second());
    }
    made.dsUserStackPointer = choice.second() < mostly
                                  ? host::data_base.raw() + (8 + choice.second() % 40) * host::stack_room
                                  : hostile(choice.second(), 0);
    return made;
}

KnLapDesc Values::lap(Choice& choice) const {
    KnLapDesc made = pick(std::span{pools_->laps}, choice.first());
    if (choice.second() >= 240) made.ldKey ^= u64{1} << choice.third() % 64;
    if (choice.second() >= 232 && choice.second() < 240) made.ldPlace = choice.more();
    return made;
}

// Memory of the script's own, or what cannot be mapped.
KnPhMemChunk Values::chunk(Choice& choice) const {
    KnPhMemChunk made{0, page_size, pick(std::span{pools_->pages}, choice.third())};
    const Chunk own = pick(std::span{pools_->chunks}, choice.first());
    constexpr u64 odd[] = {1, page_size / 2, 0, ~u64{0}};
    if (own.size == 0) {
        made.paddr = odd[choice.first() % 2];
    } else if (choice.second() < mostly) {
        made = {own.address, own.size, made.vaddr};
    } else {
        made = {own.address, odd[choice.second() % 4], made.vaddr};
        if (made.psize < page_size && made.psize != 0) made.paddr += made.psize;
    }
    return made;
}

bool Values::fill_name(std::string_view type, std::span<u8> bytes, Choice& choice) const {
    if (type == "KnCap") {
        put(bytes, actor(choice));
    } else if (type == "KnUniqueId") {
        put(bytes, port(choice));
    } else if (type == "KnIpcDest") {
        put(bytes, KnIpcDest{port(choice), {}});
    } else if (type == "KnMsgDesc") {
        put(bytes, message(choice));
    } else if (type == "KnRgnDesc") {
        put(bytes, region(choice));
    } else if (type == "KnDefaultStartInfo_f") {
        put(bytes, start(choice));
    } else if (type == "KnLapDesc" && !pools_->laps.empty()) {
        put(bytes, lap(choice));
    } else if (type == "KnPhMemChunk" && supervisor()) {
        put(bytes, chunk(choice));
    } else {
        return false;
    }
    return true;
}

bool Values::fill_known(std::string_view type, std::span<u8> bytes, Choice& choice) const {
    if (type == "KnFifoThParms") {
        const KnSchedClass kind = choice.first() < 240 ? K_SCHED_FIFO : choice.first();
        const u64 priority =
            choice.second() < 240 ? 90 + choice.second() % 32 : scalar(choice.third(), choice);
        put(bytes, KnFifoThParms{kind, static_cast<KnFifoPriority>(priority)});
    } else if (type == "KnTimeVal") {
        constexpr long times[] = {0, 1, 100, 1'000, 10'000, 100'000, 1'000'000, 999'999'999};
        KnTimeVal time{choice.first() < 200 ? 0 : static_cast<long>(scalar(choice.first(), choice)),
                       pick(times, choice.second())};
        if (choice.second() >= 240) time.tmNSec = static_cast<long>(scalar(choice.third(), choice));
        put(bytes, time);
    } else if (type == "unsigned int") {
        constexpr unsigned sizes[] = {0, 1, 2, 8, 32, 255, 256, 1000, ~0u};
        put(bytes, pick(sizes, choice.first()));
    } else {
        return false;
    }
    return true;
}

// What nobody has told of yet: words of all kinds.
void Values::fill(std::string_view type, std::span<u8> bytes, Choice& choice) const {
    if (fill_name(type, bytes, choice) || fill_known(type, bytes, choice)) return;
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
        const u64 more = choice.more();
        const auto kind = static_cast<u8>(more >> 8);
        u64 word = scalar(kind, choice);
        if (more % 4 == 0) word = hostile(kind, 8);
        if (more % 4 == 1) word = region_address(kind);
        const std::size_t room = std::min<std::size_t>(more % 4 < 2 ? 8 : 4, bytes.size() - at);
        std::memcpy(&bytes[at], &word, room);
    }
}

// ---- arguments -------------------------------------------------------------------------------------------

// What only calls of supervisor actors take. False: it is nothing of that kind.
bool Values::supervisor_value(const ArgumentInfo& info, Choice& choice, u64& made) const {
    const std::string_view type{info.type}, name{info.name};
    const u8 kind = choice.place();
    if (name == "laphdl" || name == "handler") {
        made = code(kind);
    } else if (name == "arg" && kind < mostly) {
        made = pick(std::span{pools_->programs}, kind);
    } else if (type == "CpuIntrId" && kind < mostly) {
        made = pick(std::span{pools_->interrupts}, kind);
    } else if (type == "CpuIntr") {
        made = kind < mostly ? kind % 3 : scalar(choice.first(), choice);
    } else if (name == "timeout" || name == "vtimeout") {
        made = kind < 240 ? 0x1000 * (kind % 8) : choice.more();
    } else if (name == "address" && supervisor() && kind < 128) {
        made = pick(std::span{pools_->pages}, kind);
    } else {
        return false;
    }
    return true;
}

u64 Values::value(const ArgumentInfo& info, Choice& choice) const {
    const std::string_view type{info.type};
    const u8 kind = choice.place();
    constexpr u64 delays[] = {0, 1, 2, 10, ~u64{0}, ~u64{0}, 0x7fff'ffff, 0x8000'0000};
    if (type == "control") {
        constexpr u64 sizes[] = {0, 8, 16, 63, 64, 64, 64, 65, 255};
        return pick(sizes, kind) << MESSAGE_SIZE_SHIFT | ((choice.first() & 1) != 0 ? MESSAGE_ABORTABLE : 0);
    }
    if (names_port(info) || type == "KnThreadLid") {
        constexpr int ids[] = {K_DEFAULTPORT, 1, 2, 3, K_ANYENABLED, 4, 5, -1, 6, 7, 255, 256, K_NONEPORT};
        if (kind < 160) return static_cast<u64>(static_cast<long>(pick(ids, kind)));
        if (kind < 224) return static_cast<u64>(pick(std::span{pools_->locals}, kind));
        return scalar(choice.first(), choice);
    }
    if (std::string_view{info.name} == "delay") return pick(delays, kind);
    if (type == "KnCpuId") {
        return kind < mostly ? kind % fuzz_cpus : kind < 224 ? K_SAMECPU : scalar(choice.first(), choice);
    }
    u64 made = 0;
    if (!pools_->laps.empty() && supervisor_value(info, choice, made)) return made;
    if (type == "VmAddr") return kind < mostly ? place(0, kind % argument_limit, 0) : hostile(kind, 8);
    if (type == "VmSize") return size_of_body(kind, choice);
    if (std::string_view{info.name} == "nchar") return kind < 240 ? kind * 5 : scalar(choice.first(), choice);
    if (type == "u64" && std::string_view{info.name} == "after") return kind % 24;
    return scalar(kind, choice);
}

namespace {

struct Bytes {
    std::array<u8, argument_room> room{};
    std::size_t size{};
    [[nodiscard]] std::span<u8> used() { return std::span{room}.first(std::min(size, room.size())); }
};

[[nodiscard]] bool read_by_nucleus(Direction direction) {
    return direction != Direction::value && direction != Direction::out && direction != Direction::out_opt;
}

void tell(std::string& to, const ArgumentInfo& info, u64 value, std::span<const u8> bytes) {
    char text[80];
    std::snprintf(text, sizeof text, "%s=%#lx", info.name, static_cast<unsigned long>(value));
    to = text;
    if (bytes.empty()) return;
    to += '{';
    for (std::size_t i = 0; i + 4 <= bytes.size() && i < 48; i += 4) {
        u32 word;
        std::memcpy(&word, &bytes[i], sizeof word);
        std::snprintf(text, sizeof text, i == 0 ? "%x" : " %x", word);
        to += text;
    }
    to += '}';
}

} // namespace

u64 Values::make(const ArgumentInfo& info, unsigned index, u32 bits, std::string* told) {
    Choice choice{bits};
    if (info.direction == Direction::value) {
        u64 made = value(info, choice);
        // What is above an argument's own bytes is nobody's business.
        if (info.size < 8 && choice.third() >= 224) made ^= choice.more() << 8 * info.size;
        if (told != nullptr) tell(*told, info, made, {});
        return made;
    }
    Bytes bytes;
    bytes.size = info.size;
    if (info.direction == Direction::text) {
        const std::string text = text_of(choice);
        bytes.size = text.size();
        std::memcpy(bytes.room.data(), text.data(), bytes.used().size());
    } else if (info.size == 0) {
        bytes.size = 32;
    } else if (read_by_nucleus(info.direction)) {
        fill(info.type, bytes.used(), choice);
    }
    const bool optional = info.direction == Direction::in_opt || info.direction == Direction::out_opt;
    // On a stack in supervisor mode there is room for all that a call may write: behind it lies what is the
    // nucleus's. How much that is other arguments say (bound_output()).
    const bool roomy = supervisor() && info.direction == Direction::out_bytes;
    const uword room = roomy ? argument_room : bytes.size;
    u64 at = optional && choice.place() % 4 == 0 ? 0 : place(choice.place(), index, room);
    if (supervisor() && optional && choice.place() % 16 == 5) at = reinterpret_cast<u64>(K_SVACTOR);
    const bool filled = at != 0 && read_by_nucleus(info.direction) &&
                        machine::user_write(VirtAddr{at}, bytes.room.data(), bytes.used().size());
    if (told != nullptr) tell(*told, info, at, filled ? bytes.used() : std::span<u8>{});
    return at;
}

} // namespace chorale::fuzz
