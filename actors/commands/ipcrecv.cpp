// ipcrecv: makes a port and prints what comes.
#include "commands/common.hpp"

#include <stdio.h>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: ipcrecv [options]\n"
    "Make a port, print its name, head:tail in hexadecimal, and print each message that\n"
    "comes: its number, its size, whether a reply is awaited, its sender's port, its body.\n"
    "\n"
    "  -n, --count N      end after N messages (never)\n"
    "  -t, --timeout MS   end when none has come for so many milliseconds (never)\n"
    "  -r, --reply TEXT   reply to requests with this text (with nothing)\n"
    "  -e, --echo         reply to requests with their own bodies\n"
    "  -g, --group STAMP  be in the static group of that number, and print its name\n"
    "  -q, --quiet        print names only\n"
    "  -d, --dump         print bodies in hexadecimal\n"
    "      --help         print this\n"
    "\n"
    "Ends with status 1 when the time is over before N messages have come.\n";

constexpr Option known[] = {{'n', "count", true}, {'t', "timeout", true}, {'r', "reply", true},
                            {'e', "echo", false}, {'g', "group", true},   {'q', "quiet", false},
                            {'d', "dump", false}};

struct Settings {
    long long count{-1};
    int delay{-1};
    std::string reply;
    bool echo{}, quiet{}, dump{};
    long long group{-1};
};

[[nodiscard]] Settings read_settings(Options& options) {
    Settings settings;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (letter == 'n') {
            settings.count = options.number(1, 1000000000);
        } else if (letter == 't') {
            settings.delay = static_cast<int>(options.number(0, 86400000));
        } else if (letter == 'r') {
            settings.reply = options.value();
        } else if (letter == 'g') {
            settings.group = options.number(0, 0x7fffffff);
        } else {
            (letter == 'e' ? settings.echo : letter == 'q' ? settings.quiet : settings.dump) = true;
        }
    }
    if (!options.operands().empty()) misuse("it takes no words");
    if (settings.reply.size() > K_CMSGSIZEMAX) misuse("-r: a body has at most %d bytes", K_CMSGSIZEMAX);
    return settings;
}

void enter_group(const Settings& settings, const KnUniqueId& port) {
    KnCap group{};
    int result = grpAllocate(K_STATUSER, &group, static_cast<int>(settings.group));
    if (result == K_OK) result = grpPortInsert(&group, &port);
    if (result != K_OK) fail("group %lld: %s", settings.group, reason(result));
    printf("group %s\n", text(group.ui).c_str());
}

void show(const Settings& settings, long long number, std::string_view body, const KnMsgHead& head) {
    printf("#%lld %zu bytes%s from %s%s\n", number, body.size(),
           (head.flags[0] & K_MSG_CALL) != 0 ? ", a request" : "", text(head.srcPort).c_str(),
           (head.flags[0] & K_MSG_ANNEX) != 0 ? ", with an annex" : "");
    if (settings.dump)
        fputs(hex_dump(body).c_str(), stdout);
    else if (!body.empty())
        printf("  %s\n", printable(body).c_str());
}

void answer(const Settings& settings, std::string_view body, const KnMsgHead& head) {
    if ((head.flags[0] & K_MSG_CALL) == 0) return;
    const std::string_view reply = settings.echo ? body : std::string_view{settings.reply};
    KnMsgDesc message{};
    message.bodySize = static_cast<unsigned>(reply.size());
    message.bodyAddr = reinterpret_cast<VmAddr>(reply.data());
    if (const int result = ipcReply(&message); result != K_OK) fail("reply: %s", reason(result));
}

[[nodiscard]] int serve(const Settings& settings, int port) {
    std::string room(K_CMSGSIZEMAX, '\0');
    for (long long number = 1; settings.count < 0 || number <= settings.count; ++number) {
        KnMsgDesc message{};
        message.bodySize = static_cast<unsigned>(room.size());
        message.bodyAddr = reinterpret_cast<VmAddr>(room.data());
        int from = port;
        const int size = ipcReceive(&message, &from, settings.delay);
        if (size == K_ETIMEOUT) return settings.count < 0 ? 0 : 1;
        if (size < 0) fail("receive: %s", reason(size));
        KnMsgHead head{};
        if (const int result = ipcSysInfo(&head); result != K_OK) fail("header: %s", reason(result));
        const std::string_view body = std::string_view{room}.substr(0, static_cast<std::size_t>(size));
        answer(settings, body, head);
        if (settings.quiet) continue;
        show(settings, number, body, head);
        fflush(stdout);
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    const Settings settings = read_settings(options);
    KnUniqueId name{};
    const int port = portCreate(K_MYACTOR, &name);
    if (port < 0) fail("no port: %s", reason(port));
    if (settings.group >= 0) enter_group(settings, name);
    printf("port %s\n", text(name).c_str());
    fflush(stdout);
    finish(serve(settings, port));
}
