// ipcping: how long calls of a port take.
#include "commands/common.hpp"

#include <algorithm>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <vector>

using namespace chorale::commands;

namespace {

constexpr const char* usage =
    "usage: ipcping [options] [PORT]\n"
    "Call a port many times, one call after the other, and tell how long the round trips\n"
    "took. PORT is its name, head:tail in hexadecimal; whoever serves it replies (ipcrecv\n"
    "--echo -q does). Without a port: one of this program, which another thread serves.\n"
    "\n"
    "  -n, --count N    round trips (1000)\n"
    "  -s, --size N     bytes of each request (0)\n"
    "  -t, --timeout MS how long one may take (1000)\n"
    "  -j, --json       print one line of JSON instead of the table\n"
    "      --help       print this\n";

constexpr Option known[] = {
    {'n', "count", true}, {'s', "size", true}, {'t', "timeout", true}, {'j', "json", false}};

struct Settings {
    unsigned count{1000}, size{};
    int delay{1000};
    bool json{};
};

int own_port;

[[noreturn]] void* serve(void*) {
    static char room[K_CMSGSIZEMAX];
    for (;;) {
        KnMsgDesc message{};
        message.bodySize = sizeof room;
        message.bodyAddr = reinterpret_cast<VmAddr>(room);
        int port = own_port;
        if (ipcReceive(&message, &port, -1) < 0) continue;
        const KnMsgDesc empty{};
        ipcReply(&empty);
    }
}

// A server in this program: the shortest way that there is.
[[nodiscard]] KnUniqueId start_server() {
    KnUniqueId name{};
    own_port = portCreate(K_MYACTOR, &name);
    if (own_port < 0) fail("no port: %s", reason(own_port));
    pthread_t thread{};
    if (const int error = pthread_create(&thread, nullptr, serve, nullptr); error != 0)
        fail("no thread: %s", strerror(error));
    return name;
}

struct Times {
    std::uint64_t least{}, median{}, p99{}, most{};
};

// The n-th of a hundred, of sorted values.
[[nodiscard]] std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, unsigned n) {
    const std::size_t rank = (sorted.size() * n + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

[[nodiscard]] std::uint64_t nanoseconds(std::uint64_t ticks, std::uint64_t frequency) {
    constexpr std::uint64_t second = 1000000000;
    return ticks / frequency * second + ticks % frequency * second / frequency;
}

[[nodiscard]] Times measure(const Settings& settings, const KnUniqueId& port) {
    std::string body(settings.size, 'p');
    std::string room(K_CMSGSIZEMAX, '\0');
    KnMsgDesc request{};
    request.bodySize = settings.size;
    request.bodyAddr = reinterpret_cast<VmAddr>(body.data());
    const KnIpcDest destination{port, {}};
    std::vector<std::uint64_t> took;
    took.reserve(settings.count);
    // The first ones find cold caches and unmapped pages, and are not counted.
    constexpr unsigned warm_up = 16;
    for (unsigned i = 0; i < settings.count + warm_up; ++i) {
        KnMsgDesc reply{};
        reply.bodySize = static_cast<unsigned>(room.size());
        reply.bodyAddr = reinterpret_cast<VmAddr>(room.data());
        std::uint64_t begin = 0, end = 0;
        hrTimerValue(&begin);
        const int result = ipcCall(&request, K_DEFAULTPORT, &destination, &reply, settings.delay);
        hrTimerValue(&end);
        if (result < 0) fail("%s: call %u: %s", text(port).c_str(), i + 1, reason(result));
        if (i >= warm_up) took.push_back(end - begin);
    }
    std::sort(took.begin(), took.end());
    std::uint64_t frequency = 0;
    hrTimerFrequency(&frequency);
    return {nanoseconds(took.front(), frequency), nanoseconds(percentile(took, 50), frequency),
            nanoseconds(percentile(took, 99), frequency), nanoseconds(took.back(), frequency)};
}

void print(const Settings& settings, const KnUniqueId& port, const Times& times) {
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    if (settings.json) {
        printf("{\"port\":\"%s\",\"calls\":%u,\"bytes\":%u,\"min_ns\":%llu,\"median_ns\":%llu,"
               "\"p99_ns\":%llu,\"max_ns\":%llu}\n",
               text(port).c_str(), settings.count, settings.size, number(times.least), number(times.median),
               number(times.p99), number(times.most));
        return;
    }
    printf("%u calls of %s, %u bytes each; nanoseconds:\n", settings.count, text(port).c_str(),
           settings.size);
    printf("%12s %12s %12s %12s\n", "min", "median", "p99", "max");
    printf("%12llu %12llu %12llu %12llu\n", number(times.least), number(times.median), number(times.p99),
           number(times.most));
}

} // namespace

int main(int argc, char** argv) {
    Options options{argc, argv, usage, known};
    Settings settings;
    for (int letter = 0; (letter = options.next()) != -1;) {
        if (letter == 'n')
            settings.count = static_cast<unsigned>(options.number(1, 1000000));
        else if (letter == 's')
            settings.size = static_cast<unsigned>(options.number(0, K_CMSGSIZEMAX));
        else if (letter == 't')
            settings.delay = static_cast<int>(options.number(1, 86400000));
        else
            settings.json = true;
    }
    if (options.operands().size() > 1) misuse("at most one port");
    const KnUniqueId port =
        options.operands().empty() ? start_server() : port_name(options.operands().front());
    print(settings, port, measure(settings, port));
    finish(0);
}
