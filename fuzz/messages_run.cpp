// Senders and servers, each a thread of an actor of its own. Every server has a port of its own, every sender
// one to send from, by which the servers tell them apart.
#include "fuzz/messages_run.hpp"

#include "arch/host/lockstep.hpp"
#include "arch/host/machine.hpp"
#include "fuzz/calls_schedule.hpp"
#include "fuzz/messages_model.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/lifetime.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/ipc/message.hpp"
#include "kernel/ipc/port.hpp"
#include "tests/machine/watch.hpp"

#include <machine/user_access.hpp>

#include <algorithm>
#include <cstdio>

namespace chorale::fuzz {

namespace {

using host::Call;
using host::Task;

constexpr u64 machine_memory = u64{32} << 20;
constexpr unsigned steps_per_look = 400;
constexpr u64 patience = 8'000'000; // steps

struct Place {
    KnCap actor{};
    KnUniqueId port{};
    int li{};
};

struct Run {
    const Plan* plan{};
    bool trace{};
    Model model;
    std::vector<Place> senders, servers;
    unsigned done{}, progress{};
};

// The thread's structures, in its actor's own memory.
constexpr VirtAddr descriptor_at{host::free_data.raw()}, destination_at{host::free_data.raw() + 64},
    reply_at{host::free_data.raw() + 128}, head_at{host::free_data.raw() + 192};

void put(VirtAddr at, const auto& value) {
    must(machine::user_write(at, &value, sizeof value), "the thread's own memory is there");
}
template <class T>
[[nodiscard]] T get(VirtAddr at) {
    T value{};
    must(machine::user_read(&value, at, sizeof value), "the thread's own memory is there");
    return value;
}

[[nodiscard]] Bytes read(u64 at, std::size_t size) {
    Bytes bytes(size);
    must(machine::user_read(bytes.data(), VirtAddr{at}, size), "the area is there");
    return bytes;
}

// ---- sending ---------------------------------------------------------------------------------------------

// No two bodies alike. A message that is still under way may share the pages: a first store to each makes
// them the sender's own.
[[nodiscard]] Task<void> fill(VirtAddr area, std::size_t bytes, u64 seed) {
    for (std::size_t at = 0; at < bytes; at += page_size) co_await host::store(area + at, seed);
    std::vector<u64> words(bytes / sizeof(u64));
    for (u64& word : words) word = seed = seed * 6364136223846793005 + 1442695040888963407;
    must(machine::user_write(area, words.data(), bytes), "the area is there");
}

[[nodiscard]] KnMsgDesc describe(const Body& body, VirtAddr area) {
    KnMsgDesc made{};
    made.bodySize = body.size;
    made.bodyAddr = body.memory.address(area, std::min<uword>(body.size, K_CMSGSIZEMAX));
    if (body.has_annex) made.annexAddr = body.annex.address(area + (area_size - page_size), K_CMSGANNEXSIZE);
    return made;
}

// The area filled anew, as far as the body needs it.
[[nodiscard]] Task<KnMsgDesc> prepare(Run& run, const Body& body) {
    const KnMsgDesc made = describe(body, out_area);
    const uword used = std::min<uword>(round_up(uword{body.size} + 2 * page_size, page_size), area_size);
    co_await fill(out_area, used, ++run.progress);
    co_await fill(out_area + (area_size - page_size), page_size, ++run.progress);
    co_return made;
}

// What ipcSend, ipcReply and ipcCall say of it before anything is sent.
[[nodiscard]] long error_of(const KnMsgDesc& message) {
    if (message.bodySize > K_CMSGSIZEMAX) return K_ETOOMUCH;
    if (message.annexAddr != 0 && !reachable(message.annexAddr, K_CMSGANNEXSIZE)) return K_EFAULT;
    return reachable(message.bodyAddr, message.bodySize) ? K_OK : K_EFAULT;
}

[[nodiscard]] Content content_of(const KnMsgDesc& message) {
    Content made{};
    if (error_of(message) != K_OK) return made;
    made.body = read(message.bodyAddr, message.bodySize);
    made.has_annex = message.annexAddr != 0;
    if (made.has_annex) made.annex = read(message.annexAddr, K_CMSGANNEXSIZE);
    return made;
}

[[nodiscard]] Content content_of(const host::Words& words, std::size_t size) {
    Content made{};
    const auto* const bytes = reinterpret_cast<const u8*>(words.word);
    made.body.assign(bytes, bytes + size);
    return made;
}

[[nodiscard]] host::Words words_of(u64 seed) {
    host::Words words;
    for (u64& word : words.word) word = seed = seed * 6364136223846793005 + 1442695040888963407;
    return words;
}

// ---- receiving -------------------------------------------------------------------------------------------

void clear_area() {
    static const Bytes blank(area_size, untouched);
    must(machine::user_write(in_area, blank.data(), blank.size()), "the area is there");
}

// ---- a sender --------------------------------------------------------------------------------------------

[[nodiscard]] KnUniqueId target_of(const Run& run, unsigned server) {
    return server < run.servers.size() ? run.servers[server].port : KnUniqueId{1, 1};
}

[[nodiscard]] Task<void> move(unsigned cpu) {
    must(co_await call(Call::threadBind, 0, K_MYSELF, cpu, 0, K_NONEXCLUSIVE) == K_OK, "a thread moves");
}

void say(const Run& run, unsigned sender, const char* what, long result) {
    if (!run.trace) return;
    std::printf("cpu %u sender %u: %s = %ld\n", this_cpu().index, sender, what, result);
}

[[nodiscard]] Task<void> send_one(Run& run, unsigned sender, const SendStep& step) {
    const KnMsgDesc message = co_await prepare(run, step.body);
    put(descriptor_at, message);
    put(destination_at, KnIpcDest{target_of(run, step.server), {}});
    const long error = error_of(message);
    Sent& sent = run.model.sends(sender, step.server, content_of(message), false);
    const long result =
        co_await call(Call::ipcSendMessage, descriptor_at, run.senders[sender].li, destination_at);
    say(run, sender, "ipcSend", result);
    sent.accepted = result == K_OK;
    sent.refused = result < 0;
    if (error != K_OK) {
        must(result == error, "a message that cannot be sent is not");
    } else if (step.server >= run.servers.size()) {
        must(result == K_EUNKNOWN, "nobody gets no message");
    } else {
        must(result == K_OK || result == K_EFULL, "a good message is sent, or there is no room");
    }
}

// What the caller got is what its server gave.
void check_reply(Sent& sent, const host::MessageResult& result, const KnMsgDesc* room, bool words) {
    sent.returned = true;
    if (result.size == K_ETIMEOUT || result.size == K_EFULL || result.size == K_EUNKNOWN) {
        sent.refused = result.size != K_ETIMEOUT;
        return;
    }
    must(sent.answered, "a reply is somebody's");
    if (sent.reply.error != K_OK) {
        must(result.size == sent.reply.error, "the error is the server's doing");
        return;
    }
    const char* const wrong = difference(sent.reply, room, words, result, read(in_area.raw(), area_size));
    must(wrong == nullptr, wrong);
}

[[nodiscard]] Task<void> call_one(Run& run, unsigned sender, const SendStep& step) {
    const KnMsgDesc message = co_await prepare(run, step.body), room = describe(step.reply, in_area);
    put(descriptor_at, message);
    put(destination_at, KnIpcDest{target_of(run, step.server), {}});
    put(reply_at, room);
    clear_area();
    const long error = error_of(message);
    Sent& sent = run.model.sends(sender, step.server, content_of(message), true);
    sent.refused = error != K_OK;
    const int delay = step.delay == 0 ? -1 : step.delay;
    const long result = co_await call(Call::ipcCallMessage, descriptor_at, run.senders[sender].li,
                                      destination_at, reply_at, delay);
    say(run, sender, "ipcCall", result);
    if (error != K_OK) {
        must(result == error, "a message that cannot be sent is not");
        co_return;
    }
    must(result != K_ETIMEOUT || step.delay != 0, "without a limit there is no timeout");
    must((result == K_EUNKNOWN) == (step.server >= run.servers.size()), "somebody is known");
    check_reply(sent, {result, 0, 0, {}}, &room, false);
}

[[nodiscard]] Task<void> call_by_words(Run& run, unsigned sender, const SendStep& step) {
    const KnMsgDesc room = describe(step.reply, in_area);
    put(reply_at, room);
    clear_area();
    const host::Words words = words_of(++run.progress);
    const std::size_t size = step.body.size % 72;
    Sent& sent =
        run.model.sends(sender, step.server, content_of(words, std::min<std::size_t>(size, 64)), true);
    sent.refused = size > 64;
    const host::MessageResult result = co_await host::message_call(target_of(run, step.server), words, size,
                                                                   0, step.described ? reply_at : VirtAddr{});
    say(run, sender, "words", result.size);
    if (size > 64) {
        must(result.size == K_EINVAL, "no more than the registers hold");
        co_return;
    }
    must((result.size == K_EUNKNOWN) == (step.server >= run.servers.size()), "somebody is known");
    check_reply(sent, result, step.described ? &room : nullptr, true);
}

[[nodiscard]] Task<void> send_all(Run& run, unsigned sender) {
    for (const SendStep& step : run.plan->sends) {
        if (step.sender != sender) continue;
        switch (step.how) {
        case Send::send:
            co_await send_one(run, sender, step);
            break;
        case Send::call:
            co_await call_one(run, sender, step);
            break;
        case Send::words:
            co_await call_by_words(run, sender, step);
            break;
        default:
            // What goes to another CPU from two CPUs comes there in any order.
            if (run.model.ordered() && run.model.under_way(sender)) break;
            co_await move(step.delay % message_cpus);
            break;
        }
        ++run.progress;
    }
    ++run.done;
}

// ---- a server --------------------------------------------------------------------------------------------

[[nodiscard]] bool same(const KnUniqueId& a, const KnUniqueId& b) {
    return a.uiHead == b.uiHead && a.uiTail == b.uiTail;
}

struct Received {
    host::MessageResult result;
    KnMsgDesc room;
    bool described;
};

// What was sent and is not as it arrived; nullptr: nothing.
[[nodiscard]] const char* difference(const Run& run, unsigned server, const Sent& sent, const KnMsgHead& head,
                                     const Received& received) {
    if (head.bodySize != static_cast<int>(sent.content.body.size())) return "the header has the size";
    const int flags = (sent.call ? K_MSG_CALL : 0) | (sent.content.has_annex ? K_MSG_ANNEX : 0);
    if (head.flags[0] != flags) return "the header tells what it is";
    if (!same(head.target, run.servers[server].port)) return "the header has the port";
    if ((head.transId != 0) != sent.call) return "a call is a transaction";
    return difference(sent.content, received.described ? &received.room : nullptr, true, received.result,
                      read(in_area.raw(), area_size));
}

// Which message that is, by its header and all else.
[[nodiscard]] Task<Sent*> identify(Run& run, unsigned server, const Received& received) {
    must(co_await call(Call::ipcSysInfo, head_at) == K_OK, "what was received has a header");
    const auto head = get<KnMsgHead>(head_at);
    for (unsigned sender = 0; sender < run.senders.size(); ++sender) {
        const Place& from = run.senders[sender];
        const Actor& actor = *find_actor(from.actor).value();
        // Words come from the default port.
        if (!same(head.srcPort, from.port) && !same(head.srcPort, actor.default_port->ui)) continue;
        co_return &run.model.arrives(
            sender, server, [&](const Sent& sent) { return difference(run, server, sent, head, received); });
    }
    must(false, "the header has the sender");
    co_return nullptr;
}

// The reply, if any; `received`: the next message came with it.
[[nodiscard]] Task<bool> reply_by_words(Run& run, unsigned server, Sent& sent, const ServeStep& step,
                                        Received& received) {
    const host::Words words = words_of(++run.progress);
    const std::size_t size = step.reply.size % 72;
    if (sent.call && size <= 64) {
        sent.reply = content_of(words, size);
        sent.answered = true;
    }
    clear_area();
    received.room = describe(step.room, in_area);
    received.described = step.described;
    put(descriptor_at, received.room);
    received.result = co_await host::message_reply_receive(run.servers[server].li, words, size, 0,
                                                           step.described ? descriptor_at : VirtAddr{});
    if (!sent.call || size > 64) {
        must(received.result.size == K_EINVAL, "a reply that cannot be is refused");
        co_return false;
    }
    co_return true;
}

[[nodiscard]] Task<void> reply_by_call(Run& run, Sent& sent, const ServeStep& step) {
    const KnMsgDesc message = co_await prepare(run, step.reply);
    put(descriptor_at, message);
    const long error = sent.call ? error_of(message) : K_EINVAL;
    if (error == K_OK) {
        sent.reply = content_of(message);
        sent.answered = true;
    }
    const long result = co_await call(Call::ipcReply, descriptor_at);
    must(result == error, "a reply is sent, or its error told");
    if (error == K_OK || !sent.call) co_return;
    must(co_await call(Call::ipcSysInfo, head_at) == K_OK, "without a reply it is still served");
    const auto head = get<KnMsgHead>(head_at);
    must(head.bodySize == static_cast<int>(sent.content.body.size()), "it is still as it was");
}

void say(const Run& run, unsigned server, const Received& received) {
    if (!run.trace) return;
    std::printf("cpu %u server %u: %ld bytes, port %lu, %s\n", this_cpu().index, server,
                received.result.bytes(), static_cast<unsigned long>(received.result.port_li),
                received.result.stored() ? "in memory" : "in registers");
}

[[nodiscard]] Task<Received> receive(Run& run, unsigned server, const ServeStep& step) {
    Received received{};
    received.room = describe(step.room, in_area);
    received.described = step.described;
    put(descriptor_at, received.room);
    clear_area();
    received.result = co_await host::message_receive(step.any ? K_ANYENABLED : run.servers[server].li, -1, 0,
                                                     step.described ? descriptor_at : VirtAddr{});
    co_return received;
}

[[nodiscard]] Task<void> serve(Run& run, unsigned server) {
    const std::vector<ServeStep>& steps = run.plan->serves;
    Received received{};
    bool have = false;
    for (std::size_t at = 0;; at = (at + 1) % steps.size()) {
        const ServeStep& step = steps[at];
        if (!have) received = co_await receive(run, server, step);
        have = false;
        ++run.progress;
        say(run, server, received);
        must(received.result.size >= 0 || received.result.size == K_EFAULT, "a server gets messages");
        Sent* const sent = co_await identify(run, server, received);
        if (received.result.size >= 0)
            must(static_cast<int>(received.result.port_li) == run.servers[server].li, "through that port");
        if (step.move < message_cpus) co_await move(step.move);
        if (step.how == Reply::words) {
            have = co_await reply_by_words(run, server, *sent, step, received);
        } else if (step.how == Reply::reply) {
            co_await reply_by_call(run, *sent, step);
        }
        // Whoever is not answered by now will not be.
        if (sent->call && !sent->answered) {
            sent->reply.error = K_EFAIL;
            sent->answered = true;
        }
    }
}

// ---- the root --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> map_area(KnCap actor, VirtAddr at) {
    host::Local<KnCap> owner;
    host::Local<KnRgnDesc> region;
    co_await owner.set(actor);
    KnRgnDesc wanted{};
    wanted.startAddr = at.raw();
    wanted.size = area_size;
    wanted.options = K_WRITABLE | K_NODEMAND;
    co_await region.set(wanted);
    must(co_await call(Call::rgnAllocate, owner.at(), region.at()) == K_OK, "there is memory");
}

// A port has its home on the CPU where it is made.
[[nodiscard]] Task<Place> make_place(u8 home) {
    Place made;
    co_await move(home);
    made.actor = co_await host::create_actor();
    must(made.actor.ui.uiHead != 0, "there is memory for an actor");
    co_await map_area(made.actor, out_area);
    co_await map_area(made.actor, in_area);
    made.li = static_cast<int>(co_await host::create_port(made.actor, made.port));
    must(made.li > 0, "there is memory for a port");
    host::Local<KnCap> owner;
    co_await owner.set(made.actor);
    must(co_await call(Call::portEnable, owner.at(), made.li, 1) == K_OK, "a port can be enabled");
    co_return made;
}

[[nodiscard]] Task<void> start(KnCap actor, host::Program program, u8 cpu) {
    must(co_await host::start_thread(actor, std::move(program), {.cpu = cpu, .priority = 110}) > 0,
         "there is memory for a thread");
}

[[nodiscard]] Task<void> root(Run& run) {
    const Plan& plan = *run.plan;
    for (std::size_t i = 0; i < plan.sender_cpus.size(); ++i) run.senders.push_back(co_await make_place(0));
    for (std::size_t i = 0; i < plan.server_cpus.size(); ++i)
        run.servers.push_back(co_await make_place(plan.homes[i]));
    co_await move(0);
    for (unsigned i = 0; i < run.servers.size(); ++i)
        co_await start(run.servers[i].actor, [&run, i](u64) { return serve(run, i); }, plan.server_cpus[i]);
    for (unsigned i = 0; i < run.senders.size(); ++i)
        co_await start(
            run.senders[i].actor, [&run, i](u64) { return send_all(run, i); }, plan.sender_cpus[i]);
    constexpr u64 pause = 50'000'000;
    for (unsigned before = ~0u; before != run.progress;) {
        before = run.progress;
        static_cast<void>(co_await host::sleep(pause));
    }
    // Who is not answered waits until its server gets another message.
    must(run.done + run.model.left_waiting() == run.senders.size(), "every sender comes to its end");
    run.model.check_all_arrived();
    for (const Place& place : run.senders) must(co_await host::delete_actor(place.actor) == K_OK, "it goes");
    for (const Place& place : run.servers) must(co_await host::delete_actor(place.actor) == K_OK, "it goes");
}

[[nodiscard]] host::Lockstep& host_machine() {
    static host::Lockstep* const engine = [] {
        auto* const made = new host::Lockstep; // until the process ends
        made->set_patience(patience);
        host::boot({.cpus = message_cpus, .memory = machine_memory, .console = false}, *made);
        return made;
    }();
    return *engine;
}

} // namespace

void run(const Plan& plan, bool trace) {
    host::Lockstep& engine = host_machine();
    Schedule schedule{plan.schedule, plan.pace, plan.seed};
    Run run{};
    run.model.set_ordered(plan.in_order());
    run.plan = &plan;
    run.trace = trace;
    test::Watch watch{engine, schedule, trace ? 1u : steps_per_look};
    const host::Outcome outcome = host::run([&run](u64) { return root(run); });
    must(outcome == host::Outcome::finished, "the run comes to its end");
    test::Findings findings = watch.findings();
    if (findings.empty()) findings = test::check_invariants(test::Depth::quiet);
    for (const std::string& finding : findings) std::fprintf(stderr, "%s\n", finding.c_str());
    must(findings.empty(), "the invariants hold");
    must(live_messages() == 0 && live_threads() == 1, "nothing is left behind");
}

} // namespace chorale::fuzz
