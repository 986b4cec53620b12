#include "kernel/main/load.hpp"

#include "kernel/base/log.hpp"
#include "kernel/boot/cpio.hpp"
#include "kernel/boot/elf.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/mem/space.hpp"

#include <machine/frame.hpp>

namespace chorale {

namespace {

constexpr uword stack_size = 64 * 1024;
constexpr u32 first_priority = 100; // boot actors: decreasing priority in the order of the bank

[[nodiscard]] Protection protection_of(const boot::elf::Segment& segment) {
    Protection protection = Protection::read | Protection::user;
    if (segment.writable) protection = protection | Protection::write;
    if (segment.executable) protection = protection | Protection::execute;
    return protection;
}

[[nodiscard]] Status fill(Actor& actor, boot::Bytes file, const boot::elf::Image& image, u16 priority) {
    for (const boot::elf::Segment& segment : image.segments()) {
        const boot::Bytes bytes = file.subspan(segment.file_offset, segment.file_size);
        const Status status = actor.space.map_segment(VirtAddr{segment.address}, segment.memory_size, bytes,
                                                      protection_of(segment));
        if (status != Status::ok) return status;
    }
    const Result<VirtAddr> stack = actor.space.allocate_stack(stack_size);
    if (!stack.ok()) return stack.status();
    return create_thread(actor, {VirtAddr{image.entry}, stack.value(), priority, true}).status();
}

[[nodiscard]] std::string_view reason(Status status) {
    switch (status) {
    case Status::no_memory:
        return "no memory";
    case Status::full:
        return "a table is full";
    case Status::overlap:
    case Status::address:
        return "the addresses of a segment are not free";
    default:
        return "a segment cannot be mapped";
    }
}

[[nodiscard]] bool load(std::string_view name, boot::Bytes file, u16 priority) {
    const auto image = boot::elf::parse(file, {.machine = machine::elf_machine});
    if (!image.has_value()) {
        log("actor {}: not loaded: {}", name, boot::elf::text(image.error().error));
        return false;
    }
    const Result<Actor*> actor = create_actor(name, K_SYSTEMACTOR, {});
    Status status = actor.status();
    if (actor.ok()) {
        status = fill(*actor.value(), file, *image, priority);
        if (status != Status::ok) discard_actor(*actor.value());
    }
    if (status != Status::ok) {
        log("actor {}: not loaded: {}", name, reason(status));
        return false;
    }
    log("actor {} loaded: {} KiB, priority {}", name, image->memory_size / 1024, priority);
    return true;
}

template <class Each>
void for_each_name(std::string_view list, Each each) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (const std::string_view name = list.substr(0, comma); !name.empty()) each(name);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
}

[[nodiscard]] bool listed(std::string_view list, std::string_view name) {
    bool found = false;
    for_each_name(list, [&](std::string_view each) { found = found || each == name; });
    return found;
}

[[nodiscard]] bool is_program(const boot::cpio::Entry& entry) {
    return entry.regular() && entry.name.find('.') == std::string_view::npos;
}

[[nodiscard]] bool all_there(boot::Bytes bank, std::string_view wanted) {
    bool all = true;
    for_each_name(wanted, [&](std::string_view name) {
        const auto entry = boot::cpio::Archive::find(bank, name);
        if (entry.has_value() && is_program(*entry)) return;
        log("run={}: no such program in the bank", name);
        all = false;
    });
    return all;
}

} // namespace

Loaded load_bank(boot::Bytes bank, std::string_view wanted) {
    Loaded result{};
    bool failed = false;
    for (const boot::cpio::Entry& entry : boot::cpio::Archive{bank}) {
        if (entry.error != boot::cpio::Error::none) {
            log("bank: {} at offset {}", boot::cpio::text(entry.error), entry.offset);
            continue;
        }
        if (!is_program(entry) || (!wanted.empty() && !listed(wanted, entry.name))) continue;
        if (load(entry.name, entry.data, static_cast<u16>(first_priority + result.running)))
            ++result.running;
        else
            failed = true;
    }
    result.as_wanted = all_there(bank, wanted) && (wanted.empty() || !failed);
    return result;
}

} // namespace chorale
