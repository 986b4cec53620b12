// chorusStat, cs: what the nucleus knows of the site.
#include "commands/site.hpp"

#include <errno.h>
#include <stdio.h>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: chorusStat [options]\n"
    "Print what the nucleus knows of this site; without options its actors. cs is the\n"
    "same program. Only SYSTEM actors are told: C_INIT runs it as one.\n"
    "\n"
    "  -a, --actors        the actors: threads, ports, regions, memory, credits\n"
    "  -t, --threads       the threads of all actors\n"
    "  -A, --actor NAME    actors and threads of actors of that name only\n"
    "  -s, --statistics    objects and events of the site\n"
    "  -c, --cpus          events of each CPU\n"
    "  -l, --log           the nucleus's log\n"
    "      --help          print this\n"
    "\n"
    "lsport prints ports, env the environment of programs.\n";

constexpr Option known[] = {{'a', "actors", false},     {'t', "threads", false}, {'A', "actor", true},
                            {'s', "statistics", false}, {'c', "cpus", false},    {'l', "log", false}};

[[nodiscard]] std::string privilege_of(const SiteActor& actor) {
    KnActorPrivilege privilege = 0;
    if (actorPrivilege(&actor.capability, &privilege, nullptr) != K_OK) return "?";
    return privilege == K_SUPACTOR ? "SUP" : privilege == K_SYSTEMACTOR ? "SYS" : "USER";
}

void print_actors(const std::vector<SiteActor>& actors) {
    Table table{"<ACTOR <PRIV <STATUS THREADS PORTS REGIONS PAGES PAGE-LIMIT CREDITS CREDIT-LIMIT"};
    for (const SiteActor& actor : actors) {
        KnActorStatistics statistics{};
        if (actorStatistics(&actor.capability, &statistics) != K_OK) continue;
        table.begin_row();
        table.add(actor.name);
        table.add(privilege_of(actor));
        table.add(actor.status == K_STOPPED ? "stopped" : "active");
        table.add(statistics.threads);
        table.add(statistics.ports);
        table.add(statistics.regions);
        table.add(statistics.pages);
        table.add(statistics.pageLimit);
        table.add(statistics.credits);
        table.add(statistics.creditLimit);
    }
    table.print();
}

[[nodiscard]] const char* text_of(KnThreadStatus status) {
    static constexpr const char* texts[] = {"ready", "inactive", "stopped", "suspended", "waiting"};
    return status < sizeof texts / sizeof texts[0] ? texts[status] : "?";
}

// Seconds with milliseconds.
[[nodiscard]] std::string text_of(const KnTimeVal& time) {
    char text[32];
    snprintf(text, sizeof text, "%ld.%03ld", time.tmSec, time.tmNSec / 1000000);
    return text;
}

void print_threads(const std::vector<SiteActor>& actors) {
    Table table{"<ACTOR LI <NAME <STATUS PRIO CPU TIME CALLS DISPATCHES PREEMPTIONS MIGRATIONS"};
    for (const SiteActor& actor : actors) {
        for (const KnThreadStat& thread : threads_of(actor)) {
            KnThreadStatistics statistics{};
            KnTimeVal internal{}, external{};
            char name[K_THREADNAMEMAX]{};
            const KnCap& capability = actor.capability;
            if (threadStatistics(&capability, thread.tsThreadLi, &statistics) != K_OK) continue;
            if (threadTimes(&capability, thread.tsThreadLi, &internal, &external) != K_OK) continue;
            if (threadName(&capability, thread.tsThreadLi, name, nullptr) != K_OK) continue;
            table.begin_row();
            table.add(actor.name);
            table.add(static_cast<unsigned long long>(thread.tsThreadLi));
            table.add(name[0] == '\0' ? "-" : name);
            table.add(text_of(thread.tsStatus));
            table.add(thread.tsPriority);
            table.add(static_cast<unsigned long long>(thread.tsCpu));
            table.add(text_of(internal));
            table.add(statistics.ipcCalls);
            table.add(statistics.dispatches);
            table.add(statistics.preemptions);
            table.add(statistics.migrations);
        }
    }
    table.print();
}

void print_statistics() {
    KnSysStatistics statistics{};
    if (const int result = sysStatistics(&statistics); result != K_OK) fail("statistics: %s", reason(result));
    const struct {
        const char* name;
        std::uint64_t value;
    } rows[] = {
        {"CPUs", statistics.cpus},
        {"actors", statistics.actors},
        {"threads", statistics.threads},
        {"ports", statistics.ports},
        {"messages", statistics.messages},
        {"regions", statistics.regions},
        {"pages", statistics.totalPages},
        {"pages free", statistics.freePages},
        {"nucleus objects", statistics.slabObjects},
        {"ipcCall messages", statistics.ipcCalls},
        {"ipcSend messages", statistics.ipcSends},
        {"messages to other CPUs", statistics.ipcCross},
        {"thread switches", statistics.switches},
    };
    for (const auto& row : rows)
        printf("%-24s %14llu\n", row.name, static_cast<unsigned long long>(row.value));
}

void print_cpus() {
    KnSysStatistics site{};
    sysStatistics(&site);
    Table table{
        "CPU CALLS SENDS CROSS SWITCHES PREEMPTIONS MIGRATIONS REQUESTS TIMER DOORBELLS DEVICE FAULTS "
        "HALTS"};
    for (unsigned cpu = 0; cpu < site.cpus; ++cpu) {
        KnCpuStatistics counts{};
        if (sysCpuStatistics(static_cast<KnCpuId>(cpu), &counts) != K_OK) continue;
        table.begin_row();
        table.add(cpu);
        for (const std::uint64_t count :
             {counts.ipcCalls, counts.ipcSends, counts.ipcCross, counts.switches, counts.preemptions,
              counts.migrations, counts.requests, counts.timerInterrupts, counts.doorbells,
              counts.deviceInterrupts, counts.exceptions, counts.halts})
            table.add(count);
    }
    table.print();
}

void print_log() {
    std::uint64_t position = 0;
    char text[256];
    for (;;) {
        const int size = sysLogRead(&position, text, sizeof text);
        if (size < 0) fail("log: %s", reason(size));
        if (size == 0) return;
        fwrite(text, 1, static_cast<std::size_t>(size), stdout);
    }
}

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    std::string wanted, name;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (letter == 'A')
            name = options.value();
        else
            wanted += static_cast<char>(letter);
    }
    if (!options.operands().empty()) misuse("it takes no words");
    if (wanted.empty()) wanted = name.empty() ? "a" : "at";
    std::vector<SiteActor> actors;
    if (wanted.find_first_of("at") != wanted.npos) {
        actors = site_actors();
        if (!name.empty()) {
            std::erase_if(actors, [&](const SiteActor& actor) { return actor.name != name; });
            if (actors.empty()) fail("there is no actor `%s`", name.c_str());
        }
    }
    for (const char what : wanted) {
        if (what == 'a') print_actors(actors);
        if (what == 't') print_threads(actors);
        if (what == 's') print_statistics();
        if (what == 'c') print_cpus();
        if (what == 'l') print_log();
    }
    finish(0);
}
