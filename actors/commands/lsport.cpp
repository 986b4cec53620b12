// lsport: the ports of all actors.
#include "commands/site.hpp"

#include <stdio.h>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: lsport [options]\n"
    "List the ports of this site: whose each is, its number there, its name, head:tail in\n"
    "hexadecimal, how many messages wait in its queue and how many have been received,\n"
    "whether it is enabled (with which priority), or has a message handler; then, in lines\n"
    "of their own, the groups that it is in. Only SYSTEM actors are told: C_INIT runs it\n"
    "as one.\n"
    "\n"
    "  -A, --actor NAME  ports of actors of that name only\n"
    "  -q, --queued      ports with messages in their queues only\n"
    "  -j, --json        print one line of JSON for each port\n"
    "      --help        print this\n";

constexpr Option known[] = {{'A', "actor", true}, {'q', "queued", false}, {'j', "json", false}};

struct Found {
    std::string owner;
    KnPortStat port;
};

[[nodiscard]] std::vector<Found> find_ports(const std::string& name, bool queued) {
    std::vector<Found> found;
    bool any = name.empty();
    for (const SiteActor& actor : site_actors()) {
        if (!name.empty() && actor.name != name) continue;
        any = true;
        for (const KnPortStat& port : ports_of(actor)) {
            if (!queued || port.psQueued != 0) found.push_back({actor.name, port});
        }
    }
    if (!any) fail("there is no actor `%s`", name.c_str());
    return found;
}

[[nodiscard]] std::string state_of(const KnPortStat& port) {
    if ((port.psFlags & K_PORT_HANDLER) != 0) return "handler";
    return (port.psFlags & K_PORT_ENABLED) != 0 ? "enabled " + std::to_string(port.psPriority) : "-";
}

void print_table(const std::vector<Found>& all) {
    Table table{"<ACTOR LI <PORT QUEUED RECEIVED <STATE"};
    for (const auto& [owner, port] : all) {
        table.begin_row();
        table.add(owner);
        table.add(static_cast<unsigned long long>(port.psPortLi));
        table.add(text(port.psUi));
        table.add(port.psQueued);
        table.add(static_cast<unsigned long long>(port.psReceived));
        table.add(state_of(port));
        for (unsigned i = 0; i < port.psGroups; ++i) {
            table.begin_row();
            table.add("");
            table.add("");
            table.add("  in " + text(port.psGroup[i]));
        }
    }
    table.print();
}

// Names of actors may be anything.
[[nodiscard]] std::string json_text(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~')
            snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
        else
            snprintf(escaped, sizeof escaped, "%c", c);
        result += escaped;
    }
    return result + "\"";
}

void print_json(const std::vector<Found>& all) {
    for (const auto& [owner, port] : all) {
        std::string groups;
        for (unsigned i = 0; i < port.psGroups; ++i)
            groups += std::string{i == 0 ? "" : ","} + "\"" + text(port.psGroup[i]) + "\"";
        printf("{\"actor\":%s,\"li\":%d,\"port\":\"%s\",\"queued\":%u,\"received\":%llu,\"enabled\":%s,"
               "\"priority\":%d,\"handler\":%s,\"groups\":[%s]}\n",
               json_text(owner).c_str(), port.psPortLi, text(port.psUi).c_str(), port.psQueued,
               static_cast<unsigned long long>(port.psReceived),
               (port.psFlags & K_PORT_ENABLED) != 0 ? "true" : "false", port.psPriority,
               (port.psFlags & K_PORT_HANDLER) != 0 ? "true" : "false", groups.c_str());
    }
}

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    std::string name;
    bool queued = false, json = false;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (letter == 'A')
            name = options.value();
        else
            (letter == 'q' ? queued : json) = true;
    }
    if (!options.operands().empty()) misuse("it takes no words");
    const std::vector<Found> ports = find_ports(name, queued);
    if (json)
        print_json(ports);
    else
        print_table(ports);
    finish(0);
}
