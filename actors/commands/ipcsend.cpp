// ipcsend: sends a message to a port or a group.
#include "commands/outgoing.hpp"

#include <stdio.h>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: ipcsend [options] PORT [word...]\n"
    "Send a message to a port, or a group of ports, and do not wait: the words, with a\n"
    "blank between them. PORT is its name, head:tail in hexadecimal.\n"
    "\n" CHORALE_OUTGOING_USAGE "  -n, --count N     send it N times (1)\n"
    "      --help        print this\n";

constexpr Option known[] = {
    outgoing_options[0], outgoing_options[1], outgoing_options[2], outgoing_options[3], {'n', "count", true}};

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    Outgoing outgoing;
    long long count = 1;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (!outgoing.take(options, letter)) count = options.number(1, 1000000);
    }
    outgoing.take(options.operands());
    const KnMsgDesc message = outgoing.message();
    const KnIpcDest destination = outgoing.destination();
    for (long long i = 0; i < count; ++i) {
        if (const int result = ipcSend(&message, K_DEFAULTPORT, &destination); result < 0)
            fail("%s: message %lld: %s", text(destination.target).c_str(), i + 1, reason(result));
    }
    finish(0);
}
