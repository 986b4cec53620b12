// ipccall: calls a port and prints the reply.
#include "commands/outgoing.hpp"

#include <stdio.h>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: ipccall [options] PORT [word...]\n"
    "Send a request to a port, wait for the reply and print it: its size, then its body.\n"
    "PORT is the port's name, head:tail in hexadecimal.\n"
    "\n" CHORALE_OUTGOING_USAGE "  -t, --timeout MS  wait at most so many milliseconds (without limit)\n"
    "  -o, --raw         print the reply's bytes and nothing else\n"
    "  -d, --dump        print the reply in hexadecimal\n"
    "      --help        print this\n";

constexpr Option known[] = {outgoing_options[0], outgoing_options[1],    outgoing_options[2],
                            outgoing_options[3], {'t', "timeout", true}, {'o', "raw", false},
                            {'d', "dump", false}};

enum class Shown { text, raw, dump };

void show(std::string_view body, Shown how) {
    if (how == Shown::raw) {
        fwrite(body.data(), 1, body.size(), stdout);
        return;
    }
    printf("reply: %zu bytes\n", body.size());
    if (how == Shown::dump)
        fputs(hex_dump(body).c_str(), stdout);
    else if (!body.empty())
        puts(printable(body).c_str());
}

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    Outgoing outgoing;
    int delay = -1;
    Shown shown = Shown::text;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (outgoing.take(options, letter)) continue;
        if (letter == 't')
            delay = static_cast<int>(options.number(0, 86400000));
        else
            shown = letter == 'o' ? Shown::raw : Shown::dump;
    }
    outgoing.take(options.operands());
    const KnMsgDesc message = outgoing.message();
    const KnIpcDest destination = outgoing.destination();
    std::string room(K_CMSGSIZEMAX, '\0');
    KnMsgDesc reply{};
    reply.bodySize = static_cast<unsigned>(room.size());
    reply.bodyAddr = reinterpret_cast<VmAddr>(room.data());
    const int size = ipcCall(&message, K_DEFAULTPORT, &destination, &reply, delay);
    if (size < 0) fail("%s: %s", text(destination.target).c_str(), reason(size));
    show(std::string_view{room}.substr(0, static_cast<std::size_t>(size)), shown);
    finish(0);
}
