#include "kernel/main/load.hpp"

#include "formats/cpio.hpp"
#include "formats/elf.hpp"
#include "formats/relocatable.hpp"
#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/supervisor/exports.hpp"
#include "kernel/supervisor/supervisor_space.hpp"

#include <machine/cpu.hpp>
#include <machine/frame.hpp>
#include <machine/mmu.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

constexpr u32 first_priority = 100; // boot actors: decreasing priority in the order of the bank

[[nodiscard]] Protection protection_of(const formats::elf::Segment& segment) {
    Protection protection = Protection::read | Protection::user;
    if (segment.writable) protection = protection | Protection::write;
    if (segment.executable) protection = protection | Protection::execute;
    return protection;
}

[[nodiscard]] Status fill(Actor& actor, formats::Bytes file, const formats::elf::Image& image, u16 priority) {
    for (const formats::elf::Segment& segment : image.segments()) {
        const formats::Bytes bytes = file.subspan(segment.file_offset, segment.file_size);
        const Status status = actor.space.map_segment(VirtAddr{segment.address}, segment.memory_size, bytes,
                                                      protection_of(segment));
        if (status != Status::ok) return status;
    }
    const Result<VirtAddr> stack = actor.space.allocate_stack(user_stack_size);
    if (!stack.ok()) return stack.status();
    ThreadStart start{};
    start.entry = VirtAddr{image.entry};
    start.stack = stack.value();
    start.attributes.priority = priority;
    start.active = true;
    return create_thread(actor, start).status();
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

// ---- supervisor actors -------------------------------------------------------------------------

constexpr std::string_view supervisor_suffix = ".r";

[[nodiscard]] bool is_supervisor_image(std::string_view name) {
    return name.size() > supervisor_suffix.size() &&
           name.substr(name.size() - supervisor_suffix.size()) == supervisor_suffix;
}

// The segments at their places from actor.image.begin on, then what the linker left to do. The text is
// written through the direct map: nothing is ever writable and executable.
[[nodiscard]] Status place(Actor& actor, formats::Bytes file, const RelocatableImage& image) {
    const Result<VirtAddr> room = supervisor_space().find_room(image.size);
    if (!room.ok()) return room.status();
    actor.image = {room.value(), room.value() + image.size};
    for (const formats::elf::Segment& segment : image.elf.segments()) {
        const formats::Bytes bytes = file.subspan(segment.file_offset, segment.file_size);
        const Status status =
            supervisor_space().map_segment(room.value() + segment.address, segment.memory_size, bytes,
                                           protection_of(segment), owner_of(actor));
        if (status != Status::ok) return status;
    }
    return Status::ok;
}

[[nodiscard]] ImageProblem bind(const Actor& actor, const RelocatableImage& image) {
    constexpr RelocationKinds kinds{machine::relocation_relative, machine::relocation_absolute,
                                    machine::relocation_global, machine::relocation_jump};
    return relocate(image, actor.image.begin, kinds, exported_symbol, [](VirtAddr at, u64 value) {
        return supervisor_space().copy_to(at, std::as_bytes(std::span{&value, 1})) == Status::ok;
    });
}

// No CPU has been there yet, but one may have walked the tables on speculation: it is told to forget.
void take_out(const Actor& actor) {
    const auto flush = [](const TlbFlush& entries) { entries.apply(machine::nucleus_root()); };
    static_cast<void>(supervisor_space().free(actor.image, flush, owner_of(actor)));
}

[[nodiscard]] Status start_supervisor(Actor& actor, const RelocatableImage& image, u16 priority) {
    machine::synchronize_all_instructions();
    ThreadStart start{};
    start.entry = actor.image.begin + image.entry;
    start.attributes.priority = priority;
    start.active = start.supervisor = true;
    return create_thread(actor, start).status();
}

[[nodiscard]] [[gnu::noinline]] bool load_supervisor(std::string_view file_name, formats::Bytes file,
                                                     u16 priority) {
    const std::string_view name = file_name.substr(0, file_name.size() - supervisor_suffix.size());
    const ParsedImage parsed = parse_image(file, machine::elf_machine);
    ImageProblem problem = parsed.problem;
    Status status = Status::ok;
    if (problem.error == ImageError::none) {
        const Result<Actor*> made = create_actor(name, K_SUPACTOR, {});
        status = made.status();
        if (made.ok()) {
            Actor& actor = *made.value();
            status = place(actor, file, parsed.image);
            if (status == Status::ok) problem = bind(actor, parsed.image);
            const bool sound = status == Status::ok && problem.error == ImageError::none;
            if (sound) status = start_supervisor(actor, parsed.image, priority);
            if (!sound || status != Status::ok) {
                if (!actor.image.empty()) take_out(actor);
                discard_actor(actor);
            }
        }
    }
    if (problem.error != ImageError::none) {
        log("actor {}: not loaded: {}{}{}", name, text(problem), problem.name.empty() ? "" : " ",
            problem.name);
    } else if (status != Status::ok) {
        log("actor {}: not loaded: {}", name, reason(status));
    } else {
        log("actor {} loaded: {} KiB, priority {}, supervisor", name, parsed.image.size / 1024, priority);
    }
    return problem.error == ImageError::none && status == Status::ok;
}

// ---- user actors -------------------------------------------------------------------------------

[[nodiscard]] [[gnu::noinline]] bool load_user(std::string_view name, formats::Bytes file, u16 priority) {
    const auto image = formats::elf::parse(file, {.machine = machine::elf_machine});
    if (!image.has_value()) {
        log("actor {}: not loaded: {}", name, formats::elf::text(image.error().error));
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

[[nodiscard]] bool load(std::string_view name, formats::Bytes file, u16 priority) {
    return is_supervisor_image(name) ? load_supervisor(name, file, priority)
                                     : load_user(name, file, priority);
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

[[nodiscard]] bool is_program(const formats::cpio::Entry& entry) {
    return entry.regular() && formats::index_of(entry.name, '/') == std::string_view::npos &&
           (is_supervisor_image(entry.name) || formats::index_of(entry.name, '.') == std::string_view::npos);
}

[[nodiscard]] bool all_there(formats::Bytes bank, std::string_view wanted) {
    bool all = true;
    for_each_name(wanted, [&](std::string_view name) {
        const auto entry = formats::cpio::Archive::find(bank, name);
        if (entry.has_value() && is_program(*entry)) return;
        log("run={}: no such program in the bank", name);
        all = false;
    });
    return all;
}

} // namespace

Loaded load_bank(formats::Bytes bank, std::string_view wanted) {
    Loaded result{};
    bool failed = false;
    for (const formats::cpio::Entry& entry : formats::cpio::Archive{bank}) {
        if (entry.error != formats::cpio::Error::none) {
            log("bank: {} at offset {}", formats::cpio::text(entry.error), entry.offset);
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
