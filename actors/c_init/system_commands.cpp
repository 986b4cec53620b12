// The site: its memory, its end.
#include "c_init/command.hpp"
#include "c_init/shell.hpp"
#include "c_init/text.hpp"

#include <stdio.h>
#include <unistd.h>

namespace chorale::c_init {

namespace {

[[nodiscard]] int print_memory(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    MemoryStatistics memory;
    if (const int result = call.shell.site().memory(memory); result < 0)
        return call.failed("%s", cause(-result).c_str());
    printf("total memory:  %14llu bytes\nfree memory:   %14llu bytes\nlocked memory: %14llu bytes\n",
           static_cast<unsigned long long>(memory.total), static_cast<unsigned long long>(memory.free),
           static_cast<unsigned long long>(memory.locked));
    return 0;
}

[[nodiscard]] int stop(const Invocation& call, Stop how) {
    fflush(stdout);
    sync();
    return call.failed("%s", cause(-call.shell.site().stop(how)).c_str());
}

[[nodiscard]] int reboot(const Invocation& call) {
    if (call.words.size() != 1) return call.misused("it takes no arguments");
    return stop(call, Stop::reboot);
}

// Newest first: those that others started go before these.
void end_actors(Shell& shell) {
    std::vector<ActorEntry> actors;
    if (shell.actors().list(actors) < 0) return;
    for (std::size_t i = actors.size(); i-- > 0;) {
        const ActorEntry& actor = actors[i];
        if (actor.aid == shell.actors().own_aid()) continue;
        if (shell.actors().kill(actor.aid) == 0)
            printf("%s (aid %d): ended\n", actor.name.c_str(), actor.aid);
    }
}

[[nodiscard]] int shut_down(const Invocation& call) {
    Options options{call};
    const std::string* level = nullptr;
    while (const char letter = options.next()) {
        if (letter != 'i') return call.misused("there is no option -%c", letter);
        level = options.value();
        if (level == nullptr) return call.misused("-i without a level");
    }
    if (level == nullptr || !options.operands().empty()) return call.misused("which level?");
    if (*level == "1") return call.failed("-i 1: there is no hot restart in this image");
    if (*level == "3") return stop(call, Stop::reboot);
    if (*level != "0" && *level != "2") return call.failed("-i %s: the levels are 0 to 3", level->c_str());
    end_actors(call.shell);
    return stop(call, *level == "0" ? Stop::power_off : Stop::reboot);
}

[[nodiscard]] int restart(const Invocation& call) {
    return call.failed("there is no hot restart in this image; `reboot` starts the machine anew");
}

constexpr Command table[] = {
    {"memstat", "", "Print how much memory there is",
     "Of the memory that the nucleus manages: all, what is free, what is locked.\n", Topic::system, false,
     print_memory},
    {"reboot", "", "Start the machine anew",
     "At once: actors are not told. File systems are written back before.\n", Topic::system, true, reboot},
    {"restart", "", "Restart the site while its memory stays (hot restart)",
     "There is no hot restart in this image: it always fails.\n", Topic::system, true, restart},
    {"shutdown", "-i 0|1|2|3", "Stop the site",
     "  0  end all actors, switch the machine off\n"
     "  1  hot restart; there is none in this image\n"
     "  2  end all actors, start the machine anew\n"
     "  3  start the machine anew at once, as reboot does\n",
     Topic::system, true, shut_down},
};

} // namespace

std::span<const Command> system_commands() { return table; }

} // namespace chorale::c_init
